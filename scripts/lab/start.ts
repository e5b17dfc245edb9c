import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import type { Daemon } from './daemons.ts'
import { LabError } from './exec.ts'
import type { Instance } from './paths.ts'
import { identify, isAlive } from './process.ts'
import type { ProcessId } from './process.ts'
import { inside } from './sandbox.ts'

const DEADLINE_MS = 90_000

export interface Started {
  name: string
  id: ProcessId
}

/** Starts a daemon in the node and waits until it is healthy. Its output goes to NAME.log in the run folder. */
export async function startDaemon(instance: Instance, sandbox: ProcessId, daemon: Daemon, env: NodeJS.ProcessEnv): Promise<Started> {
  const log = logFile(instance, daemon.name)
  const fd = openSync(log, 'a')
  const [file, args] = inside(sandbox, daemon.command)
  const child = spawn(file, args, { detached: true, cwd: '/', stdio: ['ignore', fd, fd], env })
  closeSync(fd)
  child.unref()
  const id = child.pid === undefined ? undefined : identify(child.pid)
  if (id === undefined) throw new LabError(`${daemon.name} could not be started`)
  const until = Date.now() + DEADLINE_MS
  while (!await daemon.isHealthy()) {
    // A dead child of ours is a zombie until Node has looked; isAlive counts that as dead.
    if (!isAlive(id)) throw new LabError(`${daemon.name} ended:\n${lastLines(log)}`)
    if (Date.now() > until) throw new LabError(`${daemon.name} is not healthy after ${DEADLINE_MS / 1000} s:\n${lastLines(log)}`)
    await sleep(100)
  }
  return { name: daemon.name, id }
}

export function logFile(instance: Instance, daemon: string): string {
  return join(instance.run, `${daemon}.log`)
}

function lastLines(file: string): string {
  if (!existsSync(file)) return '(it wrote nothing)'
  return `${readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20).join('\n')}\n(all of it: ${file})`
}
