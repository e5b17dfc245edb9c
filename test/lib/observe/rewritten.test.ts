import t from 'tap'
import { observePod } from '../../../lib/observe/pod.ts'
import { observe } from '../../../lib/observe/registry.ts'
import { container, context, pod, workload } from './objects.ts'

const [image, text] = ['mirror.example.org/airflow:2.6.2', 'rpc error: code = NotFound desc = failed to pull and unpack image "x": failed to resolve reference "x": x: not found']
const pulls = { spec: { containers: [{ name: 'scheduler', image }] }, status: { phase: 'Pending', containerStatuses: [container({ image, state: { waiting: { reason: 'ErrImagePull', message: text } } })] } }

void t.test('an image that the ReplicaSet does not name was put into the pod by a webhook, and no configuration mends it', (t) => {
  const one = pod(pulls)
  const look = (...containers: object[]) => {
    const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'airflow-scheduler-6d5b9c7f9', namespace: 'airflow', uid: 'uid-airflow-scheduler-6d5b9c7f9' }, spec: { template: { spec: { containers } } } }
    return observePod(one, context({ replicaSets: [set] }))
  }
  const rewritten = { id: 'image-not-found', why: /a mutating webhook put it into the pod/, fix: [/^kubectl -n airflow delete pod airflow-scheduler-6d5b9c7f9-x2x4z #/, /^kubectl get mutatingwebhookconfigurations/] }
  t.match(look({ name: 'scheduler', image: 'apache/airflow:2.6.2' }), { state: 'failed', finding: { ...rewritten, evidence: [/./, /./, 'ReplicaSet airflow/airflow-scheduler-6d5b9c7f9 says apache/airflow:2.6.2'] } })
  t.match(look({ name: 'other', image }), { finding: { ...rewritten, evidence: [/./, /./, /has no container scheduler$/] } }, 'a sidecar')
  t.match(look({ name: 'scheduler', image }), { finding: { id: 'image-not-found', fix: [/^npx tsx run\.ts apply/] } }, 'its own')
  t.end()
})

void t.test('a StatefulSet tells it of the pods of its newest version alone', (t) => {
  const set = workload('StatefulSet', 'airflow-triggerer', { replicas: 1, readyReplicas: 0, observedGeneration: 1, currentRevision: 'b', updateRevision: 'b' }, { template: { spec: { containers: [{ name: 'scheduler', image: 'apache/airflow:2.6.2' }] } } })
  const look = (revision: string) => observe(set, context({ pods: [pod({ ...pulls, name: 'airflow-triggerer-0', owner: { kind: 'StatefulSet', name: 'airflow-triggerer' }, labels: { 'controller-revision-hash': revision } })] }))
  t.match(look('b'), { state: 'failed', finding: { id: 'image-not-found', evidence: [/./, /./, 'StatefulSet airflow/airflow-triggerer says apache/airflow:2.6.2'], fix: [/^kubectl -n airflow delete pod airflow-triggerer-0 # comes back as its StatefulSet says/, /mutating/] } })
  t.match(look('a'), { state: 'failed', finding: { fix: [/^(?!kubectl -n airflow delete pod airflow-triggerer-0 # comes back)/] } })
  t.end()
})
