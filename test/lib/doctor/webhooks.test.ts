/** A webhook that everything waits for and that nobody answers; the words are the API server's. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import { deployment, event, pod, ready } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const found = (parts: Partial<Evidence>) => diagnose(evidence({ release: undefined, ...parts }), [], processRules).findings

const hook = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'policy' }, webhooks: [{ name: 'other.example.org' }, { name: 'pods.example.org', clientConfig: { service: { namespace: 'policy', name: 'hook' } } }] }

void t.test('a webhook that nobody answers is named with its configuration, and forgotten with it', (t) => {
  const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'airflow-scheduler-1', namespace: 'airflow', uid: 'u' } }
  const refused = (why: string) => event(set, 'FailedCreate', `Error creating: Internal error occurred: failed calling webhook "pods.example.org": Post "https://hook.policy.svc:443/?timeout=10s": ${why}`)
  const look = (why: string, webhooks: KubernetesObject[] | undefined = [hook]) => found({ events: [refused(why)], webhooks })
  t.match(look('service "hook" not found'), [{ id: 'admission-webhook-down', evidence: [/FailedCreate/, /ValidatingWebhookConfiguration policy names it, at service policy\/hook/], fix: [/^\(umask 077 && kubectl get validatingwebhookconfiguration policy -o yaml > policy-before-\$\(date \+%s\)\.yaml\) && kubectl delete validatingwebhookconfiguration policy #/] }])
  t.match(look('dial tcp 10.96.1.1:443: connect: connection refused'), [{ fix: [/"\/webhooks\/1\/failurePolicy","value":"Ignore"/] }])
  t.same(look('service "hook" not found', []), [])
  t.same(found({ events: [refused('EOF'), event(set, 'SuccessfulCreate', 'Created pod')], webhooks: [hook] }), [], 'nor where a pod was made since')
  const refusedSet = deployment('airflow-statsd', 0, [{ type: 'ReplicaFailure', status: 'True', message: 'Internal error occurred: failed calling webhook "pods.example.org": Post "https://hook.policy.svc:443/?timeout=10s": service "hook" not found' }])
  t.match(found({ workloads: [refusedSet], webhooks: [hook] }), [{ id: 'admission-webhook-down', evidence: [/^Deployment airflow\/airflow-statsd: ReplicaFailure: /, /./], fix: [/ && kubectl delete/, /rollout restart deployment\/airflow-statsd/] }], 'before there is an event')
  const byQuota = event({ ...set, metadata: { ...set.metadata, name: 'airflow-statsd-6d5b9c7f9' } }, 'FailedCreate', 'Error creating: pods "airflow-statsd-x" is forbidden: maximum memory usage per Container is 64Mi')
  t.match(found({ workloads: [refusedSet], webhooks: [hook], events: [byQuota] }), [{ id: 'admission-webhook-down', evidence: [/ReplicaFailure: /, /./] }], 'though somebody else refused it before')
  const migrations = { ...set, kind: 'Job', metadata: { ...set.metadata, name: 'airflow-run-airflow-migrations' } }
  const ofJob = event(migrations, 'FailedCreate', 'Error creating: Internal error occurred: failed calling webhook "pods.example.org": Post "https://hook.policy.svc:443/?timeout=10s": service "hook" not found')
  t.match(found({ events: [ofJob], webhooks: [hook] }), [{ fix: [/ && kubectl delete/, /^npx tsx run\.ts apply --from helm # makes it again$/] }], 'a Job has no rollout that could be restarted')
  t.end()
})

void t.test('a webhook that has let others in since is back, where it is asked of all alike', (t) => {
  const set = (kind: string, name: string) => ({ apiVersion: 'apps/v1', kind, metadata: { name, namespace: 'airflow', uid: `uid-${name}` } })
  const at = (lastTimestamp: string) => ({ lastTimestamp: `2023-08-02T10:${lastTimestamp}:00Z` })
  const refused = event(set('ReplicaSet', 'airflow-scheduler-old'), 'FailedCreate', 'Error creating: Internal error occurred: failed calling webhook "pods.example.org": Post "https://hook.policy.svc:443/?timeout=10s": dial tcp 10.43.9.9:443: connect: connection refused', at('16'))
  const since = (kind: string, message: string, time = '17', webhooks: KubernetesObject[] = [hook], pods: KubernetesObject[] = []) =>
    found({ webhooks, pods, events: [refused, event(set(kind, 'airflow-other'), 'SuccessfulCreate', message, { type: 'Normal', ...at(time) })] }).map(({ id }) => id)
  t.same(since('ReplicaSet', 'Created pod: airflow-scheduler-new-1'), [])
  t.same(since('StatefulSet', 'create Pod airflow-worker-0 in StatefulSet airflow-worker successful'), [])
  t.same(since('ReplicaSet', 'Created pod: airflow-scheduler-new-1', '15'), ['admission-webhook-down'], 'before')
  t.same(since('StatefulSet', 'create Claim logs-airflow-worker-0 Pod airflow-worker-0 in StatefulSet airflow-worker success'), ['admission-webhook-down'], 'a claim is no pod')
  const still = { ...deployment('airflow-scheduler', 0, [{ type: 'ReplicaFailure', status: 'True', message: refused.message }]) }
  t.same(found({ webhooks: [hook], workloads: [still], events: [{ ...refused, involvedObject: { ...(refused.involvedObject as object), name: 'airflow-scheduler-6d5b9c7f9' } }, event(set('ReplicaSet', 'airflow-other'), 'SuccessfulCreate', 'Created pod: airflow-other-1', { type: 'Normal', ...at('17') })] }), [], 'though the Deployment says so until its next try')
  const cron = event(set('CronJob', 'airflow-cleanup'), 'FailedCreate', refused.message as string, at('16'))
  t.match(found({ webhooks: [hook], events: [cron, event(set('ReplicaSet', 'airflow-other'), 'SuccessfulCreate', 'Created pod: airflow-other-1', { type: 'Normal', ...at('17') })] }), [{ id: 'admission-webhook-down' }], 'who is asked of Jobs may be asked of nothing else')
  t.same(since('Job', 'Created pod: etl-1'), ['admission-webhook-down'], 'Jobs come and go')
  const choosy = [{ ...hook, webhooks: hook.webhooks.map((one) => ({ ...one, objectSelector: { matchLabels: { component: 'scheduler' } } })) }]
  t.same(since('ReplicaSet', 'Created pod: airflow-statsd-1', '17', choosy), ['admission-webhook-down'], 'one that is asked of some pods only')
  t.same(since('ReplicaSet', 'Created pod: airflow-scheduler-new-1', '17', choosy, [pod({ name: 'airflow-scheduler-new-1', labels: { component: 'scheduler' }, status: ready })]), [], 'and of that one')
  t.end()
})
