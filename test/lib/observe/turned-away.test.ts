/** Pods that the kubelet turns away, as the lab's (Kubernetes 1.20) had them, of a pod with an unsafe sysctl. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { observe } from '../../../lib/observe/registry.ts'
import { container, context, deployment, event, pod, statefulSet } from './objects.ts'

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
  t.match(scheduler([...three, ofDeployment('d', '2023-08-02T10:29:53Z', { phase: 'Pending' })]), { state: 'failed' }, 'of one that the kubelet has not looked at nobody knows')
  t.end()
})

void t.test('a StatefulSet takes each away that was turned away, and its events remain', (t) => {
  const redis = statefulSet('airflow-redis', 0)
  const gone = (name: string, uid: string, second: number) => event({ ...pod({ name }), metadata: { name, namespace: 'airflow', uid } }, 'SysctlForbidden', said, { count: 1, lastTimestamp: `2023-08-02T10:29:5${second}Z` })
  const events = [1, 2, 3].map((second) => gone('airflow-redis-0', `uid-${second}`, second))
  const seen = (list: KubernetesObject[], pods: KubernetesObject[] = []) => observe(redis, context({ events: list, pods }))
  t.match(seen(events), { state: 'failed', finding: { id: 'admission-refused', title: 'The kubelet takes no pod of StatefulSet airflow-redis: SysctlForbidden', evidence: [/^Pod airflow\/airflow-redis-0: SysctlForbidden: forbidden sysctl/, /^3 pods/] } })
  t.match(seen(events.slice(1)), { state: 'waiting' })
  const late = events.map((one) => ({ ...one, lastTimestamp: '2023-08-02T10:26:30Z', metadata: { ...one.metadata, creationTimestamp: '2023-08-02T10:29:55Z' } }))
  t.match(seen(late), { state: 'failed', triedAt: '2023-08-02T10:26:30.000Z' }, 'of so many the kubelet\'s events come minutes late')
  t.match(seen(late.map((one) => ({ ...one, metadata: { ...one.metadata, creationTimestamp: '2023-08-02T10:26:31Z' } }))), { state: 'waiting' }, 'they are of before, and none has come since')
  t.match(seen([1, 2, 3].map((second) => gone('airflow-redis-ha-0', `uid-${second}`, second))), { state: 'waiting' }, 'another one\'s')
  const mended = madeAt(pod({ name: 'airflow-redis-0', owner: { kind: 'StatefulSet', name: 'airflow-redis' }, status: { phase: 'Pending', startTime: '2023-08-02T10:29:54Z', containerStatuses: [container()] } }), '2023-08-02T10:29:54Z')
  t.match(seen(events, [mended]), { state: 'waiting', reason: /ContainerCreating/ })
  t.match(seen(late, [mended]), { state: 'waiting', reason: /ContainerCreating/ }, 'what is told after it was of before it')
  t.end()
})

void t.test('one that the kubelet keeps and does not start is as wrong on any day, once a profile has had its time to be loaded', (t) => {
  const kept = ofDeployment('a', '2023-08-01T10:00:00Z', { phase: 'Pending', reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' })
  t.match(scheduler([kept]), { state: 'failed', settleMs: 60_000, finding: { title: /AppArmor$/, evidence: [/not enabled on the host$/] } })
  t.end()
})
