import { lockFile } from '../adapters/files.ts'
import { readRecord, writeRecord } from '../adapters/schedule-record.ts'
import { holderAlive } from '../cluster/machine.ts'
import { takeLock } from '../engine/lock.ts'
import { AirstripError, errorCodes } from '../errors.ts'
import { isDue } from '../schedule/every.ts'
import { runWords, type Plan } from '../schedule/plan.ts'
import type { Deps } from './deps.ts'

/**
 * One run that cron started: what systemd does by itself. Not when it is not due, never two at once
 * (`diff` takes no lock of its own), not a word of a clean one, and how it ended is kept.
 */
export async function runDue(plan: Plan, deps: Deps): Promise<number> {
  const at = deps.clock.now()
  if (!isDue(plan.every, readRecord(plan.state)?.at, at)) return 0
  const mine = { holder: deps.holder, since: at.toISOString(), command: deps.commandLine }
  const unlock = alone(() => takeLock(lockFile(`${plan.state}.schedule.lock`), mine, holderAlive, deps.err))
  if (unlock === undefined) return 0
  try {
    return await run(plan, at, deps)
  } finally {
    unlock()
  }
}

async function run(plan: Plan, at: Date, deps: Deps): Promise<number> {
  const [tool = '', ...args] = runWords(plan)
  const { exitCode, stdout, stderr } = await deps.exec({ tool, args, signal: deps.signal })
  if (exitCode === errorCodes.LOCKED.exit) return 0
  for (const line of `${stdout}${stderr}`.split('\n')) if (line !== '') deps.out(line)
  await writeRecord(plan.state, { at, exitCode })
  return exitCode
}

function alone<T>(take: () => T): T | undefined {
  try {
    return take()
  } catch (error) {
    if (error instanceof AirstripError && error.code === 'LOCKED') return undefined
    throw error
  }
}
