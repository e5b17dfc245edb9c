/** What happens to the objects of a release, and what keeps new pods from being made. */
import t from 'tap'
import { apply, kubectl, kubectlMaybe, until } from './cluster.ts'
import { faults, pasted, withEditor, type Fault } from './faults.ts'
import { deletePods, edit, kube } from './harm.ts'
import { exits, site, type Site } from './site.ts'

const gone = (name: string, ...args: string[]): Fault => ({ name, id: 'release-object-missing', tells: new RegExp(args.at(-1) ?? ''), harm: it => kube(it, 'delete', ...args) })

const objects: Fault[] = [
  gone('the webserver\'s Deployment deleted', 'deployment', 'airflow-webserver'),
  gone('the webserver\'s Service deleted', 'service', 'airflow-webserver'),
  { ...gone('the ConfigMap of airflow.cfg deleted', 'configmap', 'airflow-airflow-config'), also: ['container-config-error'] },
  { name: 'the database\'s Service deleted', id: 'release-object-missing', tells: /airflow-postgresql/, harm: async it => {
    await kube(it, 'delete', 'service', 'airflow-postgresql')
    await deletePods(it, 'webserver')
  } },
  { name: 'a Service that selects nothing', id: 'service-without-endpoints', tells: /airflow-webserver/, harm: it => edit(it, 'service/airflow-webserver', { spec: { selector: { component: 'web' } } }) },
  { name: 'a Service without a selector', id: 'service-without-endpoints', tells: /has no selector any more/, harm: async it => {
    await kube(it, 'patch', 'service', 'airflow-webserver', '--type=json', '-p', '[{"op":"remove","path":"/spec/selector"}]')
    await deletePods(it, 'webserver')
  } },
  { name: 'a Service that selects another component', id: 'service-without-endpoints', tells: /which other pods have as well/, harm: it => edit(it, 'service/airflow-webserver', { spec: { selector: { component: 'scheduler' } } }, 'merge') },
  { name: 'the configuration of Airflow edited, and a webserver that starts with it', id: 'config-edited', tells: /airflow\.cfg, written by kubectl-patch/, harm: async it => {
    const map = (await kube(it, 'get', 'configmap', '-l', 'component=config', '-o', 'name')).split('\n').find(name => name.endsWith('-config')) ?? ''
    await edit(it, map, { data: { 'airflow.cfg': '[core]\nexecutor = NoSuchExecutor\n' } })
    await deletePods(it, 'webserver')
  } },
  { name: 'the scheduler scaled to 0', id: 'scaled-to-zero', tells: /airflow-scheduler/, harm: it => kube(it, 'scale', 'deployment/airflow-scheduler', '--replicas=0') },
  { name: 'the webserver scaled to 0', id: 'scaled-to-zero', tells: /airflow-webserver/, harm: it => kube(it, 'scale', 'deployment/airflow-webserver', '--replicas=0') },
  { name: 'the database scaled to 0', id: 'scaled-to-zero', tells: /airflow-postgresql/, harm: it => kube(it, 'scale', 'statefulset/airflow-postgresql', '--replicas=0') },
  { name: 'a Deployment that was deleted and that a finalizer keeps', id: 'release-object-missing', seconds: 150, tells: /example\.org\/keep/, harm: async it => {
    await edit(it, 'deployment/airflow-statsd', { metadata: { finalizers: ['example.org/keep'] } }, 'merge')
    await kube(it, 'delete', 'deployment', 'airflow-statsd', '--wait=false')
  }, undo: async it => {
    await kubectlMaybe(['-n', it.namespace, 'patch', 'deployment', 'airflow-statsd', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
    await it.airstrip(['apply'])
  } },
  { name: 'a service account deleted, and its pods made anew', id: ['service-account-missing', 'release-object-missing'], tells: /airflow-statsd/, harm: async it => {
    await kube(it, 'delete', 'serviceaccount', await kube(it, 'get', 'deployment', 'airflow-statsd', '-o', 'jsonpath={.spec.template.spec.serviceAccountName}'))
    await deletePods(it, 'statsd')
  } },
  { name: 'a service account that gives no token, and a scheduler that was made since', id: 'k8s-executor-forbidden', tells: /Deployment airflow-scheduler has no token of its service account/, harm: async it => {
    await edit(it, `serviceaccount/${await kube(it, 'get', 'deployment', 'airflow-scheduler', '-o', 'jsonpath={.spec.template.spec.serviceAccountName}')}`, { automountServiceAccountToken: false })
    await deletePods(it, 'scheduler')
  } },
  { name: 'a pod of somebody else\'s behind the webserver\'s Service', id: 'service-without-endpoints', tells: /Pod load-test as well/, harm: async it => {
    const { selector } = JSON.parse(await kube(it, 'get', 'service', 'airflow-webserver', '-o', 'jsonpath={.spec}')) as { selector: Record<string, string> }
    await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'load-test', namespace: it.namespace, labels: selector }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'load', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['sleep', '3600'] }] } })
    await kube(it, 'wait', '--for=condition=Ready', 'pod/load-test', '--timeout=60s')
  }, undo: async it => { await kube(it, 'delete', 'pod', 'load-test') } },
  { name: 'a role binding deleted', id: 'k8s-executor-forbidden', tells: /RoleBinding \S+airflow-pod-launcher-rolebinding does not exist/, harm: it => kube(it, 'delete', 'rolebinding', 'airflow-pod-launcher-rolebinding') },
  { name: 'a role deleted, and a scheduler that was made since', id: 'k8s-executor-forbidden', tells: /Role \S+airflow-pod-launcher-role does not exist/, harm: async it => {
    await kube(it, 'delete', 'role', 'airflow-pod-launcher-role')
    await deletePods(it, 'scheduler')
  } },
  { name: 'the role by which the webserver reads logs deleted', id: 'release-object-missing', tells: /RoleBinding \S+airflow-pod-log-reader-rolebinding/, harm: it => kube(it, 'delete', 'rolebinding', 'airflow-pod-log-reader-rolebinding') },
  { name: 'a role without its rules', id: 'k8s-executor-forbidden', tells: /Role \S+airflow-pod-launcher-role does not let anybody create pods/, harm: it => edit(it, 'role/airflow-pod-launcher-role', { rules: [] }, 'merge') },
  { name: 'a role binding for a service account of another namespace', id: 'k8s-executor-forbidden', tells: /is for service account other\/.+, and was for/, harm: async it => {
    const subjects = JSON.parse(await kube(it, 'get', 'rolebinding', 'airflow-pod-launcher-rolebinding', '-o', 'jsonpath={.subjects}')) as object[]
    await edit(it, 'rolebinding/airflow-pod-launcher-rolebinding', { subjects: subjects.map(one => ({ ...one, namespace: 'other' })) }, 'merge')
    await deletePods(it, 'scheduler')
  } },
]

const hook = (it: Site): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: `${it.name}-policy` },
  webhooks: [{
    name: 'policy.example.org', sideEffects: 'None', admissionReviewVersions: ['v1'], failurePolicy: 'Fail', timeoutSeconds: 2,
    clientConfig: { service: { namespace: 'nowhere', name: 'policy', path: '/' } },
    namespaceSelector: { matchLabels: { policed: it.name } },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
  }],
})

const refusals: Fault[] = [
  { name: 'a quota of no pods', id: 'quota-exceeded', tells: /no-pods/, harm: async it => {
    await apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'no-pods', namespace: it.namespace }, spec: { hard: { pods: '0' } } })
    await deletePods(it, 'statsd')
  }, mend: async (it, { fix: [first = ''] }) => {
    await pasted(it, first)
    await kube(it, 'wait', '--for=condition=Available', 'deployment/airflow-statsd', '--timeout=180s')
    await kube(it, 'delete', 'quota', 'no-pods')
  }, undo: it => kube(it, 'delete', 'quota', 'no-pods', '--ignore-not-found') },
  { name: 'a LimitRange that no container meets', id: 'admission-refused', tells: /cpu/, harm: async it => {
    await apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'narrow', namespace: it.namespace }, spec: { limits: [{ type: 'Container', max: { cpu: '10m' } }] } })
    await edit(it, 'deployment/airflow-statsd', { spec: { template: { spec: { containers: [{ name: 'statsd', resources: { limits: { cpu: '1' } } }] } } } })
    await deletePods(it, 'statsd')
  }, mend: async (it, { fix: [first = ''] }) => {
    await pasted(it, withEditor('s/10m/4/', first))
    await kube(it, 'wait', '--for=condition=Available', 'deployment/airflow-statsd', '--timeout=180s')
    await kube(it, 'delete', 'limitrange', 'narrow')
    await it.airstrip(['apply'])
  }, undo: async it => {
    await kube(it, 'delete', 'limitrange', 'narrow', '--ignore-not-found')
    await it.airstrip(['apply'])
  } },
  { name: 'a webhook whose service is not there', id: 'admission-webhook-down', tells: /policy/, harm: async it => {
    await kubectl(['label', 'namespace', it.namespace, `policed=${it.name}`])
    await apply(hook(it))
    await deletePods(it, 'statsd')
  }, undo: it => kubectlMaybe(['delete', 'validatingwebhookconfiguration', `${it.name}-policy`]) },
]

void t.test('what happens to the objects of a release', async t => {
  const it = await site(t, 'doctorrelease')
  t.teardown(() => kubectlMaybe(['delete', 'validatingwebhookconfiguration', `${it.name}-policy`, '--ignore-not-found']))
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, [...objects, ...refusals])

  await t.test('a namespace that cannot go', async t => {
    const stuck: Fault = {
      name: 'a namespace that is being deleted, and a finalizer that nobody takes away', id: 'namespace-terminating', tells: /keeper|example\.org\/keep/, also: ['release-not-installed'],
      harm: async it => {
        await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'keeper', namespace: it.namespace, finalizers: ['example.org/keep'] } })
        await kubectl(['delete', 'namespace', it.namespace, '--wait=false'])
        await kube(it, 'delete', 'pods', '--all', '--grace-period=1', '--wait=false')
        await until('only what is kept is left', async () => (await kube(it, 'get', 'pods', '-o', 'name')) === '', 120_000)
      },
      mend: async it => {
        await kube(it, 'patch', 'configmap', 'keeper', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
        await it.airstrip(['apply'])
      },
    }
    await faults(t, it, [stuck])
  })
})
