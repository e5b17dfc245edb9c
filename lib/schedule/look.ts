import type { Mode } from './plan.ts'

/** What systemd says of the timer, and what a run's exit code means to whoever asks how it went. */

export interface Look {
  /** Whether the timer is set. */
  active: boolean
  running: boolean
  lastRun?: Date | undefined
  exitCode?: number | undefined
  nextRun?: Date | undefined
}

export const shownProperties = ['Id', 'ActiveState', 'NextElapseUSecRealtime', 'LastTriggerUSec', 'ExecMainStatus', 'ExecMainExitTimestamp']

/**
 * Of `TZ=UTC systemctl show airstrip.timer airstrip.service`, as systemd 252 prints it:
 * `NextElapseUSecRealtime=Wed 2023-08-02 10:30:00 UTC`, and nothing behind the `=` of what never was.
 */
export function parseShow(text: string): Look {
  const units = text.split('\n\n').map(propertiesOf)
  const timer = units.find(({ Id }) => Id?.endsWith('.timer') === true) ?? {}
  const service = units.find(({ Id }) => Id?.endsWith('.service') === true) ?? {}
  const ended = instantOf(service.ExecMainExitTimestamp)
  return {
    active: timer.ActiveState === 'active',
    running: service.ActiveState === 'activating',
    // The timer remembers beyond a boot, the service does not.
    lastRun: ended ?? instantOf(timer.LastTriggerUSec),
    exitCode: ended === undefined ? undefined : Number(service.ExecMainStatus),
    nextRun: instantOf(timer.NextElapseUSecRealtime),
  }
}

function propertiesOf(block: string): Record<string, string> {
  return Object.fromEntries(block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

function instantOf(text: string | undefined): Date | undefined {
  const [, day, time] = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\S* UTC/.exec(text ?? '') ?? []
  return day === undefined || time === undefined ? undefined : new Date(`${day}T${time}Z`)
}

const meanings: Record<number, string> = {
  1: 'failed',
  2: 'changes pending',
  64: 'failed: the command line or the configuration',
  70: 'failed: something was not ready in time',
  75: 'left out: another run was at work',
  130: 'interrupted',
  143: 'interrupted',
}

/** systemd's own codes for what it could not even start begin at 200. */
const firstOfSystemd = 200

export function meaningOf(exitCode: number, mode: Mode): string {
  if (exitCode === 0) return mode === 'report' ? 'nothing to change' : 'as wanted'
  return meanings[exitCode] ?? (exitCode >= firstOfSystemd ? `could not be started (systemd's ${exitCode})` : `failed (${exitCode})`)
}
