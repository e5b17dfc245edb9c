/**
 * Tells of runs that nobody watches: `notify.command` gets what is wrong as JSON on its stdin.
 * Nothing is sent anywhere by airstrip itself.
 */
import { rmSync } from 'node:fs'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { ownerOnly, readIfThere } from '../adapters/files.ts'
import { runNotice } from '../adapters/notice.ts'
import type { Config } from '../config/schema.ts'
import { AirstripError, type ErrorCode } from '../errors.ts'
import { scheduledVariable } from '../schedule/plan.ts'
import type { Deps, Flags } from './deps.ts'

export interface Watched {
  config: Config
  flags: Pick<Flags, 'state'> & { unattended?: string }
  deps: Pick<Deps, 'env' | 'err' | 'clock' | 'commandLine' | 'holder'>
  redact: (text: string) => string
}

/**
 * Runs `act`; when nobody is watching, tells of its failure, once, and that it is over. A command
 * that has said itself what is wrong, and throws nothing, has its failure in the result.
 */
export async function notifying<T>(watched: Watched, act: () => Promise<T>, failureIn: (result: T) => unknown = () => undefined): Promise<T> {
  const result = await act().catch(async (error: unknown) => {
    await notifyFailure(watched, error)
    throw error
  })
  const failure = failureIn(result)
  await (failure === undefined ? notifyRecovery(watched) : notifyFailure(watched, failure))
  return result
}

/** No failures: another run will do it, or somebody asked for what cannot be. */
const untold: ErrorCode[] = ['LOCKED', 'INTERRUPTED', 'USAGE', 'SELECTION']

/** A cause that stays is told again once a day, not with every run. */
const againMs = 24 * 3_600_000

async function notifyFailure(watched: Watched, error: unknown): Promise<void> {
  const { flags, deps } = watched
  const known = error instanceof AirstripError ? error : new AirstripError('INTERNAL', error instanceof Error ? error.message : String(error))
  if (untold.includes(known.code)) return
  // What a cause explains comes and goes while it stays.
  const roots = known.findings.filter(({ causes = [] }) => causes.length === 0)
  const cause = [known.code, ...roots.map(({ id }) => id)].join(' ')
  const [last, now] = [lastTold(flags.state), deps.clock.now()]
  if (last?.cause === cause && now.getTime() - Date.parse(last.at) < againMs) return
  const { code, message: sentence, place, seen, findings, next } = known
  if (await tell(watched, 'failed', { error: { code, sentence, place, findings, seen, next } })) {
    await writeFileAtomic(placeOf(flags.state), `${JSON.stringify({ at: now.toISOString(), cause })}\n`, { mode: ownerOnly })
  }
}

async function notifyRecovery(watched: Watched): Promise<void> {
  const last = lastTold(watched.flags.state)
  if (last === undefined) return
  if (await tell(watched, 'recovered', { was: last })) rmSync(placeOf(watched.flags.state), { force: true })
}

const toldSchema = z.object({ at: z.iso.datetime(), cause: z.string() })

/** What was told last and is not over. */
function lastTold(state: string): z.output<typeof toldSchema> | undefined {
  try {
    return toldSchema.safeParse(JSON.parse(readIfThere(placeOf(state)) ?? '')).data
  } catch {
    return undefined
  }
}

function placeOf(state: string): string {
  return `${state}.notified`
}

/** Whether somebody was told. That it fails changes nothing about the run. */
async function tell({ config, flags, deps, redact }: Watched, result: 'failed' | 'recovered', more: object): Promise<boolean> {
  const command = config.notify?.command
  const watchedByNobody = deps.env[scheduledVariable] !== undefined || flags.unattended !== undefined
  if (command === undefined || !watchedByNobody) return false
  const notice = { result, at: deps.clock.now().toISOString(), host: deps.holder.split('/')[0], command: deps.commandLine, ...more }
  const hidden = new Set(secretVariables(config))
  const env = Object.fromEntries(Object.entries(deps.env).filter(([name]) => !hidden.has(name)))
  const { exitCode, said } = await runNotice(command, `${redact(JSON.stringify(notice))}\n`, { ...env, AIRSTRIP_RESULT: result })
  if (exitCode !== 0) deps.err(redact(`notify.command ended with ${exitCode}${said === '' ? '' : `: ${said}`}`))
  return exitCode === 0
}

/** Environment variables that hold a secret of the configuration. */
export function secretVariables({ airflow: { admin, database } }: Config): string[] {
  return [admin.password, database.password].flatMap((source) => (source !== undefined && 'env' in source ? [source.env] : []))
}
