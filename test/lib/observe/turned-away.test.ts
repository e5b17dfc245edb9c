/** Pods that the kubelet turns away, as the lab's (Kubernetes 1.20) had them, of a pod with an unsafe sysctl. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { observe } from '../../../lib/observe/registry.ts'
import { container, context, deployment, event, job, pod, ready, statefulSet, unplaced, workload } from './objects.ts'

const said = 'forbidden sysctl: "net.core.somaxconn" not whitelisted'
const forbidden = { phase: 'Failed', reason: 'SysctlForbidden', message: `Pod ${said}`, startTime: '2023-08-02T10:29:50Z' }

function madeAt(one: KubernetesObject, creationTimestamp: string): KubernetesObject {
  return { ...one, metadata: { ...one.metadata, creationTimestamp } }
}

const ofDeployment = (name: string, at: string, status: object = forbidden): KubernetesObject => madeAt(pod({ name, status: { ...status } }), at)
const three = ['a', 'b', 'c'].map((name, i) => ofDeployment(name, `2023-08-02T10:29:5${i}Z`))
const scheduler = (pods: KubernetesObject[]) => observe(deployment('airflow-scheduler', 0), context({ pods }))

void t.test('a Deployment whose pods the kubelet turns away again and again will not become ready', (t) => {
  t.match(scheduler(three), {
    state: 'failed', settleMs: 20_000, subject: 'Deployment airflow/airflow-scheduler', triedAt: '2023-08-02T10:29:52.000Z',
    finding: { id: 'admission-refused', title: 'The kubelet takes no pod of Deployment airflow-scheduler: SysctlForbidden', evidence: [/^Pod airflow\/c: SysctlForbidden: Pod forbidden sysctl/, '3 pods were turned away'] },
  })
  t.match(scheduler(three.slice(1)), { state: 'waiting' }, 'two may have come at a bad moment')
  t.match(scheduler(three.map(({ metadata: { name } }) => ofDeployment(name, '2023-08-02T10:20:00Z'))), { state: 'waiting' }, 'they lie there still, and none is made any more')
  const device = { phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'Pod Allocate failed due to no healthy devices present' }
  t.match(scheduler(three.map(({ metadata: { name } }) => ofDeployment(name, '2023-08-02T10:29:50Z', device))), { state: 'waiting' }, 'a device may come yet')
  t.end()
})

void t.test('one that is let in since ends it, be it slow', (t) => {
  const next = ofDeployment('d', '2023-08-02T10:29:53Z', { phase: 'Pending', startTime: '2023-08-02T10:29:53Z', containerStatuses: [container()] })
  t.match(scheduler([...three, next]), { state: 'waiting', reason: /ContainerCreating/ })
  t.match(scheduler([...three, ofDeployment('d', '2023-08-02T10:29:53Z', { ...forbidden, reason: 'UnexpectedAdmissionError' })]), { state: 'failed' }, 'one that is turned away for something else is not')
  t.match(scheduler([...three, ofDeployment('d', '2023-08-02T10:29:53Z', { phase: 'Pending' })]), { state: 'failed' }, 'of one that the kubelet has not looked at nobody knows')
  t.end()
})

void t.test('the pods of a Job, too, are turned away each time', (t) => {
  const migrations = job({ active: 0, failed: 3 })
  const tries = ['10:29:10', '10:29:20', '10:29:40'].map((time) => madeAt(pod({ name: `migrations-${time}`, owner: { kind: 'Job', name: 'airflow-run-airflow-migrations' }, status: { ...forbidden } }), `2023-08-02T${time}Z`))
  t.match(observe(migrations, context({ pods: tries })), { state: 'failed', finding: { id: 'admission-refused', title: /of Job airflow-run-airflow-migrations: SysctlForbidden/ } })
  t.match(observe(migrations, context({ pods: tries.slice(1) })), { state: 'waiting' })
  t.end()
})

const gone = (name: string, second: number, fields: object = {}) => event({ ...pod({ name }), metadata: { name, namespace: 'airflow', uid: `uid-${name}-${second}` } }, 'SysctlForbidden', said, { count: 1, lastTimestamp: `2023-08-02T10:29:5${second}Z`, ...fields })
const ofSet = (status: object, at = '2023-08-02T10:29:54Z') => madeAt(pod({ name: 'airflow-redis-0', owner: { kind: 'StatefulSet', name: 'airflow-redis' }, status: { ...status } }), at)
const events = [1, 2, 3].map((second) => gone('airflow-redis-0', second))
const redis = (list: KubernetesObject[], pods: KubernetesObject[] = [], made = '2023-08-02T10:00:00Z') => observe(madeAt(statefulSet('airflow-redis', 0), made), context({ events: list, pods }))
const letIn = { phase: 'Pending', startTime: '2023-08-02T10:29:54Z', containerStatuses: [container()] }

void t.test('a StatefulSet takes each away that was turned away, and its events remain', (t) => {
  t.match(redis(events), { state: 'failed', finding: { id: 'admission-refused', title: 'The kubelet takes no pod of StatefulSet airflow-redis: SysctlForbidden', evidence: [/^Pod airflow\/airflow-redis-0: SysctlForbidden: forbidden sysctl/, /^3 pods/] } })
  t.match(redis(events.slice(1)), { state: 'waiting' })
  const [, second] = events
  const lies = { ...ofSet(forbidden, '2023-08-02T10:29:52Z'), metadata: { ...ofSet(forbidden, '2023-08-02T10:29:52Z').metadata, uid: 'uid-airflow-redis-0-2' } }
  t.match(redis([gone('airflow-redis-0', 1), ...(second ? [second] : [])], [lies]), { state: 'waiting' }, 'one that lies there still and its event are one')
  t.match(redis([1, 2, 3].map((second) => gone('airflow-redis-ha-0', second))), { state: 'waiting' }, 'another one\'s')
  t.match(redis(events, [], '2023-08-02T10:29:55Z'), { state: 'waiting' }, 'those of one that was uninstalled')
  t.end()
})

void t.test('of so many the kubelet\'s events come minutes late', (t) => {
  const late = (told: string) => [1, 2, 3].map((second) => {
    const one = gone('airflow-redis-0', second, { lastTimestamp: '2023-08-02T10:26:30Z' })
    return { ...one, metadata: { ...one.metadata, creationTimestamp: told } }
  })
  t.match(redis(late('2023-08-02T10:29:55Z')), { state: 'failed', triedAt: '2023-08-02T10:26:30.000Z' })
  t.match(redis(late('2023-08-02T10:26:31Z')), { state: 'waiting' }, 'they are of before, and none has come since')
  t.match(redis(late('2023-08-02T10:29:55Z'), [ofSet(letIn)]), { state: 'waiting', reason: /ContainerCreating/ }, 'what is told after it was of before it')
  t.end()
})

void t.test('the next pod of a StatefulSet that is let in, or has no place yet, ends it', (t) => {
  t.match(redis(events, [ofSet(letIn)]), { state: 'waiting', reason: /ContainerCreating/ })
  t.match(redis(events, [ofSet(letIn, '2023-08-02T10:28:30Z')]), { state: 'waiting', reason: /ContainerCreating/ }, 'whatever the clock of the node says')
  t.match(redis(events, [ofSet(unplaced('0/1 nodes are available: 1 node(s) were unschedulable.'))]), { state: 'waiting', reason: /were unschedulable/ })
  t.end()
})

void t.test('a DaemonSet takes each away as well', (t) => {
  const set = workload('DaemonSet', 'airflow-logs', { desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 0 })
  const list = ['x2x4z', 'b7k9q', 'c8d2f'].map((name, second) => gone(`airflow-logs-${name}`, second))
  t.match(observe(set, context({ events: list })), { state: 'failed', finding: { title: /of DaemonSet airflow-logs: SysctlForbidden/ } })
  t.match(observe(set, context({ events: list.slice(1) })), { state: 'waiting' })
  t.end()
})

void t.test('one that the kubelet keeps and does not start is as wrong on any day, once a profile has had its time to be loaded', (t) => {
  const kept = ofDeployment('a', '2023-08-01T10:00:00Z', { phase: 'Pending', reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' })
  t.match(scheduler([kept]), { state: 'failed', settleMs: 60_000, triedAt: undefined, since: '2023-08-01T10:00:00Z', finding: { title: /AppArmor$/, evidence: [/not enabled on the host$/] } })
  t.match(scheduler([kept, ofDeployment('b', '2023-08-02T10:00:00Z', { ...ready, startTime: '2023-08-02T10:00:00Z' })]), { state: 'failed' }, 'its sister on another node does not help it')
  t.end()
})
