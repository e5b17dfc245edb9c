import { join } from 'node:path'
import type { Exec, Outcome } from '../cluster/exec.ts'
import { AirstripError } from '../errors.ts'
import { parseShow, shownProperties } from '../schedule/look.ts'
import { parseMarker, type Marker, type Plan } from '../schedule/plan.ts'
import { serviceUnit, timerUnit, unitName } from '../schedule/units.ts'
import type { Host } from './host.ts'
import type { Timekeeper, Written } from './timekeeper.ts'

const [service, timer] = [`${unitName}.service`, `${unitName}.timer`]

/** A service and a timer, of the whole machine or of one person. */
export function systemdKeeper(scope: 'system' | 'user', host: Host, exec: Exec): Timekeeper {
  const paths = [service, timer].map((name) => join(host.unitFolder(scope), name))
  const systemctl = (...args: string[]): Promise<Outcome> => exec({ tool: 'systemctl', args: [...(scope === 'user' ? ['--user'] : []), ...args] })
  const found = (): Marker | undefined => foundIn(paths, host)
  const preview = async (plan: Plan): Promise<Written[]> => {
    const systemd = { version: await versionOf(exec), namespaces: scope === 'user' && (await hasNamespaces(exec)) }
    return [serviceUnit(plan, systemd), timerUnit(plan)].map((text, index) => ({ path: paths[index] ?? '', text }))
  }
  return {
    keeper: scope,
    found,
    preview,
    install: async (plan) => {
      found()
      const changed = (await preview(plan)).filter(({ path, text }) => host.read(path) !== text)
      for (const { path, text } of changed) await host.write(path, text)
      if (changed.length > 0) must('daemon-reload', await systemctl('daemon-reload'))
      else if ((await systemctl('is-enabled', '--quiet', timer)).exitCode === 0 && (await systemctl('is-active', '--quiet', timer)).exitCode === 0) return []
      must(`enable ${timer}`, await systemctl('enable', timer))
      // A timer that runs keeps its old times until it is started anew.
      must(`restart ${timer}`, await systemctl('restart', timer))
      return changed.length > 0 ? changed.map(({ path }) => path) : [timer]
    },
    remove: async () => {
      if (found() === undefined) return []
      must(`disable ${timer}`, await systemctl('disable', '--now', timer))
      // The stamp of the last run; the cache is the machine's own only where it is not a person's.
      await systemctl('clean', '--what=state', timer)
      if (scope === 'system') await systemctl('clean', '--what=cache', service)
      const there = paths.filter((path) => host.read(path) !== undefined)
      for (const path of there) host.remove(path)
      must('daemon-reload', await systemctl('daemon-reload'))
      await systemctl('reset-failed', service)
      return there
    },
    look: async () => {
      // Its times are in the zone of who asks, with names that nobody can parse.
      const words = ['TZ=UTC', 'systemctl', ...(scope === 'user' ? ['--user'] : []), 'show', timer, service, `--property=${shownProperties.join(',')}`]
      return parseShow(must('show', await exec({ tool: 'env', args: words })).stdout)
    },
  }
}

function foundIn(paths: readonly string[], host: Host): Marker | undefined {
  const texts = paths.map((path) => ({ path, text: host.read(path) })).filter(({ text }) => text !== undefined)
  const markers = texts.map(({ path, text }) => ({ path, marker: parseMarker(text?.split('\n')[0]) }))
  const foreign = markers.find(({ marker }) => marker === undefined)
  if (foreign === undefined) return markers[0]?.marker
  throw new AirstripError('BLOCKED', `${foreign.path} was not written by airstrip, and is left as it is.`, {
    place: foreign.path,
    next: 'Rename it, or use --cron; airstrip needs that name for itself.',
  })
}

async function versionOf(exec: Exec): Promise<number> {
  const { stdout } = await exec({ tool: 'systemctl', args: ['--version'] })
  return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0)
}

/** Asked of systemd itself: whether it may make user namespaces is decided in half a dozen places. */
async function hasNamespaces(exec: Exec): Promise<boolean> {
  const settings = ['PrivateUsers=true', 'CapabilityBoundingSet=', 'PrivateDevices=true', 'ProtectSystem=strict'].flatMap((setting) => ['-p', setting])
  return (await exec({ tool: 'systemd-run', args: ['--user', '--wait', '--collect', '--quiet', ...settings, 'true'] })).exitCode === 0
}

function must(what: string, outcome: Outcome): Outcome {
  if (outcome.exitCode === 0) return outcome
  const seen = outcome.stderr.split('\n').filter((line) => line.trim() !== '').slice(-3)
  throw new AirstripError('CALL_FAILED', `systemctl ${what} was refused.`, { seen, next: 'Follow what it said and run the same again, or use --cron.' })
}
