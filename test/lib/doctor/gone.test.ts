/** Pods that Kubernetes deletes with their Job's last try. How they go, and what is left, was seen on the lab (Kubernetes 1.20); the texts of Airflow are from the failure catalogue. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { collect } from '../../../lib/doctor/collect/index.ts'
import { createWitness, goneIn, type Seen, withGone } from '../../../lib/doctor/collect/gone.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { container, crashed, deployment, inManifest, job, now, pod, release, statefulSet } from '../observe/objects.ts'
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

const usedUp = { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }] }
const objects = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const failed = release({
  status: 'failed', description: 'Upgrade "airflow" failed: post-upgrade hooks failed', updatedAt: '2023-08-02T10:20:00Z', objects: objects.map(inManifest),
  hooks: [{ ref: { apiVersion: 'batch/v1', kind: 'Job', name, namespace: 'airflow' }, events: ['post-upgrade'], deletePolicies: ['before-hook-creation'], phase: 'Failed' }],
})

async function seenOf(one: KubernetesObject, last = newer): Promise<Seen[]> {
  const witness = createWitness()
  await witness.watching(reader({ objects: [one], logs: () => `first\n${last}\n` }).reader).list({ resources: ['pods'], namespace: 'airflow' })
  return witness.seen()
}

void t.test('a pod of a Job is kept with what it said last, and each end is read once', async (t) => {
  const witness = createWitness()
  const look = async (object: KubernetesObject, said: string | undefined): Promise<number> => {
    const { reader: scripted, asked } = reader({ objects: [object], ...(said === undefined ? {} : { logs: () => said }) })
    await witness.watching(scripted).list({ resources: ['pods'], namespace: 'airflow' })
    return asked.length - 1
  }
  t.equal(await look(migrating(3), 'first\nlast\n'), 1)
  t.match(witness.seen(), [{ at: now.toISOString(), pod: { metadata: { name: `${name}-x2x4z` } }, logs: [{ container: 'run-airflow-migrations', lines: ['first', 'last'] }] }])
  t.equal(await look(migrating(3), 'first\nlast\n'), 0, 'nothing has ended since')
  t.equal(await look(migrating(4, { finishedAt: '2023-08-02T10:29:59Z' }), 'again\n'), 1)
  t.match(witness.seen(), [{ logs: [{ lines: ['again'] }] }])
  t.equal(await look(migrating(5, { finishedAt: '2023-08-02T10:30:59Z' }), undefined), 1)
  t.match(witness.seen(), [{ logs: [{ lines: ['again'] }] }], 'one that goes while it is asked leaves what it said before')
  t.equal(await look(pod({ status: { containerStatuses: [crashed(4, {})] } }), 'x'), 0, 'what is made again keeps its log')
  t.equal(await look(migrating(0, { exitCode: 0 }), 'x'), 0, 'nor is a good end of interest')
})

void t.test('nothing of it is kept that may be secret', async (t) => {
  const seen = await seenOf(migrating(5))
  t.equal(seen.length, 1)
  t.notMatch(JSON.stringify(seen), canary)
})

void t.test('what a Job died of is named though its pod is gone', async (t) => {
  const gone = await seenOf(migrating(5))
  const { reader: scripted } = reader({ objects: [...objects, job(usedUp)], release: failed, logs: () => '' })
  const recorded = { state: { path: 'state.json' }, said: [], gone }
  const found = await collect(scripted, { namespace: 'airflow', release: 'airflow', recorded })
  t.match(diagnose(found).findings[0], { id: 'db-newer-than-image', evidence: [/^airflow-run-airflow-migrations-x2x4z\/run-airflow-migrations: .*98ae134e6fff/, 'it runs apache/airflow:2.5.0'] })
  t.match(diagnose(found).findings.find(({ id }) => id === 'job-failed'), { causes: [{ id: 'db-newer-than-image' }] })
  t.ok(found.looked.includes('what a pod said last that Kubernetes has deleted'))
  t.same(found.gone, [`${name}-x2x4z`])
  const silent = await collect(scripted, { namespace: 'airflow', release: 'airflow' })
  t.notOk(diagnose(silent).findings.some(({ id }) => id === 'db-newer-than-image'), 'without a witness nobody knows')
})

void t.test('what no rule knows is told with its last words', async (t) => {
  const whole = withGone(evidence({ workloads: objects, jobs: [job(usedUp)], record: failed }), await seenOf(migrating(5), 'unheard of'))
  t.match(diagnose(whole).findings.find(({ id }) => id === 'job-failed')?.evidence.join('\n'), /unheard of/)
  t.notOk(diagnose(whole).healthy)
})

void t.test('a pod that was killed for its memory is told by its end', async (t) => {
  const whole = withGone(evidence({ workloads: objects, jobs: [job(usedUp)], record: failed }), await seenOf(migrating(5, { reason: 'OOMKilled', exitCode: 137 }), 'migrating'))
  t.equal(diagnose(whole).findings[0]?.id, 'oom-killed')
})

void t.test('a try that was on when it was deleted has ended, too', async (t) => {
  const [seen] = await seenOf(migrating(6, {}, { state: { running: { startedAt: '2023-08-02T10:29:50Z' } } }))
  t.match(seen?.pod.status, { containerStatuses: [{ state: { terminated: { exitCode: 1 }, running: undefined } }] })
})

void t.test('of a Job that is at work, has ended well, or was made anew, nothing is added', async (t) => {
  const seen = await seenOf(migrating(5))
  const parts = { workloads: objects, record: failed }
  const added = (jobs: KubernetesObject[], pods: KubernetesObject[] = []) => withGone(evidence({ ...parts, jobs, pods }), seen).gone
  t.same(added([job({ failed: 3, active: 1 })]), undefined)
  t.same(added([job({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] })]), undefined)
  t.same(added([{ ...job(usedUp), metadata: { ...job(usedUp).metadata, uid: 'another' } }]), undefined)
  t.same(added([job(usedUp)], [migrating(5)]), undefined, 'the pod is there and speaks for itself')
  t.same(added([]), undefined, 'nobody has seen how the Job ended')
  t.same(added([job(usedUp)]), [`${name}-x2x4z`])
})

void t.test('a Job that is gone itself is told of until Helm has tried again', async (t) => {
  const [seen] = await seenOf(migrating(5))
  const written = (JSON.parse(JSON.stringify(goneIn(evidence({ jobs: [job(usedUp)] }), seen === undefined ? [] : [seen]))) as Omit<Seen, 'at'>[]).map((one): Seen => ({ ...one, at: '2023-08-02T10:21:00Z' }))
  t.match(written, [{ job: { metadata: { name, uid: `uid-${name}` }, status: usedUp }, pod: { metadata: { name: `${name}-x2x4z` } }, logs: [{ lines: ['first', newer] }] }])
  const later = (record: Partial<typeof failed>, jobs: KubernetesObject[] = []) => withGone(evidence({ workloads: objects, jobs, record: { ...failed, ...record } }), written)
  const told = later({})
  t.match(diagnose(told).findings[0], { id: 'db-newer-than-image' })
  t.same(told.jobs.map(({ metadata }) => metadata.name), [name])
  t.same(later({ updatedAt: '2023-08-02T10:25:00Z' }).gone, undefined, 'Helm has tried since')
  t.same(later({ status: 'deployed' }).gone, undefined)
  t.same(later({}, [{ ...job({}), metadata: { ...job({}).metadata, uid: 'another' } }]).gone, undefined, 'another of its name is at work')
  t.same(withGone(evidence({ workloads: objects, jobs: [] }), written).gone, undefined, 'there is no release any more')
  const going = { ...migrating(5), metadata: { ...migrating(5).metadata, deletionTimestamp: '2023-08-02T10:30:10Z' } }
  const last = withGone(evidence({ workloads: objects, pods: [going], record: failed }), written)
  t.match(diagnose(last).findings[0], { id: 'db-newer-than-image' }, 'its pod goes with it, and takes a while')
  t.equal(last.pods.length, 1)
})

void t.test('what is still there, or still tries, is written down too: it may go when the run has ended', async (t) => {
  const seen = await seenOf(migrating(5))
  t.equal(goneIn(evidence({ jobs: [job(usedUp)], pods: [migrating(5)] }), seen).length, 1)
  t.equal(goneIn(evidence({ jobs: [job({ failed: 3, active: 1 })] }), seen).length, 1)
  t.same(goneIn(evidence({ jobs: [job({ conditions: [{ type: 'Complete', status: 'True' }] })] }), seen), [])
  t.same(goneIn(evidence(), seen), [])
})

void t.test('what a pod said that is gone is redacted like all that is collected', async (t) => {
  const gone = await seenOf(migrating(5), `postgresql://postgres:unknown1@airflow-postgresql:5432\nkey ${canary}`)
  const { reader: scripted } = reader({ objects: [...objects, job(usedUp)], release: failed, logs: () => '' })
  const found = await collect(scripted, { namespace: 'airflow', release: 'airflow', recorded: { state: { path: 'state.json' }, said: [], gone }, redact: (text) => text.replaceAll(canary, '***') })
  t.match(found.logs, [{ lines: ['first', 'postgresql://postgres:••••••@airflow-postgresql:5432', 'key ***'] }])
  t.notMatch(JSON.stringify(found), canary)
})

void t.test('containers that have not ended are left out', async (t) => {
  t.same(await seenOf(pod({ name: 'j-1', owner: { kind: 'Job', name: 'j' }, status: { containerStatuses: [container({ state: { running: { startedAt: long } } })] } })), [])
})
