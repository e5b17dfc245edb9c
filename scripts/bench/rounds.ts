import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../lab/exec.ts'
import { callsOf, type ApiCalls } from './audit.ts'
import { failed, memoryOf, timed, traced, type Contender, type Memory } from './processes.ts'
import { spread, type Spread } from './statistics.ts'

export interface Result {
  id: string
  title: string
  /** Seconds. */
  wall: Spread
  cpu: Spread
  memory: Memory
  processes: Record<string, number>
  calls: ApiCalls
}

export interface Tools {
  strace: string
  auditLog: string
}

/** What the last one has set in motion on the cluster is not the next one's to pay. */
const restMs = 1000

/** In turn, one after the other, so that a machine that becomes slower is slower for all of them. */
export async function compare(contenders: readonly Contender[], rounds: number, tools: Tools): Promise<Result[]> {
  // Once for nothing: caches become warm, and what the next one would still find to change is changed.
  for (const contender of contenders) await settled(contender)
  const times = new Map(contenders.map(({ id }) => [id, { wall: [] as number[], cpu: [] as number[] }]))
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      await sleep(restMs)
      const { wall, cpu } = await timed(contender)
      times.get(contender.id)?.wall.push(wall)
      times.get(contender.id)?.cpu.push(cpu)
      say(`round ${round} of ${rounds}: ${contender.title} ${wall.toFixed(2)} s`)
    }
  }
  const results: Result[] = []
  for (const contender of contenders) {
    const { wall = [], cpu = [] } = times.get(contender.id) ?? {}
    results.push({ id: contender.id, title: contender.title, wall: spread(wall), cpu: spread(cpu), ...await counted(contender, tools) })
  }
  return results
}

/** The first run may change something that was made by another means; the one after it may not. */
async function settled(contender: Contender): Promise<void> {
  await timed({ ...contender, complaint: failed })
  await sleep(restMs)
}

async function counted(contender: Contender, { strace, auditLog }: Tools): Promise<Pick<Result, 'calls' | 'memory' | 'processes'>> {
  say(`counting what ${contender.title} does`)
  const calls = await callsOf(auditLog, () => timed(contender))
  const processes = await traced(contender, strace)
  return { calls, processes, memory: await memoryOf(contender) }
}
