import { AirstripError } from '../errors.ts'
import type { DatabasePlace } from '../access.ts'
import { complaints, readSaid, type Said } from '../database/said.ts'
import { look, sweep } from '../database/scripts.ts'
import { callKubectl, interrupted, kubectl, kubectlFlags, refusal, type Connection } from './connection.ts'
import type { Call, Outcome } from './exec.ts'

/** A script in the database's pod, with the names that it is about. */
export type InPod = (script: string, names: readonly string[], files?: Pick<Call, 'from' | 'into'>) => Promise<Outcome>

/**
 * Gives the pod that a database is reached from to `act`; one that is made for the occasion is taken
 * away afterwards, whatever became of it. `afterwards` works where the run is over already: for what
 * must not be left behind.
 */
export async function withDatabase<T>(connection: Connection, place: DatabasePlace, act: (inPod: InPod, afterwards: InPod) => Promise<T>): Promise<T> {
  const still = { ...connection, signal: undefined }
  const inPod: InPod = (script, names, files) => runInPod(connection, place, script, names, files)
  const afterwards: InPod = (script, names, files) => runInPod(still, place, script, names, files)
  if (place.client === undefined) return act(inPod, afterwards)
  const stub = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: place.pod, namespace: place.namespace } })
  const remove = ['delete', '-f', '-', '--ignore-not-found', '--wait=true', '--timeout=60s']
  try {
    await kubectl(connection, remove, stub)
    await kubectl(connection, ['create', '-f', '-'], JSON.stringify(place.client))
    await ready(connection, place)
    return await act(inPod, afterwards)
  } finally {
    // It is ours, and it knows the password.
    await callKubectl(still, remove, stub).catch(() => undefined)
  }
}

async function ready(connection: Connection, { pod, namespace }: DatabasePlace): Promise<void> {
  const args = ['wait', `pod/${pod}`, '-n', namespace, '--for=condition=Ready', '--timeout=180s', unlimited]
  const outcome = await callKubectl(connection, args)
  if (outcome.exitCode === 0) return
  const events = await callKubectl(connection, ['get', 'events', '-n', namespace, `--field-selector=involvedObject.name=${pod}`, '-o', 'custom-columns=:.message'])
  throw new AirstripError('BACKUP_FAILED', `Pod ${namespace}/${pod}, from which the database would be reached, did not start.`, {
    seen: connection.redactor.said(events.stdout).split('\n').filter((line) => line.trim() !== '').slice(-4),
    next: 'If its image cannot be had, name another that has PostgreSQL\'s clients with airflow.backups.image.',
  })
}

/** A dump takes as long as it takes; kubectl's own limit is meant for questions. */
const unlimited = '--request-timeout=0'

/** Never again by itself: what a script does is not always the same the second time. */
async function runInPod(connection: Connection, { namespace, pod, container }: DatabasePlace, script: string, names: readonly string[], files: Pick<Call, 'from' | 'into'> = {}): Promise<Outcome> {
  const words = ['exec', ...(files.from === undefined ? [] : ['-i']), '-n', namespace, pod, '-c', container, unlimited, '--', 'sh', '-c', script, 'airstrip', ...names]
  const outcome = await connection.exec({ tool: 'kubectl', args: [...kubectlFlags(connection.target), ...words], signal: connection.signal, ...files })
  if (connection.signal?.aborted === true) throw interrupted()
  return outcome
}

/** What is there, after what a killed run left behind was dropped. */
export async function lookAround(connection: Connection, place: DatabasePlace, inPod: InPod): Promise<Said> {
  const outcome = await inPod(look, [place.database])
  if (outcome.exitCode !== 0) throw await failed(connection, place, 'could not be looked at', outcome)
  return readSaid(outcome.stdout)
}

export async function sweepUp(place: DatabasePlace, inPod: InPod): Promise<string[]> {
  return readSaid((await inPod(sweep, [place.database])).stdout).swept
}

/** Why a script did not come to its end; kubectl's own refusals keep their code. */
export async function failed(connection: Connection, { namespace, database, pod }: DatabasePlace, what: string, outcome: Outcome): Promise<AirstripError> {
  const seen = complaints(connection.redactor.said(outcome.stderr))
  const ofKubectl = /^(?:error: |Error from server|Unable to connect|The connection to the server)/m.test(outcome.stderr)
  const known = outcome.exitCode === 127 || ofKubectl ? await refusal(connection, 'kubectl', ['exec', `pod/${pod}`], outcome) : undefined
  if (known !== undefined && known.code !== 'CALL_FAILED') return known
  return new AirstripError('BACKUP_FAILED', `Database ${namespace}/${database} ${what}.`, { seen, next: adviceFor(seen.join('\n')) })
}

const advice: readonly [RegExp, string][] = [
  [/permission denied to create database/i, 'Let the database\'s user make databases (ALTER ROLE … CREATEDB), so that a dump can be proven.'],
  [/server version mismatch/i, 'Name an image with clients as new as the server with airflow.backups.image, for example docker.io/library/postgres:17.'],
  [/password authentication failed/i, 'The password in the Secret is not the one that the database has; `doctor` tells which of them is wrong.'],
  [/No space left on device|could not extend file/i, 'Make room on the database\'s volume and run again.'],
  [/forbidden/i, 'The kubeconfig\'s user may not run commands in pods (create pods/exec), which a dump needs.'],
  [/not found|container not found|unable to upgrade connection/i, 'The database\'s pod does not run; `doctor` says why.'],
]

function adviceFor(said: string): string {
  return advice.find(([pattern]) => pattern.test(said))?.[1] ?? 'Read what PostgreSQL said above; `doctor` looks at the pod itself.'
}
