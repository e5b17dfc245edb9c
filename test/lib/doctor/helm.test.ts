import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { claim, crashed, deployment, inManifest, job, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

// The texts are from Helm's source (pkg/action, pkg/kube, pkg/chartutil) and the catalogue; none was produced here.
const good = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const of = (parts: Partial<Evidence> = {}, record: Parameters<typeof release>[0] = {}) =>
  evidence({ workloads: good, autoscalers: [], record: release({ objects: good.map(inManifest), updatedAt: long, ...record }), ...parts })
const ids = (one: Evidence) => [...diagnose(one).unknown, ...diagnose(one).findings.map(({ id, severity, causes = [] }) => `${id} ${severity}${causes.length > 0 ? ' explained' : ''}`)]
const failed = (description: string) => of({}, { status: 'failed', description })

void t.test('a refusal of Helm is the cause, and the failed release stands under it', (t) => {
  const texts = {
    'values-schema-rejected': 'values don\'t meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- webserver: Additional property foo is not allowed',
    'kubeversion-refused': 'chart requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.20.2',
    'chart-api-removed': 'unable to recognize "": no matches for kind "CronJob" in version "batch/v1beta1"',
    'traefik-crd-group-mismatch': 'unable to recognize "": no matches for kind "IngressRoute" in version "traefik.io/v1alpha1"',
    'helm-foreign-resource': 'rendered manifests contain a resource that already exists. Unable to continue with install: ServiceAccount "x" in namespace "airflow" exists and cannot be imported into the current release: invalid ownership metadata; label validation error: missing key "app.kubernetes.io/managed-by": must be set to "Helm"',
    'immutable-field-on-upgrade': 'cannot patch "airflow-postgresql" with kind StatefulSet: StatefulSet.apps "airflow-postgresql" is invalid: spec: Forbidden: updates to statefulset spec for fields other than \'replicas\', \'template\', and \'updateStrategy\' are forbidden',
  }
  for (const [id, text] of Object.entries(texts)) t.same(ids(failed(text)), [`${id} error`, 'helm-release-failed error explained'], id)
  const said = (at: string) => of({ said: [{ source: 'step helm, in state.json', at, text: texts['kubeversion-refused'] }] })
  t.same(ids(said('2023-08-02T10:00:00Z')), ['kubeversion-refused error'])
  t.same(ids(said('2023-08-02T08:00:00Z')), [], 'what was said before the newest record is over')
  t.same(ids(of({ said: [{ source: 'this run', at: '2023-08-02T10:00:00Z', text: texts['kubeversion-refused'] }] })), ['kubeversion-refused error'], 'and of an apply that fails now')
  t.end()
})

void t.test('every Helm from 3.8 to 4.2 is understood', (t) => {
  const set = 'StatefulSet.apps "airflow-postgresql" is invalid: spec: Forbidden: updates to statefulset spec for fields other than \'replicas\', \'ordinals\', \'template\', \'updateStrategy\', \'revisionHistoryLimit\', \'persistentVolumeClaimRetentionPolicy\' and \'minReadySeconds\' are forbidden'
  const texts: [string, string, RegExp][] = [
    // Helm 3.12 and later gathers what goes wrong (pkg/kube/client.go, perform), and 4 has its own words before it.
    ['helm-foreign-resource', 'Release "airflow" failed: failed post-install: warning: Hook post-install airflow/templates/jobs/create-user-job.yaml failed: 1 error occurred:\n\t* jobs.batch "airflow-create-user" already exists\n\n', /^jobs airflow\/airflow-create-user is there already/],
    ['helm-foreign-resource', 'Upgrade "airflow" failed: post-upgrade hooks failed: warning: Hook post-upgrade airflow/templates/jobs/create-user-job.yaml failed: failed to create resource: jobs.batch "airflow-create-user" already exists', /^jobs airflow\/airflow-create-user is there already/],
    // Helm 4.1, pkg/kube/client.go, patchResourceServerSide; 4.0 hands the API server's words on as they are, and so does --force.
    ['immutable-field-on-upgrade', `server-side apply failed for object airflow/airflow-postgresql apps/v1, Kind=StatefulSet: ${set}`, /StatefulSet airflow\/airflow-postgresql$/],
    ['immutable-field-on-upgrade', `Upgrade "airflow" failed: ${set}`, /StatefulSet airflow\/airflow-postgresql$/],
    ['immutable-field-on-upgrade', `Upgrade "airflow" failed: failed to replace object: ${set}`, /StatefulSet airflow\/airflow-postgresql$/],
    ['immutable-field-on-upgrade', 'cannot patch "airflow-logs" with kind PersistentVolumeClaim: PersistentVolumeClaim "airflow-logs" is invalid: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity', /PersistentVolumeClaim airflow\/airflow-logs$/],
    ['immutable-field-on-upgrade', 'cannot patch "airflow-logs" with kind PersistentVolumeClaim: persistentvolumeclaims "airflow-logs" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize', /PersistentVolumeClaim airflow\/airflow-logs$/],
    ['helm-foreign-resource', 'Upgrade "airflow" failed: conflict occurred while applying object airflow/airflow-scheduler apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas', /^kubectl-edit has taken fields of Deployment airflow\/airflow-scheduler/],
    // Helm 4, pkg/engine/engine.go, reformatExecErrorMsg
    ['values-schema-rejected', 'airflow/templates/scheduler/scheduler-deployment.yaml:21:15\n  executing "airflow/templates/scheduler/scheduler-deployment.yaml" at <.Values.scheduler.nope.more>:\n    nil pointer evaluating interface {}.more', /cannot be rendered/],
    // Helm 3.18, whose schemas are read by another library (santhosh-tekuri/jsonschema, kind/kind.go)
    ['executor-not-supported-by-chart', 'values don\'t meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- at \'/executor\': \'SequentialExecutor\' does not match pattern \'^(LocalExecutor|CeleryExecutor)$\'', /executor/],
    ['values-schema-rejected', 'values don\'t meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- at \'/scheduler\': additional properties \'nope\' not allowed', /refuses scheduler\.nope$/],
    ['helm-name-in-use', 'cannot reuse a name that is still in use', /There is a release/],
  ]
  for (const [id, text, title] of texts) {
    const [first] = diagnose(of({ claims: [claim({}, { phase: 'Bound' }, 'airflow-logs')] }, { status: 'failed', description: text })).findings
    t.match(first, { id, title }, text.slice(0, 90))
  }
  t.end()
})

void t.test('what the API server refuses Helm itself is told as when it refuses a controller', (t) => {
  const texts: [string, string, RegExp][] = [
    ['quota-exceeded', 'Release "airflow" failed: services "airflow-webserver" is forbidden: exceeded quota: compute, requested: services=1, used: services=2, limited: services=2', /^Quota compute leaves no room/],
    ['admission-refused', 'Release "airflow" failed: admission webhook "validation.gatekeeper.sh" denied the request: [labels] you must provide labels: {"team"}', /^The chart's objects are refused by webhook validation\.gatekeeper\.sh/],
    ['admission-refused', 'Release "airflow" failed: persistentvolumeclaims "airflow-logs" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 100Gi', /a LimitRange/],
    ['object-invalid', 'Release "airflow" failed: Deployment.apps "airflow-scheduler" is invalid: spec.template.spec.containers[0].image: Required value', /^The chart makes Deployment airflow-scheduler as Kubernetes does not take it/],
    ['object-invalid', 'Upgrade "airflow" failed: cannot patch "airflow-scheduler" with kind Deployment: Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string', /^The chart makes a Deployment as Kubernetes does not take it/],
    ['object-invalid', 'unable to build kubernetes objects from release manifest: error validating "": error validating data: ValidationError(Deployment.spec.template.spec): unknown field "nope" in io.k8s.api.core.v1.PodSpec', /^The chart makes an object as Kubernetes does not take it/],
    ['permissions-denied', 'Release "airflow" failed: clusterroles.rbac.authorization.k8s.io is forbidden: User "me" cannot create resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope', /^me may not create clusterroles\.rbac\.authorization\.k8s\.io/],
  ]
  for (const [id, text, title] of texts) {
    const [first, ...rest] = diagnose(failed(text)).findings
    t.match(first, { id, severity: 'error', title }, text.slice(0, 90))
    t.match(rest.map(({ id: other, causes = [] }) => [other, causes.map((cause) => cause.id)]), [['helm-release-failed', [id]]], text.slice(0, 90))
  }
  t.end()
})

void t.test('what the API server refuses a pod, as events and logs in a failure tell it, is not what it refuses Helm', (t) => {
  const said = (user: string) => `Helm release airflow/airflow could not become ready.\nStatefulSet airflow/airflow-postgresql: 0/1 ready\n  event: ProvisioningFailed: storageclasses.storage.k8s.io is forbidden: User "${user}" cannot list resource "storageclasses" in API group "storage.k8s.io" at the cluster scope`
  const provisioner = { ...pod({ name: 'local-path-provisioner-1-x', labels: {}, spec: { serviceAccountName: 'local-path' } }) }
  const near = { ...provisioner, metadata: { ...provisioner.metadata, namespace: 'local-path-storage' } }
  const look = (user: string) => diagnose(of({ system: [near], said: [{ source: 'this run', at: '2023-08-02T10:29:00Z', text: said(user) }] })).findings.map(({ id }) => id).filter((id) => id === 'permissions-denied')
  t.same(look('system:serviceaccount:local-path-storage:local-path'), [])
  t.same(look('system:node:home'), [], 'a kubelet')
  t.same(look('system:serviceaccount:ci:deployer'), ['permissions-denied'], 'who applies may be a service account as well')
  t.end()
})

void t.test('a setting that was added to one part by hand is told, since it counts more than the configuration', (t) => {
  const set = (...names: string[]): object => ({ replicas: 1, template: { spec: { containers: [{ name: 'scheduler', env: names.map((name) => ({ name })) }] } } })
  const wish = inManifest(deployment('airflow-scheduler', 1))
  const look = (...names: string[]) => {
    const live = { ...deployment('airflow-scheduler', 1), spec: set(...names) }
    return diagnose(evidence({ workloads: [live], autoscalers: [], record: release({ updatedAt: long, objects: [{ ...wish, spec: set('AIRFLOW__CORE__FERNET_KEY') }] }) })).findings
  }
  t.match(look('AIRFLOW__CORE__FERNET_KEY', 'AIRFLOW__CORE__EXECUTOR'), [{ id: 'config-edited', severity: 'warning', evidence: ['Deployment airflow/airflow-scheduler has AIRFLOW__CORE__EXECUTOR, which the release does not give it'], fix: [/^npx tsx run\.ts apply #/] }])
  t.same(look('AIRFLOW__CORE__FERNET_KEY', 'TZ'), [])
  t.same(look('AIRFLOW__CORE__FERNET_KEY', 'AIRFLOW__X;id'), [], 'no name that a shell would take for more')
  const underWay = { ...deployment('airflow-scheduler', 1), spec: set('AIRFLOW__CORE__FERNET_KEY', 'AIRFLOW__CORE__EXECUTOR') }
  t.same(diagnose(evidence({ workloads: [underWay], autoscalers: [], record: release({ status: 'pending-upgrade', updatedAt: '2023-08-02T10:29:30Z', objects: [{ ...wish, spec: set('AIRFLOW__CORE__FERNET_KEY') }] }) })).findings, [], 'while an upgrade that takes it away is under way')
  t.end()
})

void t.test('what was deleted and is kept by a finalizer is told with the way to let it go', (t) => {
  const held = (finalizers: string[], deletionTimestamp = '2023-08-02T10:20:00Z') => {
    const [one = deployment('airflow-statsd', 1)] = good
    const object = { ...one, metadata: { ...one.metadata, finalizers, deletionTimestamp } }
    return diagnose(evidence({ workloads: [object, ...good.slice(1)], autoscalers: [], record: release({ updatedAt: long, objects: good.map(inManifest) }) })).findings.filter(({ id }) => id === 'release-object-missing')
  }
  t.match(held(['example.org/keep']), [{ title: /is being deleted, and a finalizer keeps it/, evidence: [/example\.org\/keep/], fix: [/"finalizers":null.*&& npx tsx run\.ts apply/] }])
  t.same(held(['foregroundDeletion']), [])
  t.same(held(['example.org/keep'], '2023-08-02T10:29:50Z'), [])
  t.end()
})

void t.test('what a run met of pods is over when the pods are well', (t) => {
  const said = (text: string) => ids(evidence({ workloads: good, autoscalers: [], record: release({ updatedAt: long }), said: [{ source: 'step helm, in state.json', at: '2023-08-02T10:25:00Z', text }] }))
  t.same(said('StatefulSet airflow/airflow-postgresql: create Pod airflow-postgresql-0 in StatefulSet airflow-postgresql failed error: Pod "airflow-postgresql-0" is invalid: spec.containers[0].image: Required value'), [])
  t.same(said('Deployment airflow/airflow-scheduler: pods "airflow-scheduler-1" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4'), [])
  t.same(said('ReplicaSet airflow/airflow-scheduler-6d5: Error creating: admission webhook "a.example.org" denied the request: no'), [])
  t.same(said('Deployment airflow/airflow-scheduler: admission webhook "a.example.org" denied the request: no'), [], 'as a Deployment\'s condition says it')
  t.same(said('pods "airflow-scheduler-1" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4 && services "airflow-webserver" is forbidden: exceeded quota: compute, requested: services=1, used: services=2, limited: services=2').length, 1, 'and of two at once the other stays')
  t.match(said('services "airflow-webserver" is forbidden: exceeded quota: compute, requested: services=1, used: services=2, limited: services=2'), [/^quota-exceeded/])
  t.end()
})

void t.test('a record that cannot be unpacked is named, with the way past it', (t) => {
  // As the collector has it, of the lab: the data of the Secret had been written over.
  const unknown = ["the record of Helm release airflow/airflow could not be read: Helm's record in Secret airflow/sh.helm.release.v1.airflow.v3 cannot be unpacked: unknown header flags set"]
  const [finding] = diagnose(evidence({ workloads: good, autoscalers: [], unknown })).findings
  t.match(finding, { id: 'helm-record-damaged', severity: 'error', title: /Secret airflow\/sh\.helm\.release\.v1\.airflow\.v3/, evidence: [/unknown header flags set/], fix: [/get secret sh\.helm\.release\.v1\.airflow\.v3 -o yaml > .*delete secret sh\.helm\.release\.v1\.airflow\.v3 && npx tsx run\.ts apply/] })
  t.end()
})

void t.test('a ConfigMap that was edited is the cause of what starts with it, and a warning while nothing suffers', (t) => {
  // Marks are as the collector makes them; the key and the writer are of a `kubectl edit` of the official chart's.
  const map = (mark: number, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'airflow-config', namespace: 'airflow' }, keys: ['airflow.cfg'], marks: { 'airflow.cfg': mark }, ...more })
  const record = { objects: [...good.map(inManifest), map(1)] }
  const written = { written: { by: 'kubectl-edit', at: '2023-08-02T10:20:00Z' } }
  t.same(ids(of({ configMaps: [map(1, written)] }, record)), [])
  t.match(diagnose(of({ configMaps: [map(2, written)] }, record)).findings, [{ id: 'config-edited', severity: 'warning', title: 'ConfigMap airflow/airflow-config of the release was edited by hand', evidence: [/airflow-config.*airflow\.cfg, written by kubectl-edit at 2023-08-02T10:20:00Z/], fix: [/^npx tsx run\.ts apply # .*begins anew what has read/] }])
  const taken = diagnose(of({ configMaps: [map(2, { written: { by: 'helm', at: '2023-08-02T10:00:00Z' } })] }, record)).findings[0]
  t.match(taken, { id: 'config-edited', evidence: [/airflow\.cfg$/] }, 'of what was only taken away Helm is the last writer')
  const reader = { ...deployment('airflow-scheduler', 0), spec: { replicas: 1, template: { spec: { containers: [], volumes: [{ name: 'config', configMap: { name: 'airflow-config' } }] } } } }
  const lame = [statefulSet('airflow-postgresql', 1), reader]
  t.match(diagnose(of({ workloads: lame, configMaps: [map(2)] }, record)).findings[0], { id: 'config-edited', severity: 'error' })
  t.same(ids(of({ configMaps: [{ ...map(2), marks: undefined }] }, record)), [], 'a bundle of before has no marks')
  t.end()
})

void t.test('a lock is judged by its holder', (t) => {
  const pending = (alive: boolean | undefined, updatedAt: string) => ids(of({ operation: { holderIdentity: 'home/12/34', leaseDurationSeconds: 1800, alive } }, { status: 'pending-upgrade', updatedAt }))
  t.same(pending(false, '2023-08-02T10:29:50Z'), ['helm-pending-lock error'])
  t.same(pending(true, long), [], 'one that lives is at work')
  t.same(pending(undefined, '2023-08-02T10:29:50Z'), [])
  t.end()
})

void t.test('what is gone or scaled away is named', (t) => {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'airflow-webserver', namespace: 'airflow' } }
  t.same(ids(of({ services: [] }, { objects: [...good.map(inManifest), service] })), ['release-object-missing error'])
  const hookFailed = { status: 'failed', description: 'Upgrade "airflow" failed: post-upgrade hooks failed: 1 error occurred:\n\t* job airflow-create-user failed: BackoffLimitExceeded\n\n' }
  t.match(ids(of({ services: [] }, { ...hookFailed, objects: [...good.map(inManifest), service] })), ['release-object-missing error', 'helm-release-failed error explained'], 'Helm has made all before its last hooks')
  t.same(ids(of({ services: [service] }, { objects: [...good.map(inManifest), service] })), [])
  t.same(ids(of({}, { objects: [...good.map(inManifest), service] })), [], 'nobody looked')
  const none = { ...deployment('airflow-scheduler', 0), spec: { replicas: 0 }, status: { observedGeneration: 1 } }
  t.same(ids(of({ workloads: [statefulSet('airflow-postgresql', 1), none] })), ['scaled-to-zero error'])
  const autoscaler = (labels: Record<string, string>) => ({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'airflow-scheduler', namespace: 'airflow', labels }, spec: { minReplicas: 1, scaleTargetRef: { kind: 'Deployment', name: 'airflow-scheduler' } } })
  const scaledBy = (labels: Record<string, string>): string[] => ids(of({ workloads: [statefulSet('airflow-postgresql', 1), none], autoscalers: [autoscaler(labels)] }))
  t.same([scaledBy({}), scaledBy({ 'app.kubernetes.io/managed-by': 'keda-operator' })], [['scaled-to-zero error'], []], 'an autoscaler is off at none, and KEDA is not')
  const atWork = (phase: string) => ({ status: 'pending-install', updatedAt: '2023-08-02T10:29:00Z', objects: [...good.map(inManifest), service], hooks: [{ ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-run-airflow-migrations', namespace: 'airflow' }, events: ['post-install'], deletePolicies: [], phase }] })
  const harmed = { workloads: [statefulSet('airflow-postgresql', 1), none], services: [] }
  t.same(ids(of(harmed, atWork('Running'))), ['release-object-missing error', 'scaled-to-zero error'], 'all was made before the hooks that come after')
  t.same(ids(of(harmed, atWork('Unknown'))), [], 'what is not there may be on its way')
  const ended = { ...atWork('Unknown'), status: 'failed', description: 'Release "airflow" failed: context canceled' }
  const about = (updatedAt: string): string[] => ids(of({ ...harmed, jobs: [job({ active: 1 })] }, { ...ended, updatedAt })).filter((line) => /missing|scaled/.test(line))
  t.same(about('2023-08-02T10:00:00.400Z'), ['release-object-missing error', 'scaled-to-zero error'], 'Helm was at its last hooks when it was ended')
  t.same(about('2023-08-02T10:29:00Z'), [], 'the Job is of the try before')
  const [last] = ended.hooks
  const both = last === undefined ? [] : [{ ...last, events: ['post-install', 'pre-upgrade'], phase: 'Running' }]
  t.same(ids(of(harmed, { ...atWork('Running'), status: 'pending-upgrade', hooks: both })), [], 'before this upgrade it comes, and nothing is made yet')
  t.same(ids(of({ ...harmed, jobs: [job({ active: 1 })] }, { ...ended, hooks: both, updatedAt: '2023-08-02T10:00:00Z' })).filter((line) => /missing|scaled/.test(line)), [], 'or was to come')
  t.end()
})

void t.test('a database that refuses the password is the cause of what crashes', (t) => {
  const database = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status: ready })
  const scheduler = pod({ status: { containerStatuses: [crashed(5, {})] } })
  const logs = [{ namespace: 'airflow', pod: scheduler.metadata.name, container: 'scheduler', previous: false, lines: ['connection to server at "airflow-postgresql" (10.0.0.5), port 5432 failed: FATAL:  password authentication failed for user "postgres"'] }]
  const down = of({ workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)], pods: [database, scheduler], logs })
  t.same(ids(down), ['postgres-pvc-old-password error', 'crash-loop error explained'])
  t.end()
})
