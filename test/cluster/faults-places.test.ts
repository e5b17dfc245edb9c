/** Where a pod may go, whom its image is asked of, and what keeps it from going. */
import t from 'tap'
import { must } from '../../scripts/lab/exec.ts'
import { instance } from '../../scripts/lab/paths.ts'
import { runtimeEnv } from '../../scripts/lab/runtime.ts'
import { apply, kubectl, kubectlMaybe, lab, refusingRegistry } from './cluster.ts'
import { faults, paste, pasted, withEditor, type Fault } from './faults.ts'
import { container, deletePods, editContainer, editPods, kube, setImage } from './harm.ts'
import { exits, site } from './site.ts'

const taker = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'takes-a-port', namespace: 'default' }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'sleep', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['sleep', '3600'], ports: [{ containerPort: 9, hostPort: 18_080 }] }] } }
const untaken = (): Promise<string> => kubectlMaybe(['-n', 'default', 'delete', 'pod', 'takes-a-port', '--ignore-not-found', '--wait=false'])

/** A volume of another node, bound to a claim that a program is given. */
const elsewhere = (namespace: string): object[] => {
  const spec = { storageClassName: 'elsewhere', accessModes: ['ReadWriteOnce'] }
  return [
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'places-elsewhere' }, spec: { ...spec, capacity: { storage: '1Gi' }, claimRef: { namespace, name: 'elsewhere' }, hostPath: { path: '/tmp/elsewhere' }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['the-old-machine'] }] }] } } } },
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'elsewhere', namespace }, spec: { ...spec, volumeName: 'places-elsewhere', resources: { requests: { storage: '1Gi' } } } },
  ]
}

const places: Fault[] = [
  container('a port of the node that somebody has', 'statsd', {}, 'host-port-taken', { seconds: 120, tells: /18080/, harm: async it => {
    await apply(taker)
    await kubectl(['-n', 'default', 'wait', '--for=condition=Ready', 'pod/takes-a-port', '--timeout=60s'])
    await editContainer(it, 'statsd', { ports: [{ containerPort: 9, hostPort: 18_080 }] })
  } }),
  container('to be beside a pod that is nowhere', 'statsd', {}, 'pod-affinity-unsatisfied', { seconds: 120, harm: it => editPods(it, 'statsd', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'nobody' } } }] } } }) }),
  container('a scheduler that nobody runs', 'statsd', {}, 'scheduler-unknown', { seconds: 150, tells: /my-scheduler/, harm: it => editPods(it, 'statsd', { schedulerName: 'my-scheduler' }) }),
  container('a volume of a machine that is gone', 'statsd', {}, 'volume-node-affinity-conflict', { seconds: 120, tells: /the-old-machine/, harm: async it => {
    await apply(...elsewhere(it.namespace))
    await editPods(it, 'statsd', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'elsewhere' } }], containers: [{ name: 'statsd', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] })
  } }),
  container('a share of the network that is not there', 'statsd', {}, 'volume-mount-failed', { seconds: 180, tells: /nfs/i, harm: it => editPods(it, 'statsd', { volumes: [{ name: 'v', nfs: { server: '127.0.0.1', path: '/nothing' } }], containers: [{ name: 'statsd', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }) }),
  { name: 'a pod of the database that a finalizer keeps', id: 'pod-not-ending', seconds: 180, tells: /example\.org\/keep/, harm: async it => {
    await kube(it, 'patch', 'pod', 'airflow-postgresql-0', '--type=merge', '-p', '{"metadata":{"finalizers":["example.org/keep"]}}')
    await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--grace-period=1', '--wait=false')
  }, undo: it => kube(it, 'patch', 'pod', 'airflow-postgresql-0', '--type=merge', '-p', '{"metadata":{"finalizers":null}}') },
]

const limits = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'small' }, spec: { limits: [{ type: 'Container', default: { memory: '64Mi' } }] } }
/** The node's own packet filter does what a network plugin makes of a policy, which the lab's takes no notice of. */
const packets = (...rule: string[]): Promise<unknown> => must('ip', ['netns', 'exec', instance(lab.name).netns, 'iptables', ...rule], { env: runtimeEnv() })
let dropped: string[] | undefined
async function open(): Promise<void> {
  if (dropped !== undefined) await packets('-D', ...dropped)
  dropped = undefined
}

const refused: Fault[] = [
  { name: 'a node whose firewall closes the kubelet\'s port', id: 'kubelet-unreachable', seconds: 90, tells: /10250.*connection refused/s, harm: async () => {
    dropped = ['INPUT', '-p', 'tcp', '--dport', '10250', '-j', 'REJECT', '--reject-with', 'tcp-reset']
    await packets('-I', ...dropped)
  }, mend: open, undo: open },
  { name: 'a default limit that is below what the database asks for', id: 'admission-refused', tells: /LimitRange.*must be less than or equal to memory limit/s, harm: async it => {
    await apply({ ...limits, metadata: { ...limits.metadata, namespace: it.namespace } })
    await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--grace-period=1', '--wait=false')
  }, mend: async (it, { fix: [first = ''] }) => {
    await pasted(it, withEditor('s/64Mi/2Gi/', first))
    // Its controller's pauses grow with each refusal.
    await kube(it, 'rollout', 'restart', 'statefulset/airflow-postgresql')
    await kube(it, 'wait', '--for=condition=Ready', 'pod/airflow-postgresql-0', '--timeout=180s')
    await kube(it, 'delete', 'limitrange', 'small')
  }, undo: it => kube(it, 'delete', 'limitrange', 'small', '--ignore-not-found') },
  { name: 'a quota that wants limits of every pod', id: 'quota-exceeded', tells: /wants requests and limits/, harm: async it => {
    await apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'cap', namespace: it.namespace }, spec: { hard: { 'limits.memory': '64Gi' } } })
    await deletePods(it, 'statsd')
  }, mend: async (it, { fix: [first = ''] }) => {
    await pasted(it, first)
    await kube(it, 'wait', '--for=condition=Available', 'deployment/airflow-statsd', '--timeout=180s')
    await kube(it, 'delete', 'quota/cap', 'limitrange/defaults')
  }, undo: it => kube(it, 'delete', 'quota/cap', 'limitrange/defaults', '--ignore-not-found') },
  { name: 'a policy that keeps all from the database', id: 'network-policy-blocks', seconds: 180, tells: /deny-all/, harm: async it => {
    await apply({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'deny-all', namespace: it.namespace }, spec: { podSelector: {}, policyTypes: ['Ingress'] } })
    dropped = ['FORWARD', '-d', await kube(it, 'get', 'pod', 'airflow-postgresql-0', '-o', 'jsonpath={.status.podIP}'), '-p', 'tcp', '--dport', '5432', '-j', 'DROP']
    await packets('-I', ...dropped)
    await deletePods(it, 'scheduler')
  }, mend: async (it, { fix: [first = ''] }) => {
    await paste(it, first)
    await open()
  }, undo: async it => {
    await open()
    await kube(it, 'delete', 'networkpolicy', 'deny-all', '--ignore-not-found')
  } },
]

const asked = (locked: string, busy: string): Fault[] => [
  { name: 'an image of a registry that wants a login', id: 'image-pull-denied', seconds: 100, tells: /mine\/statsd:1/, harm: it => setImage(it, 'statsd', `${locked}/mine/statsd:1`) },
  { name: 'a pull secret that nobody made', id: 'image-pull-denied', seconds: 100, tells: /Pull secret my-login does not exist/, harm: it => editPods(it, 'statsd', { imagePullSecrets: [{ name: 'my-login' }], containers: [{ name: 'statsd', image: `${locked}/mine/statsd:2` }] }) },
  { name: 'a registry that has been asked too often', id: 'dockerhub-rate-limit', seconds: 100, harm: it => setImage(it, 'statsd', `${busy}/mine/statsd:1`) },
]

void t.test('where a pod may go, and whom its image is asked of', async t => {
  t.teardown(untaken)
  t.teardown(open)
  t.teardown(() => kubectlMaybe(['delete', 'pv', 'places-elsewhere', '--ignore-not-found', '--wait=false']))
  const locked = await refusingRegistry(t, { name: 'locked-registry', port: 5001, status: 401, code: 'UNAUTHORIZED' })
  const busy = await refusingRegistry(t, { name: 'busy-registry', port: 5002, status: 429, code: 'TOOMANYREQUESTS' })
  const it = await site(t, 'doctorplaces')
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, [...places, ...refused, ...asked(locked, busy)])
})
