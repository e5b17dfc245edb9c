/** A timer that repairs would bring back what was taken down, and one that reports would complain for ever. */
import { resolve } from 'node:path'
import type { Host } from '../adapters/host.ts'
import type { Timekeeper } from '../adapters/timekeeper.ts'
import type { Marker } from '../schedule/plan.ts'
import { keepersOf, isThere } from './schedule.ts'
import type { Deps, Flags } from './deps.ts'

interface Named {
  name: string
  why: string
}

export interface Schedules {
  /** Of this configuration and this state. */
  own: (Named & { keeper: Timekeeper })[]
  others: Named[]
}

export function schedulesFor(flags: Flags, deps: Deps, host: Host): Schedules {
  const found = keepersOf(host, deps, { systemd: host.systemd }).filter(isThere).flatMap((keeper) => {
    const marker = keeper.found()
    return marker === undefined ? [] : [{ keeper, marker }]
  })
  const isOwn = ({ config, state }: Marker): boolean => config === resolve(flags.config) && state === resolve(flags.state)
  return {
    own: found.filter(({ marker }) => isOwn(marker)).map(({ keeper, marker }) => ({ keeper, name: nameOf(marker), why: `it runs airstrip ${marker.mode} every ${marker.every} for this configuration` })),
    others: found.filter(({ marker }) => !isOwn(marker)).map(({ marker }) => ({ name: nameOf(marker), why: `it is for ${marker.config}; \`schedule remove --${marker.keeper}\` takes it away` })),
  }
}

function nameOf({ keeper }: Marker): string {
  return keeper === 'cron' ? 'Entry airstrip in the crontab' : `Timer airstrip of systemd (${keeper})`
}

export async function removeSchedules({ own }: Schedules): Promise<string[]> {
  const removed: string[] = []
  for (const { keeper } of own) removed.push(...(await keeper.remove()))
  return removed
}
