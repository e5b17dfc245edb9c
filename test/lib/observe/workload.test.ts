import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { observe, isWatched } from '../../../lib/observe/registry.ts'
import { container, context, deployment, event, node, pod, ready, statefulSet, storageClass, workload } from './objects.ts'

const gone = { waiting: { reason: 'ErrImagePull', message: 'rpc error: code = NotFound desc = apache/airflow:9: not found' } }
const broken = { phase: 'Pending', containerStatuses: [container({ state: gone })] }
const old = { name: 'airflow-scheduler-aaaa-1', owner: { kind: 'ReplicaSet', name: 'airflow-scheduler-aaaa' }, labels: { 'pod-template-hash': 'aaaa' } }

void t.test('a Deployment is done when all of the newest version are available and no other is left', (t) => {
  t.match(observe(deployment('airflow-scheduler', 1), context()), { state: 'done', evidence: 'Deployment airflow/airflow-scheduler: 1 available' })
  t.match(observe(deployment('airflow-scheduler', 0), context()), { state: 'waiting', reason: '0/1 available' })
  t.match(observe(workload('Deployment', 'd', { replicas: 2, updatedReplicas: 1, availableReplicas: 2 }), context()), { state: 'waiting', reason: '1 of an older version still to end' })
  t.match(observe(workload('Deployment', 'd', { replicas: 1, availableReplicas: 1 }), context()), { state: 'waiting', reason: '0/1 of the newest version' })
  t.match(observe(workload('Deployment', 'd', {}, { replicas: 0 }), context()), { state: 'done' })
  t.end()
})

void t.test('no count is believed before the controller has seen the newest version', (t) => {
  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
    const behind = workload(kind, 'w', { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1 })
    behind.metadata.generation = 2
    t.match(observe(behind, context()), { state: 'waiting', reason: /has not seen the newest version/ }, kind)
  }
  t.end()
})

void t.test('a Deployment says why its pod is not ready', (t) => {
  const slow = pod({ status: { phase: 'Pending', containerStatuses: [container()] } })
  t.match(observe(deployment('airflow-scheduler', 0), context({ pods: [slow] })), { state: 'waiting', reason: /^0\/1 available; Pod airflow\/airflow-scheduler-6d5b9c7f9-x2x4z container scheduler: ContainerCreating/ })
  t.match(observe(deployment('airflow-scheduler', 0), context({ pods: [pod({ status: broken })] })), { state: 'failed', finding: { id: 'image-not-found' } })
  t.end()
})

void t.test('ten slow minutes are not a failure', (t) => {
  const slow = deployment('airflow-webserver', 0, [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'ReplicaSet "airflow-webserver-1" has timed out progressing.' }])
  t.match(observe(slow, context()), { state: 'waiting', reason: /no progress for a while/ })
  t.end()
})

void t.test('the broken pod of the version before does not end the wait for the new one', (t) => {
  const condition = { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: 'ReplicaSet "airflow-scheduler-6d5b9c7f9" is progressing.' }
  const mended = workload('Deployment', 'airflow-scheduler', { replicas: 2, updatedReplicas: 1, availableReplicas: 0, conditions: [condition] })
  const pods = [pod({ ...old, status: broken }), pod({ status: { phase: 'Pending', containerStatuses: [container()] } })]
  t.match(observe(mended, context({ pods })), { state: 'waiting', reason: /6d5b9c7f9-x2x4z/ })
  t.end()
})

void t.test('pods of others are not looked at, whatever their labels', (t) => {
  const task = pod({ name: 'etl', owner: { kind: 'Job', name: 'x' }, labels: { component: 'worker', release: 'airflow' }, status: broken })
  t.match(observe(statefulSet('airflow-worker', 0), context({ pods: [task] })), { state: 'waiting', reason: '0/1 ready' })
  t.end()
})

void t.test('a repair that goes back to an earlier version waits for that version\'s old ReplicaSet', (t) => {
  const mark = 'deployment.kubernetes.io/revision'
  const conditions = [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: 'ReplicaSet "airflow-scheduler-bad" is progressing.' }]
  const scheduler = workload('Deployment', 'airflow-scheduler', { replicas: 2, updatedReplicas: 1, availableReplicas: 0, conditions })
  scheduler.metadata.annotations = { [mark]: '3' }
  const set = (hash: string, revision: string): KubernetesObject => ({
    apiVersion: 'apps/v1', kind: 'ReplicaSet',
    metadata: {
      name: `airflow-scheduler-${hash}`, namespace: 'airflow', annotations: { [mark]: revision },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'airflow-scheduler', uid: scheduler.metadata.uid, controller: true }],
    },
  })
  const labelled = (hash: string, status: object): KubernetesObject =>
    pod({ name: `airflow-scheduler-${hash}-x`, owner: { kind: 'ReplicaSet', name: `airflow-scheduler-${hash}` }, labels: { 'pod-template-hash': hash }, status: { ...status } })
  const missing = container({ name: 'scheduler', state: { waiting: { reason: 'ErrImagePull', message: 'rpc error: code = NotFound desc = not found' } } })
  const pods = [labelled('bad', { phase: 'Pending', containerStatuses: [missing] }), labelled('good', {})]
  t.match(observe(scheduler, context({ pods, replicaSets: [set('bad', '2'), set('good', '3')] })), { state: 'waiting' })
  t.match(observe(scheduler, context({ pods })), { state: 'failed' }, 'without the ReplicaSets the condition is all there is')
  t.end()
})

void t.test('a StatefulSet is done when all are ready and of the newest revision', (t) => {
  t.match(observe(statefulSet('airflow-postgresql', 1), context()), { state: 'done' })
  t.match(observe(statefulSet('airflow-postgresql', 0), context()), { state: 'waiting', reason: '0/1 ready' })
  const rolling = workload('StatefulSet', 's', { replicas: 2, readyReplicas: 2, updatedReplicas: 1, currentRevision: 's-1', updateRevision: 's-2' }, { replicas: 2 })
  t.match(observe(rolling, context()), { state: 'waiting', reason: '1/2 of the newest revision' })
  t.end()
})

void t.test('a StatefulSet that waits in order for a broken old pod is told to delete it; in parallel it replaces it', (t) => {
  const status = { replicas: 1, readyReplicas: 0, updatedReplicas: 0, currentRevision: 's-1', updateRevision: 's-2' }
  const pods = [pod({ name: 's-0', owner: { kind: 'StatefulSet', name: 's' }, labels: { 'controller-revision-hash': 's-1' }, status: broken })]
  t.match(observe(workload('StatefulSet', 's', status), context({ pods })), { state: 'failed', finding: { id: 'image-not-found', fix: [/once the configuration names one that is there/, /delete pod s-0/] } })
  t.match(observe(workload('StatefulSet', 's', status, { podManagementPolicy: 'Parallel' }), context({ pods })), { state: 'waiting' })
  t.end()
})

void t.test('a DaemonSet is done when every node has its newest pod', (t) => {
  const counts = (updatedNumberScheduled: number, numberAvailable: number) => observe(workload('DaemonSet', 'd', { desiredNumberScheduled: 2, updatedNumberScheduled, numberAvailable }), context())
  t.match(counts(2, 2), { state: 'done' })
  t.match(counts(1, 2), { state: 'waiting', reason: '1/2 of the newest version' })
  t.match(counts(2, 1), { state: 'waiting', reason: '1/2 available' })
  const pods = [pod({ name: 'd-1', owner: { kind: 'DaemonSet', name: 'd' }, labels: {}, status: broken })]
  t.match(observe(workload('DaemonSet', 'd', { desiredNumberScheduled: 1, updatedNumberScheduled: 1 }), context({ pods })), { state: 'failed' })
  t.end()
})

const two = [storageClass('local-path', {}, true), storageClass('longhorn', {}, true)]

const refusals: [string, string | undefined][] = [
  ['create Claim data-airflow-postgresql-0 for Pod airflow-postgresql-0 in StatefulSet airflow-postgresql failed error: persistentvolumeclaims "data-airflow-postgresql-0" is forbidden: Internal error occurred: 2 default StorageClasses were found', 'two-default-storageclasses'],
  ['pods "airflow-postgresql-0" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4', 'quota-exceeded'],
  ['pods "airflow-postgresql-0" is forbidden: failed quota: compute: must specify limits.cpu,limits.memory', 'quota-exceeded'],
  ['pods "airflow-postgresql-0" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi', 'admission-refused'],
  ['admission webhook "validate.kyverno.svc" denied the request: resource Pod/airflow/airflow-postgresql-0 was blocked', 'admission-refused'],
  ['pods "airflow-postgresql-0" is forbidden: unable to validate against any pod security policy: []', 'admission-refused'],
  // Kubernetes 1.20 to 1.24, plugin/pkg/admission/security/podsecuritypolicy/admission.go; where no policy may be used it has no list
  ['pods "airflow-postgresql-0" is forbidden: PodSecurityPolicy: unable to admit pod: [spec.volumes[0]: Invalid value: "hostPath": hostPath volumes are not allowed to be used]', 'admission-refused'],
  ['pods "airflow-postgresql-0" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "postgresql" must set securityContext.allowPrivilegeEscalation=false)', 'admission-refused'],
  // Kubernetes 1.26, k8s.io/apiserver/pkg/admission/plugin/policy/validating
  ['pods "airflow-postgresql-0" is forbidden: ValidatingAdmissionPolicy \'limits\' with binding \'limits-airflow\' denied request: failed expression: has(object.spec.x)', 'admission-refused'],
  ['pods "airflow-postgresql-0" is forbidden: error looking up service account airflow/pg: serviceaccount "pg" not found', 'service-account-missing'],
  ['Pod "airflow-postgresql-0" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit', 'admission-refused'],
  ['Pod "airflow-postgresql-0" is invalid: spec.containers[0].image: Required value', 'object-invalid'],
  ['Internal error occurred: failed calling webhook "mutate.example.org": Post "https://hook.kube-system.svc:443/": dial tcp 10.96.1.1:443: connect: connection refused', undefined],
  ['pods "airflow-postgresql-0" is forbidden: unable to create new content in namespace airflow because it is being terminated', undefined],
  ['Internal error occurred: failed calling webhook "mutate.example.org": Post "https://hook.gone.svc:443/?timeout=10s": service "hook" not found', 'admission-webhook-down'],
  ['pods "airflow-postgresql-0" is forbidden: no PriorityClass with name nope was found', 'admission-refused'],
  ['pods "airflow-postgresql-0" is forbidden: pod rejected: RuntimeClass "nope" not found', 'admission-refused'],
  ['etcdserver: request timed out', undefined],
]

void t.test('a quota that wants numbers is met by a LimitRange that gives them', (t) => {
  const set = statefulSet('airflow-postgresql', 0)
  const look = observe(set, context({ events: [event(set, 'FailedCreate', 'pods "airflow-postgresql-0" is forbidden: failed quota: cap: must specify limits.memory,requests.cpu')] }))
  t.match(look, { finding: { id: 'quota-exceeded', fix: [/^echo '\{"apiVersion":"v1","kind":"LimitRange".*"default":\{"memory":"2Gi","cpu":"2"\},"defaultRequest":\{"memory":"128Mi","cpu":"100m"\}.*' \| kubectl -n airflow create -f -/] } })
  t.end()
})

void t.test('a limit that is too low is the LimitRange\'s where the workload has none of its own', (t) => {
  const of = (limits: Record<string, string>) => {
    const set = { ...statefulSet('airflow-postgresql', 0), spec: { replicas: 1, template: { spec: { containers: [{ name: 'postgresql', resources: { limits } }] } } } }
    return observe(set, context({ events: [event(set, 'FailedCreate', 'Pod "airflow-postgresql-0" is invalid: spec.containers[0].resources.requests: Invalid value: "256Mi": must be less than or equal to memory limit')] }))
  }
  t.match(of({ cpu: '1' }), { finding: { id: 'admission-refused', title: 'Pods are refused by a LimitRange, whose default limit of memory is less than they ask for' } })
  t.match(of({ memory: '64Mi' }), { finding: { id: 'object-invalid' } })
  t.end()
})

void t.test('a LimitRange and a level of pod security are opened by the first fix', (t) => {
  const set = statefulSet('airflow-postgresql', 0)
  const fixes: [string, RegExp][] = [
    ['maximum memory usage per Container is 1Gi, but limit is 2Gi', /^kubectl -n airflow edit limitrange #/],
    ['violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or container "postgresql" must set securityContext.runAsNonRoot=true)', /^kubectl label --overwrite namespace airflow pod-security\.kubernetes\.io\/enforce=baseline #/],
  ]
  for (const [message, fix] of fixes) t.match(observe(set, context({ events: [event(set, 'FailedCreate', `pods "airflow-postgresql-0" is forbidden: ${message}`)] })), { finding: { id: 'admission-refused', fix: [fix, /^npx tsx run\.ts apply/] } }, message)
  const unfit = event(set, 'FailedCreate', 'pods "airflow-postgresql-0" is forbidden: violates PodSecurity "baseline:v1.25": hostPath volumes (volume "dags")')
  t.match(observe(set, context({ events: [unfit] })), { finding: { fix: [/^npx tsx run\.ts apply/, /^kubectl get namespace airflow --show-labels$/] } }, 'nobody is told to let all in')
  t.end()
})

void t.test('what the API server refuses for good is named, what may pass is waited for', (t) => {
  for (const [message, id] of refusals) {
    const set = statefulSet('airflow-postgresql', 0)
    const look = observe(set, context({ events: [event(set, 'FailedCreate', `create Pod airflow-postgresql-0 in StatefulSet airflow-postgresql failed error: ${message}`)], classes: two }))
    t.match(look, id === undefined ? { state: 'waiting', reason: /cannot make a pod/ } : { state: 'failed', settleMs: id === 'admission-webhook-down' ? 60_000 : 20_000, finding: { id } }, message.slice(0, 60))
  }
  t.end()
})

void t.test('a StatefulSet whose very first pod is refused has no status, and is told all the same', (t) => {
  const set = workload('StatefulSet', 'airflow-postgresql', { replicas: 0 })
  delete (set.status as Record<string, unknown>).observedGeneration
  const events = [event(set, 'FailedCreate', 'exceeded quota: compute, requested: pods=1, used: pods=0, limited: pods=0')]
  t.match(observe(set, context({ events })), { state: 'failed', finding: { id: 'quota-exceeded' } })
  t.match(observe(set, context()), { state: 'waiting', reason: /has not seen/ })
  t.end()
})

void t.test('a refusal is over once a pod was made', (t) => {
  const set = statefulSet('airflow-postgresql', 0)
  const events = [event(set, 'FailedCreate', 'exceeded quota: compute, requested'), event(set, 'SuccessfulCreate', 'create Pod airflow-postgresql-0 in StatefulSet airflow-postgresql successful')]
  t.match(observe(set, context({ events })), { state: 'waiting', reason: '0/1 ready' })
  t.end()
})

void t.test('a pod that ends gives back no claim: a quota of those is as full afterwards', (t) => {
  const set = workload('StatefulSet', 'airflow-postgresql', { replicas: 0 })
  const job = pod({ name: 'airflow-run-airflow-migrations-1', owner: { kind: 'Job', name: 'airflow-run-airflow-migrations' }, spec: { nodeName: 'home', restartPolicy: 'OnFailure' }, status: { phase: 'Running', containerStatuses: [container({ ready: true })] } })
  const refused = (what: string): KubernetesObject => event(set, 'FailedCreate', `create Claim data-airflow-postgresql-0 for Pod airflow-postgresql-0 in StatefulSet airflow-postgresql failed error: persistentvolumeclaims "data-airflow-postgresql-0" is forbidden: exceeded quota: claims, requested: ${what}=1, used: ${what}=2, limited: ${what}=2`)
  for (const what of ['persistentvolumeclaims', 'requests.storage', 'count/services']) t.match(observe(set, context({ pods: [job], events: [refused(what)] })), { state: 'failed', finding: { id: 'quota-exceeded' } }, what)
  for (const what of ['pods', 'count/pods', 'limits.memory', 'cpu', 'requests.nvidia.com/gpu']) t.match(observe(set, context({ pods: [job], events: [refused(what)] })), { state: 'waiting' }, what)
  t.end()
})

void t.test('a quota that a running Job will give back is waited for', (t) => {
  const set = statefulSet('airflow-postgresql', 0)
  const events = [event(set, 'FailedCreate', 'exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4')]
  const running = pod({ name: 'm-1', owner: { kind: 'Job', name: 'm' }, spec: { restartPolicy: 'Never' }, status: { containerStatuses: [container({ state: { running: {} } })] } })
  t.match(observe(set, context({ events, pods: [running] })), { state: 'waiting' })
  t.end()
})

void t.test('a refusal of some minutes ago may be mended, so the next try decides', (t) => {
  const set = statefulSet('airflow-postgresql', 0)
  const events = [event(set, 'FailedCreate', 'exceeded quota: compute, requested: pods=1', { lastTimestamp: '2023-08-02T10:25:00Z' })]
  t.match(observe(set, context({ events })), { state: 'failed', settleMs: 1_030_000 })
  const defaults = [event(set, 'FailedCreate', 'forbidden: Internal error occurred: 2 default StorageClasses were found')]
  t.match(observe(set, context({ events: defaults, classes: two.slice(1) })), { state: 'waiting' }, 'which of the classes are defaults can be seen')
  t.end()
})

void t.test('a Deployment tells its ReplicaSet\'s refusal', (t) => {
  const message = 'pods "airflow-scheduler-1-" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4'
  const refused = workload('Deployment', 'airflow-scheduler', { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] })
  t.match(observe(refused, context()), { state: 'failed', settleMs: 20_000, finding: { id: 'quota-exceeded', evidence: [/Deployment airflow\/airflow-scheduler: .*exceeded quota/] } })
  const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'airflow-scheduler-1', namespace: 'airflow', uid: 'u' } }
  const old = event(set, 'FailedCreate', message, { lastTimestamp: '2023-08-02T10:25:00Z' })
  t.match(observe(refused, context({ events: [old] })), { settleMs: 1_030_000 })
  t.end()
})

void t.test('namespaces, definitions and nodes', (t) => {
  const namespace = (status: Record<string, unknown>) => observe({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'airflow' }, status }, context())
  t.match(namespace({ phase: 'Active' }), { state: 'done', evidence: 'Namespace airflow is there' })
  t.match(namespace({ phase: 'Terminating', conditions: [{ type: 'NamespaceContentRemaining', status: 'True', message: 'Some resources are remaining: pods. has 2 resource instances' }] }), { state: 'waiting', reason: /is being deleted: Some resources/ })
  const definition = (conditions: Record<string, unknown>[]) => observe({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'middlewares.traefik.io' }, status: { conditions } }, context())
  t.match(definition([{ type: 'NamesAccepted', status: 'True' }, { type: 'Established', status: 'True' }]), { state: 'done' })
  t.match(definition([{ type: 'NamesAccepted', status: 'True' }]), { state: 'waiting' })
  t.match(definition([{ type: 'NamesAccepted', status: 'False', message: '"Middleware" is already in use' }]), { state: 'failed', finding: { id: 'crd-names-conflict' } })
  t.match(observe(node(), context()), { state: 'done' })
  t.match(observe(node({ conditions: [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting node status.' }] }), context()), { state: 'waiting', reason: /stopped posting/ })
  t.end()
})

void t.test('a kind without an observer is ready when it is there: an Ingress without an address', (t) => {
  t.match(observe({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'airflow', namespace: 'airflow' }, status: { loadBalancer: {} } }, context()), { state: 'done' })
  t.same([isWatched('Pod'), isWatched('Ingress')], [true, false])
  t.match(observe(pod({ status: ready }), context()), { state: 'done' })
  t.end()
})
