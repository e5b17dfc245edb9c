import { AirstripError } from '../errors.ts'
import type { Chart, ChartSource, JsonPatch, KubernetesObject, ListQuery, RandomBytes, ReleaseName, ReleaseWish, Writer } from '../access.ts'
import { secretsInData } from '../airflow/keys.ts'
import { dropDatabase, dumpDatabase, loadDump, swapDatabases, type DumpHands } from './backup.ts'
import { callKubectl, helmFlags, interrupted, kubectl, refusal, type Connection } from './connection.ts'
import { listObjects, typeOf } from './objects.ts'
import { createDiscovery } from './resources.ts'
import type { Outcome } from './exec.ts'
import { asFailed, newestRecord } from './release.ts'
import { isTransient } from './transient.ts'
import { isUnfinished } from '../airflow/lock.ts'
import { appliesOnServer } from '../airflow/versions.ts'
import { chartMark, destroyMark, operationLease } from '../airflow/operation.ts'
import { nameOf } from '../changes.ts'

/** What the Writer needs of this machine. */
export interface Hands {
  random: RandomBytes
  chart(source: ChartSource): Promise<Chart>
  /** The version of the Helm on the PATH. */
  helm(): Promise<string>
  /** `host/pid/start` of this process: who holds the Helm operation. */
  holder: string
  now(): Date
  /** Writes a file of mode 0600 into the backup folder and returns its path. */
  backup(name: string, text: string): Promise<string>
  dumps: Omit<DumpHands, 'now'>
  /** Asks Helm processes of this host that belong to a dead run to end, and waits for it. */
  endOrphans(holder: string, release: string): Promise<void>
}

export function createWriter(connection: Connection, hands: Hands): Writer {
  return {
    random: hands.random,
    apply: async (objects) => {
      await kubectl(connection, ['apply', '--server-side', '--field-manager=airstrip', '--force-conflicts', '-f', '-'], listOf(objects))
    },
    create: (objects) => createOnce(connection, objects),
    remove: async (live, { wait = true, keepsPods = false } = {}) => {
      const { kind, metadata, apiVersion } = live
      const stub = { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace } }
      await kubectl(connection, ['delete', '-f', '-', '--ignore-not-found', ...(keepsPods ? ['--cascade=orphan'] : []), ...(wait ? ['--wait=true', '--timeout=120s'] : ['--wait=false'])], JSON.stringify(stub))
    },
    patch: (live, patch) => patchObject(connection, live, patch),
    upgrade: (wish) => upgrade(connection, hands, wish),
    unlock: (release) => unlock(connection, hands, release),
    uninstall: (release) => uninstall(connection, hands, release),
    dump: (wish) => dumpDatabase(connection, { ...hands.dumps, now: () => hands.now() }, wish),
    load: (place, dump, name) => loadDump(connection, place, dump, name),
    swap: (place, name, kept) => swapDatabases(connection, place, name, kept),
    discard: (place, name) => dropDatabase(connection, place, name),
  }
}

function listOf(objects: readonly KubernetesObject[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
}

/** `AlreadyExists` is not an error: whoever was first made the value that is kept. */
async function createOnce(connection: Connection, objects: readonly KubernetesObject[]): Promise<void> {
  for (const object of objects) {
    for (const one of secretsInData((object.stringData ?? {}) as Record<string, string>)) connection.redactor.add(one)
  }
  const args = ['create', '-f', '-']
  const outcome = await callKubectl(connection, args, listOf(objects))
  const refusals = outcome.stderr.split('\n').filter((line) => line.trim() !== '' && !line.includes('AlreadyExists') && !line.startsWith('Warning'))
  // One that was killed says nothing at all, and has created nothing.
  const kept = outcome.stderr.includes('AlreadyExists') && refusals.length === 0
  if (outcome.exitCode !== 0 && !kept) throw await refusal(connection, 'kubectl', args, outcome)
}

/** What the API server says when a test of the patch does not hold. */
const testFailed = /the request is invalid|testing (?:value|path)|test failed/i

/** By stdin, as every value: some are secret. Its tests hold what was shown against what is there. */
async function patchObject(connection: Connection, live: KubernetesObject, patch: readonly JsonPatch[]): Promise<void> {
  const { name, namespace } = live.metadata
  const where = namespace === undefined ? [] : ['-n', namespace]
  const args = ['patch', typeOf(live), name, ...where, '--type=json', '--field-manager=airstrip', '--patch-file=/dev/stdin']
  const outcome = await callKubectl(connection, args, JSON.stringify(patch), true)
  if (outcome.exitCode === 0) return
  if (testFailed.test(outcome.stderr)) throw new AirstripError('MOVED', `${nameOf(live)} was changed after it was looked at, so it was left alone.`, { place: nameOf(live) })
  throw await refusal(connection, 'kubectl', args, outcome)
}

/**
 * Never with --wait: the chart's migration runs as a hook after the main objects, and their pods
 * wait for it (wait-hook-deadlock). Values go in by stdin, so nothing of them is in the arguments.
 */
async function upgrade(connection: Connection, hands: Hands, wish: ReleaseWish): Promise<void> {
  const [chart, helm] = await Promise.all([hands.chart(wish.chart), hands.helm()])
  await hold(connection, operationLease(wish, hands.holder, wish.timeoutSeconds, hands.now(), chart.fingerprint, wish.wanted))
  const args = [
    'upgrade', '--install', wish.name, chart.path, '-n', wish.namespace, '--values', '-',
    `--timeout=${wish.timeoutSeconds}s`, '--history-max=10', `--description=${chartMark(chart.fingerprint, hands.holder)}`,
    ...(appliesOnServer(helm) ? ['--server-side=false'] : []),
    ...helmFlags(connection.target),
  ]
  const outcome = await connection.exec({ tool: 'helm', args, stdin: JSON.stringify(wish.values), signal: connection.signal })
  const untold = await giveBack(connection, hands, wish, chart.fingerprint, wish.wanted).catch((error: unknown) => ({ error }))
  if (connection.signal?.aborted === true) throw interrupted()
  if (outcome.exitCode !== 0) throw await helmRefusal(connection, wish, outcome, 'upgrade')
  if (untold !== undefined) throw untold.error
}

/** The chart's own hooks are waited for, and nothing else: what goes slowly is for the engine to watch. */
const uninstallSeconds = 300
const goneAlready = 'release: not found'

async function uninstall(connection: Connection, hands: Hands, { name, namespace }: ReleaseName): Promise<void> {
  const release = { name, namespace }
  await hold(connection, operationLease(release, hands.holder, uninstallSeconds, hands.now()))
  const args = ['uninstall', name, '-n', namespace, `--timeout=${uninstallSeconds}s`, `--description=${destroyMark(hands.holder)}`, ...helmFlags(connection.target)]
  const outcome = await connection.exec({ tool: 'helm', args, signal: connection.signal })
  const untold = await giveBack(connection, hands, release).catch((error: unknown) => ({ error }))
  if (connection.signal?.aborted === true) throw interrupted()
  if (outcome.exitCode !== 0 && !outcome.stderr.includes(goneAlready)) throw await helmRefusal(connection, release, outcome, 'uninstall')
  if (untold !== undefined) throw untold.error
}

/** Says in the cluster who is at work on the release. */
async function hold(connection: Connection, lease: KubernetesObject): Promise<void> {
  await kubectl(connection, ['apply', '--server-side', '--field-manager=airstrip', '--force-conflicts', '-f', '-'], JSON.stringify(lease))
}

/** Somebody else's Helm came in between: the next look judges who it is. */
const anotherHelm = /another operation \(install\/upgrade\/rollback\) is in progress|release: already exists|cannot re-?use a name that is still in use/

async function helmRefusal(connection: Connection, { name, namespace }: ReleaseName, outcome: Outcome, verb: 'upgrade' | 'uninstall'): Promise<AirstripError> {
  if (outcome.exitCode === 127 || isTransient(outcome.stderr)) return refusal(connection, 'helm', [verb, name], outcome)
  if (anotherHelm.test(outcome.stderr)) return new AirstripError('CALL_FAILED', `Another Helm was at work on release ${namespace}/${name}.`, { transient: true })
  const seen = connection.redactor.said(outcome.stderr).split('\n').filter((line) => line.trim() !== '' && !line.startsWith('WARNING')).slice(-8)
  return verb === 'upgrade'
    ? new AirstripError('HELM_FAILED', `Helm could not finish release ${namespace}/${name}.`, { seen })
    : new AirstripError('HELM_FAILED', `Helm could not uninstall release ${namespace}/${name}.`, { seen, next: 'Follow what it said and run destroy again: it goes on where it stopped.' })
}

/**
 * The run may be over, but Helm has ended by itself and has written its record: that is told, too. One that was ended
 * may not have come to it: then the Lease stays with a holder who is gone soon, and the next run mends the record.
 */
async function giveBack(connection: Connection, hands: Hands, release: ReleaseName, fingerprint?: string, wanted?: string): Promise<void> {
  const after = { ...connection, signal: undefined }
  if (connection.signal?.aborted === true && !(await hasWrittenItsEnd(after, release).catch(() => false))) return
  await letGo(after, hands, release, fingerprint, wanted)
}

/** Nobody is at work; a Lease must have a duration, so the shortest. */
async function letGo(connection: Connection, hands: Hands, release: ReleaseName, fingerprint?: string, wanted?: string): Promise<void> {
  await hold(connection, operationLease(release, '', 1, hands.now(), fingerprint, wanted))
}

/**
 * First the Helm that outlived its run, which on TERM usually writes `failed` itself; then the
 * record, if it is still pending. It is kept, not deleted: as `failed` it stays the base of the next
 * three-way merge, and the next upgrade mends the release in place.
 */
async function unlock(connection: Connection, hands: Hands, release: ReleaseName): Promise<void> {
  await hands.endOrphans(hands.holder, release.name)
  const secret = await newestSecret(connection, release)
  if (secret !== undefined && isUnfinished(secret.metadata.labels?.status)) await markFailed(connection, hands, secret)
  await letGo(connection, hands, release)
}

async function newestSecret(connection: Connection, { name, namespace }: ReleaseName): Promise<KubernetesObject | undefined> {
  const query: ListQuery = { resources: ['secrets'], namespace, selector: `owner=helm,name=${name},status!=superseded` }
  return newestRecord(await listObjects(connection, createDiscovery(connection), query))
}

async function hasWrittenItsEnd(connection: Connection, release: ReleaseName): Promise<boolean> {
  return !isUnfinished((await newestSecret(connection, release))?.metadata.labels?.status)
}

async function markFailed(connection: Connection, hands: Hands, secret: KubernetesObject): Promise<void> {
  const kept = await hands.backup(`${secret.metadata.name}.json`, JSON.stringify(secret))
  const failed = asFailed(secret, `Interrupted; recovered by airstrip, which kept the record in ${kept}`)
  const changed = {
    ...secret,
    metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, status: failed.status } },
    data: { release: failed.release },
  }
  // With the resourceVersion that was read: a Helm that is alive after all wins.
  await kubectl(connection, ['replace', '-f', '-'], JSON.stringify(changed))
}
