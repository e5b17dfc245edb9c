import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { AirstripError } from '../errors.ts'
import { cronEntry, findEntry, isTooLong, withEntry, type Entry } from '../schedule/crontab.ts'
import { nextByCron, parseEvery } from '../schedule/every.ts'
import { parseMarker, type Plan } from '../schedule/plan.ts'
import type { Host } from './host.ts'
import { readRecord } from './schedule-record.ts'
import type { Timekeeper } from './timekeeper.ts'

interface Crontab {
  read: () => string
  write: (text: string) => void
}

/** The crontab of a person, `user` where it is not that of who asks. */
export function cronKeeper(host: Host, env: NodeJS.ProcessEnv, user: string | undefined, now: () => Date): Timekeeper {
  const crontab = crontabOf(env, user)
  const name = user === undefined ? 'crontab' : `crontab of ${user}`
  const entryOf = (plan: Plan): string => {
    const entry = cronEntry(plan, seedOf(host, plan), host.has('logger'))
    if (!isTooLong(entry)) return entry
    throw new AirstripError('BLOCKED', 'The line would be longer than cron reads.', { next: 'Use shorter paths, or a shorter PATH, for the configuration, the state and this checkout.' })
  }
  const there = (): Entry | undefined => (host.has('crontab') ? ours(findEntry(crontab.read()), name) : undefined)
  return {
    keeper: 'cron',
    found: () => parseMarker(fromBytes(there()?.text ?? '').split('\n')[0]),
    preview: (plan) => Promise.resolve([{ path: name, text: entryOf(plan) }]),
    install: (plan) => {
      const [old, entry] = [there(), toBytes(entryOf(plan))]
      if (old?.text === entry) return Promise.resolve([])
      crontab.write(withEntry(crontab.read(), entry, old))
      return Promise.resolve([name])
    },
    remove: () => {
      const old = there()
      if (old === undefined) return Promise.resolve([])
      crontab.write(withEntry(crontab.read(), '', old))
      return Promise.resolve([name])
    },
    look: ({ every: text, config, state }) => {
      const record = readRecord(state)
      const every = parseEvery(text)
      const nextRun = every === undefined ? undefined : nextByCron(every, seedOf(host, { config }), record?.at, now())
      return Promise.resolve({ active: true, running: false, lastRun: record?.at, exitCode: record?.exitCode, nextRun })
    },
  }
}

function seedOf({ name }: Host, { config }: { config: string }): string {
  return join(name, config)
}

function ours(entry: Entry | 'broken' | undefined, name: string): Entry | undefined {
  if (entry !== 'broken') return entry
  throw new AirstripError('BLOCKED', `Between airstrip's lines in the ${name} there is something else, and it is left as it is.`, {
    next: 'Take the lines from `# airstrip schedule {…` to `# airstrip schedule end` out with crontab -e, and run the same again.',
  })
}

/** Whatever encoding somebody wrote in, the other lines come back byte for byte; ours are UTF-8. */
function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString()
}

function crontabOf(env: NodeJS.ProcessEnv, user: string | undefined): Crontab {
  const call = (args: string[], input: string): { status: number; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync('crontab', [...(user === undefined ? [] : ['-u', user]), ...args], { env, encoding: 'latin1', input: Buffer.from(input, 'latin1') })
    return { status: status ?? 1, stdout, stderr }
  }
  return {
    read: () => {
      const { status, stdout, stderr } = call(['-l'], '')
      if (status === 0) return stdout
      if (/no crontab for|No such file/.test(stderr)) return ''
      throw refused('-l', stderr)
    },
    write: (text) => {
      const { status, stderr } = call(text === '' ? ['-r'] : ['-'], text)
      if (status !== 0) throw refused(text === '' ? '-r' : '-', stderr)
    },
  }
}

function refused(what: string, stderr: string): AirstripError {
  return new AirstripError('CALL_FAILED', `crontab ${what} was refused.`, { seen: stderr.split('\n').filter((line) => line.trim() !== '').slice(-3), next: 'Follow what it said; /etc/cron.allow says who may have a crontab.' })
}
