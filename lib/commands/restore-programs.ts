/** What writes to the database is stopped for the moment of the swap, and started again; the Lease remembers it for whoever comes after a run that was killed. */
import { operationRef } from '../airflow/operation.ts'
import { markedLease } from '../airflow/restored.ts'
import { nameOf } from '../changes.ts'
import { isNonEmpty } from '../check.ts'
import { pauseAfter, waitUntilDone, type Patience } from '../engine/wait.ts'
import { executorPodsOf, podsOf } from '../observe/owners.ts'
import { lookAtRelease } from '../observe/look-release.ts'
import type { KubernetesObject, Writer } from '../access.ts'
import type { Look } from '../step.ts'
import type { AtDatabase } from './database.ts'

/** A program with how many of it there are to be afterwards. */
export interface Stopped {
  object: KubernetesObject
  replicas: number
}

/** A worker ends its task first, for which charts give it ten minutes; a task in a pod of its own has the same. */
export const stopMs = 660_000
const startMs = 900_000

function keyOf({ object }: Stopped): string {
  return `${object.kind}/${object.metadata.name}`
}

export async function stopPrograms(programs: readonly Stopped[], at: AtDatabase): Promise<void> {
  const { deps, release } = at
  const writer = at.writer(deps.signal)
  const stopped = Object.fromEntries(programs.filter(({ replicas }) => replicas > 0).map((one) => [keyOf(one), one.replicas]))
  await writer.apply([markedLease(release, await lease(at), { stopped, airflow: at.mark.airflow }, deps.clock.now())])
  for (const { object } of programs) {
    const replicas = (object.spec as { replicas?: number }).replicas ?? 1
    if (replicas > 0) await scale(object, replicas, 0, at, writer)
  }
  await waitUntilDone(() => gone(programs, at), patience(at, stopMs))
}

/** Put back as they were; where they are to stay stopped, the next run is told why. */
export async function startPrograms(programs: readonly Stopped[], airflow: string | undefined, at: AtDatabase): Promise<void> {
  const { session, deps, release } = at
  const writer = at.writer(new AbortController().signal)
  const stopped = Object.fromEntries(programs.filter(({ replicas }) => replicas > 0).map((one) => [keyOf(one), one.replicas]))
  const now = deps.clock.now()
  if (airflow !== undefined) return writer.apply([markedLease(release, await lease(at), { stopped, airflow }, now)])
  const live = await session.look().get(programs.map(({ object: { apiVersion, kind, metadata } }) => ({ apiVersion, kind, name: metadata.name, namespace: metadata.namespace })))
  for (const [index, { replicas }] of programs.entries()) {
    const object = live[index]
    if (object !== undefined && replicas > 0 && (object.spec as { replicas?: number }).replicas === 0) await scale(object, 0, replicas, at, writer)
  }
  await writer.apply([markedLease(release, await lease(at), { stopped: {} }, now)])
}

async function scale(object: KubernetesObject, from: number, to: number, { emit }: AtDatabase, writer: Writer): Promise<void> {
  emit({ type: 'change', step: 'helm', op: 'patch', object: nameOf(object), why: to === 0 ? 'stopped while the database is swapped' : 'started again' })
  await writer.patch(object, [{ op: 'test', path: '/spec/replicas', value: from }, { op: 'replace', path: '/spec/replicas', value: to }])
}

async function lease({ session, release }: AtDatabase): Promise<KubernetesObject | undefined> {
  const [found] = await session.look().get([operationRef(release)])
  return found
}

async function gone(programs: readonly Stopped[], { session, release }: AtDatabase): Promise<Look> {
  const pods = await session.look().list({ resources: ['pods'], namespace: release.namespace })
  const left = [
    ...programs.flatMap(({ object }) => podsOf(object, pods)).filter(isAlive).map((pod) => ({ object: nameOf(pod), reason: 'is still ending' })),
    ...executorPodsOf(release.name, pods).filter(isAlive).map((pod) => ({ object: nameOf(pod), reason: 'a task runs in it' })),
  ]
  return isNonEmpty(left) ? { state: 'waiting', on: left } : { state: 'done', evidence: [] }
}

function isAlive({ status }: KubernetesObject): boolean {
  return !['Succeeded', 'Failed'].includes((status as { phase?: string }).phase ?? '')
}

/** Pods of tasks, which are not stopped: what they have done is lost when they are. */
export async function tasksOf({ session, release }: Pick<AtDatabase, 'session' | 'release'>): Promise<KubernetesObject[]> {
  return executorPodsOf(release.name, await session.look().list({ resources: ['pods'], namespace: release.namespace })).filter(isAlive)
}

export async function untilHealthy(at: AtDatabase): Promise<void> {
  const { session, release } = at
  await waitUntilDone(() => lookAtRelease(release.name, release.namespace, session.look()), patience(at, startMs))
}

function patience({ deps, flags, emit }: AtDatabase, timeoutMs: number): Patience {
  return { clock: deps.clock, step: 'helm', timeoutMs: flags.timeout ?? timeoutMs, pauseMs: pauseAfter, signal: deps.signal, emit }
}
