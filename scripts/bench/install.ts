import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { down, up } from '../lab/cluster.ts'
import { say } from '../lab/exec.ts'
import { applying, shell } from './contenders.ts'
import { failed, timed, type Contender } from './processes.ts'
import { openSite, writeManifests, writePlainValues, type ChartChoice, type Site } from './site.ts'
import { spread, type Spread } from './statistics.ts'

export interface Installs {
  airstrip: Spread
  shell: Spread
}

/** From a cluster that has just booted to an Airflow that answers, each on clusters of its own, in turn. */
export async function firstInstalls(name: string, folder: string, checkout: string, choice: ChartChoice | undefined, rounds: number): Promise<Installs> {
  const times: Record<keyof Installs, number[]> = { airstrip: [], shell: [] }
  const installers: Record<keyof Installs, (site: Site) => Contender> = {
    airstrip: site => applying(site, checkout),
    shell: site => ({ ...shell(site), complaint: failed }),
  }
  for (let round = 1; round <= rounds; round++) {
    for (const who of ['airstrip', 'shell'] as const) {
      await down(name)
      const place = join(folder, `install-${who}-${round}`)
      mkdirSync(place)
      const site = openSite(await up(name), place, choice)
      writeManifests(site)
      writePlainValues(site)
      const { wall } = await timed(installers[who](site))
      times[who].push(wall)
      say(`install ${round} of ${rounds}: ${who} ${wall.toFixed(1)} s`)
    }
  }
  // What the last one installed is not airstrip's to work on.
  await down(name)
  return { airstrip: spread(times.airstrip), shell: spread(times.shell) }
}
