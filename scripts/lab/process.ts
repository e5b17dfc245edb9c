import { readFileSync } from 'node:fs'

/**
 * A pid alone names a process only until the next reboot or wrap-around; with its start time
 * (clock ticks since boot) and the boot's id it names one process for good.
 */
export interface ProcessId {
  pid: number
  started: string
  boot: string
}

/** Field 22. The second field is the program's name in brackets and may hold blanks and brackets itself. */
export function startTime(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

export function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

export function identify(pid: number): ProcessId | undefined {
  const stat = read(`/proc/${pid}/stat`)
  const started = stat === undefined ? undefined : startTime(stat)
  return started === undefined ? undefined : { pid, started, boot: bootId() }
}

export function isAlive(id: ProcessId): boolean {
  const stat = read(`/proc/${id.pid}/stat`)
  if (stat === undefined || startTime(stat) !== id.started || id.boot !== bootId()) return false
  // A zombie has ended; only its parent has not looked yet.
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z'
}

/** Reads "pid start boot", the form that a shell can write too. */
export function parseProcessId(text: string): ProcessId | undefined {
  const [pid, started, boot] = text.trim().split(/\s+/)
  if (!pid || !/^\d+$/.test(pid) || !started || !boot) return undefined
  return { pid: Number(pid), started, boot }
}

export function formatProcessId(id: ProcessId): string {
  return `${id.pid} ${id.started} ${id.boot}\n`
}

/** Kills exactly this process, waits until it is gone, and says whether it went. */
export async function end(id: ProcessId, deadlineMs = 10_000): Promise<boolean> {
  const until = Date.now() + deadlineMs
  while (isAlive(id)) {
    if (Date.now() > until) return false
    try {
      process.kill(id.pid, 'SIGKILL')
    } catch {
      // It ended between the look and the signal.
    }
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  return true
}
