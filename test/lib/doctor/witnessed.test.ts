/** Pods that Kubernetes deletes with their Job's last try. How they go, and what is left, was seen on the lab (Kubernetes 1.20); the texts of Airflow are from the failure catalogue. */
import t from 'tap'
import type { KubernetesObject, LogQuery } from '../../../lib/access.ts'
import { collect } from '../../../lib/doctor/collect/index.ts'
import { createWitness, type Witness } from '../../../lib/doctor/collect/witness.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { type Seen, stillSo } from '../../../lib/doctor/witnessed.ts'
import { crashed, deployment, inManifest, job, now, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { evidence, long, reader } from './evidence.ts'

const name = 'airflow-run-airflow-migrations'
const newer = 'alembic.util.exc.CommandError: Can\'t locate revision identified by \'98ae134e6fff\''
const canary = 'canary-4711-password'

function migrating(restarts: number, end: Record<string, unknown> = {}, fields: Record<string, unknown> = {}): KubernetesObject {
  return pod({
    name: `${name}-x2x4z`, owner: { kind: 'Job', name }, labels: { 'job-name': name },
    spec: { restartPolicy: 'OnFailure', containers: [{ name: 'run-airflow-migrations', image: 'apache/airflow:2.5.0', env: [{ name: 'AIRFLOW__CORE__SQL_ALCHEMY_CONN', value: canary }], args: [canary] }] },
    status: { containerStatuses: [crashed(restarts, end, { name: 'run-airflow-migrations', ...fields })] },
  })
}

const going = (...parts: Parameters<typeof migrating>): KubernetesObject => {
  const one = migrating(...parts)
  return { ...one, metadata: { ...one.metadata, deletionTimestamp: '2023-08-02T10:30:10Z' } }
}

const nothing = { state: { path: 'state.json' }, said: [] }
const usedUp = { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }] }
const objects = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const failed = release({
  status: 'failed', description: 'Upgrade "airflow" failed: post-upgrade hooks failed', updatedAt: '2023-08-02T10:20:00Z', objects: objects.map(inManifest),
  hooks: [{ ref: { apiVersion: 'batch/v1', kind: 'Job', name, namespace: 'airflow' }, events: ['post-upgrade'], deletePolicies: ['before-hook-creation'], phase: 'Failed' }],
})

async function seenOf(one: KubernetesObject, last = newer): Promise<Seen[]> {
  const witness = createWitness()
  await look(witness, one, `first\n${last}\n`)
  return witness.seen()
}

/** How many logs were asked for. */
async function look(witness: Witness, object: KubernetesObject, said: string | undefined): Promise<number> {
  const { reader: scripted, asked } = reader({ objects: [object], ...(said === undefined ? {} : { logs: () => said }) })
  await witness.watching(scripted).list({ resources: ['pods'], namespace: 'airflow' })
  // Nobody waits for the logs.
  await new Promise(setImmediate)
  return asked.length - 1
}

const seenAs = (seen: readonly Seen[], parts: Partial<Evidence> = {}): Evidence => {
  const one = evidence({ workloads: objects, jobs: [job(usedUp)], record: failed, ...parts })
  return { ...one, witnessed: stillSo(seen, one, (text) => text) }
}
const ids = (one: Evidence): string[] => diagnose(one).findings.map(({ id, causes = [] }) => `${id}${causes.length > 0 ? ' explained' : ''}`)

void t.test('a pod of a Job is kept with what it said last, and each end is read once', async (t) => {
  const witness = createWitness()
  t.equal(await look(witness, migrating(3), 'first\nlast\n'), 1)
  t.match(witness.seen(), [{ at: now.toISOString(), pod: { metadata: { name: `${name}-x2x4z` } }, logs: [{ container: 'run-airflow-migrations', lines: ['first', 'last'] }] }])
  t.equal(await look(witness, migrating(3), 'first\nlast\n'), 0, 'nothing has ended since')
  t.equal(await look(witness, migrating(4, { finishedAt: '2023-08-02T10:29:59Z' }), 'again\n'), 1)
  t.match(witness.seen(), [{ logs: [{ lines: ['again'] }] }])
  const inBackOff = createWitness()
  const { reader: scripted } = reader({ objects: [migrating(3)], logs: ({ previous }) => (previous === true ? 'crashed' : '') })
  await inBackOff.watching(scripted).list({ resources: ['pods'], namespace: 'airflow' })
  await new Promise(setImmediate)
  t.match(inBackOff.seen(), [{ logs: [{ lines: ['crashed'] }] }], 'and although the next run has begun meanwhile')
  const late = inBackOff.watching(reader({ logs: () => '' }).reader)
  const query = { namespace: 'airflow', pod: `${name}-x2x4z`, container: 'run-airflow-migrations', lines: 20 }
  t.equal(await late.logs({ ...query, previous: true }), 'crashed', 'what the kubelet does not give any more')
  t.equal(await late.logs(query), '', 'the present run has said nothing')
  const ended = inBackOff.watching(reader({ logs: ({ previous }) => (previous === true ? '' : 'crashed\n') }).reader)
  t.equal(await ended.logs({ ...query, previous: true }), '', 'nor is one run told as two')
  t.equal(await look(witness, pod({ status: { containerStatuses: [crashed(4, {})] } }), 'x'), 0, 'what is made again keeps its log')
  t.equal(await look(witness, migrating(0, { exitCode: 0 }), 'x'), 0, 'nor is a good end of interest')
  t.equal(await look(witness, migrating(0, {}, { state: { running: { startedAt: long } }, lastState: {} }), 'x'), 0, 'nor what has not ended')
})

void t.test('a log that cannot be had leaves what was said before, and is asked for again, but not for ever', async (t) => {
  const witness = createWitness()
  await look(witness, migrating(3), 'first\n')
  const later = migrating(4, { finishedAt: '2023-08-02T10:30:59Z' })
  t.equal(await look(witness, later, undefined), 1)
  t.equal(await look(witness, later, ''), 1)
  t.match(witness.seen(), [{ logs: [{ lines: ['first'] }] }])
  t.equal(await look(witness, later, undefined), 1)
  t.equal(await look(witness, later, undefined), 0)
})

void t.test('of one that is on again the run before is read, also where it is ready already', async (t) => {
  const running = migrating(1, {}, { state: { running: { startedAt: '2023-08-02T10:29:50Z' } }, ready: true })
  const witness = createWitness()
  const { reader: scripted, asked } = reader({ objects: [{ ...running, status: { ...(running.status as object), ...ready } }], logs: () => 'said' })
  await witness.watching(scripted).list({ resources: ['pods'], namespace: 'airflow' })
  await new Promise(setImmediate)
  t.match(asked[1], { previous: true })
  t.match(witness.seen(), [{ logs: [{ previous: false, lines: ['said'] }], pod: { status: { phase: 'Failed', conditions: undefined, containerStatuses: [{ ready: false, state: { terminated: { exitCode: 1 }, running: undefined } }] } } }])
})

void t.test('what ends since it is deleted says less than what it said before', async (t) => {
  const witness = createWitness()
  await look(witness, migrating(6), newer)
  t.equal(await look(witness, going(6, { exitCode: 143, finishedAt: '2023-08-02T10:29:59Z' }), 'DB: postgresql+psycopg2://'), 0)
  t.match(witness.seen(), [{ logs: [{ lines: [newer] }] }])
  t.equal(await look(createWitness(), going(6), newer), 1, 'where nothing is known, anything is welcome')
})

void t.test('a reader that never answers holds up nobody, and those that ended last are read first', async (t) => {
  const many = Array.from({ length: 20 }, (_, i) => {
    const one = migrating(1, { finishedAt: new Date(now.getTime() + i * 1000).toISOString() })
    return { ...one, metadata: { ...one.metadata, name: `j-${i}`, uid: `uid-${i}` } }
  })
  const asked: string[] = []
  const silent = { ...reader({ objects: many }).reader, logs: (query: LogQuery) => {
    asked.push(query.pod)
    return new Promise<undefined>(() => undefined)
  } }
  t.equal((await createWitness().watching(silent).list({ resources: ['pods'], namespace: 'airflow' })).length, 20)
  t.same(asked, ['j-12', 'j-13', 'j-14', 'j-15', 'j-16', 'j-17', 'j-18', 'j-19'])
})

void t.test('nothing of it is kept that may be secret', async (t) => {
  const seen = await seenOf(migrating(5))
  t.equal(seen.length, 1)
  t.notMatch(JSON.stringify(seen), canary)
})

void t.test('what a Job died of is named though its pod is gone', async (t) => {
  const gone = await seenOf(migrating(5))
  const { reader: scripted } = reader({ objects: [...objects, job(usedUp)], release: failed, logs: () => '' })
  const found = await collect(scripted, { namespace: 'airflow', release: 'airflow', recorded: { ...nothing, witnessed: () => gone } })
  t.match(diagnose(found).findings[0], { id: 'db-newer-than-image', evidence: [/^airflow-run-airflow-migrations-x2x4z\/run-airflow-migrations: .*98ae134e6fff/, 'it runs apache/airflow:2.5.0', `Pod airflow/${name}-x2x4z is gone; it was seen at ${now.toISOString()}`] })
  t.match(diagnose(found).findings.find(({ id }) => id === 'job-failed'), { causes: [{ id: 'db-newer-than-image' }] })
  const silent = await collect(scripted, { namespace: 'airflow', release: 'airflow' })
  t.notOk(ids(silent).includes('db-newer-than-image'), 'without a witness nobody knows')
})

void t.test('what no rule knows is told once, with its last words, and nobody is sent to a log that is gone', async (t) => {
  const told = seenAs(await seenOf(migrating(5), 'unheard of'))
  t.same(ids(told), ['job-failed', 'helm-release-failed explained'])
  const [first] = diagnose(told).findings
  t.match(first?.evidence.join('\n'), /exit code 1[^]*unheard of[^]*is gone; it was seen at/)
  t.same(first?.fix, ['npx tsx run.ts apply --from helm # runs it again, once what its log names is mended'])
})

void t.test('a pod that was killed for its memory is told by its end', async (t) => {
  t.equal(ids(seenAs(await seenOf(migrating(5, { reason: 'OOMKilled', exitCode: 137 }), 'migrating')))[0], 'oom-killed')
})

void t.test('what the living would say as well is not taken from the dead: it may be mended since', async (t) => {
  for (const line of ['FATAL:  password authentication failed for user "airflow"', 'No space left on device', 'FATAL:  database "airflow" does not exist', 'PermissionError: [Errno 13] Permission denied: \'/opt/airflow/logs\'']) {
    t.same(ids(seenAs(await seenOf(migrating(5), line))), ['job-failed', 'helm-release-failed explained'], line)
  }
  for (const line of ['psycopg2.errors.InsufficientPrivilege: permission denied for schema public', 'psycopg2.errors.InsufficientPrivilege: must be owner of table dag_run']) {
    t.equal(ids(seenAs(await seenOf(migrating(5), line)))[0], 'database-unreachable', 'nobody but the migrations makes and changes tables')
  }
})

void t.test('of a Job that is at work, has ended well, or was made anew, nothing is told', async (t) => {
  const seen = await seenOf(migrating(5))
  const told = (jobs: KubernetesObject[], pods: KubernetesObject[] = []): boolean => ids(seenAs(seen, { jobs, pods })).includes('db-newer-than-image')
  t.notOk(told([job({ failed: 3, active: 1 })]))
  t.notOk(told([job({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] })]))
  t.notOk(told([{ ...job(usedUp), metadata: { ...job(usedUp).metadata, uid: 'another' } }]))
  t.notOk(told([job(usedUp)], [migrating(5)]), 'the pod is there and speaks for itself')
  t.notOk(told([]), 'nobody has seen how the Job ended')
  t.ok(told([job(usedUp)]))
  t.ok(told([job(usedUp)], [going(5)]), 'it is on its way out')
})

void t.test('what is still there, or still tries, is written down too: it may go when the run has ended', async (t) => {
  const seen = await seenOf(migrating(5))
  t.equal(seenAs(seen, { pods: [migrating(5)] }).witnessed?.length, 1)
  t.equal(seenAs(seen, { jobs: [job({ failed: 3, active: 1 })] }).witnessed?.length, 1)
  t.same(seenAs(seen, { jobs: [job({ conditions: [{ type: 'Complete', status: 'True' }] })] }).witnessed, [])
  t.match(seenAs([...seen, ...seen.map((one) => ({ ...one, at: long }))]).witnessed, [{ at: now.toISOString() }], 'of what two runs have seen the later')
})

void t.test('where Jobs could not be read what was seen is kept for the next who looks', async (t) => {
  const seen = await seenOf(migrating(5))
  const kept = seenAs(seen, { jobs: [], unknown: ['jobs.batch in airflow could not be read: refused'] }).witnessed ?? []
  t.match(kept, [{ job: { apiVersion: 'apps/v1', kind: 'Job', metadata: { name, uid: `uid-${name}`, namespace: 'airflow' } } }])
  t.equal(ids(seenAs(kept))[0], 'db-newer-than-image', 'who sees the Job again')
  t.same(ids(seenAs(kept, { jobs: [] })), ['helm-release-failed'], 'nobody saw how it ended')
})

void t.test('a Job that is gone itself is told of until Helm has tried again', async (t) => {
  const written = seenAs((await seenOf(migrating(5))).map((one) => ({ ...one, at: '2023-08-02T10:21:00Z' }))).witnessed ?? []
  t.match(written, [{ job: { metadata: { name, uid: `uid-${name}` }, status: usedUp }, pod: { metadata: { name: `${name}-x2x4z` } }, logs: [{ lines: ['first', newer] }] }])
  const later = (record: Partial<typeof failed>, parts: Partial<Evidence> = {}): string[] => ids(seenAs(written, { jobs: [], record: { ...failed, ...record }, ...parts }))
  t.same(later({}), ['db-newer-than-image', 'job-failed explained', 'helm-release-failed explained'])
  t.same(later({ updatedAt: '2023-08-02T10:25:00Z' }), ['helm-release-failed'], 'Helm has tried since')
  t.same(later({ status: 'deployed' }), [])
  t.notOk(later({}, { jobs: [{ ...job({}), metadata: { ...job({}).metadata, uid: 'another' } }] }).includes('db-newer-than-image'), 'another of its name is at work')
  t.notOk(later({}, { record: undefined }).includes('db-newer-than-image'), 'there is no release any more')
  t.equal(later({}, { pods: [going(5)] })[0], 'db-newer-than-image', 'its pod goes with it, and takes a while')
})

void t.test('what a pod said that is gone is redacted like all that is collected, over all its lines', async (t) => {
  const said = `postgresql://postgres:unknown1@airflow-postgresql:5432\nkey ${canary}\n-----BEGIN PRIVATE KEY-----\nshort\n-----END PRIVATE KEY-----`
  const gone = await seenOf(migrating(5), said)
  const { reader: scripted } = reader({ objects: [...objects, job(usedUp)], release: failed, logs: () => '' })
  const found = await collect(scripted, { namespace: 'airflow', release: 'airflow', recorded: { ...nothing, witnessed: () => gone }, redact: (text) => text.replaceAll(canary, '***') })
  t.match(found.witnessed, [{ logs: [{ lines: ['first', 'postgresql://postgres:••••••@airflow-postgresql:5432', 'key ***'] }] }])
  t.notMatch(JSON.stringify(found), /canary|short/)
})
