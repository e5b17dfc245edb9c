import t from 'tap'
import { executorPodsOf, isTask, targetOf } from '../../../lib/observe/owners.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { pod } from './objects.ts'

/** As the Kubernetes executor makes them: nobody's, from a template that may name the release. */
function task(name: string, labels: Record<string, string>): KubernetesObject {
  const { metadata, ...rest } = pod({ name, labels: { kubernetes_executor: 'True', dag_id: 'daily', task_id: 'load', ...labels } })
  return { ...rest, metadata: { ...metadata, ownerReferences: [] } }
}

void t.test('the tasks of a release are those that its executor started, and not what wears the same labels', (t) => {
  const [ours, unnamed, others] = [task('daily-load-1', { release: 'airflow' }), task('daily-load-2', {}), task('daily-load-3', { release: 'other' })]
  const worker = pod({ name: 'airflow-worker-0', owner: { kind: 'StatefulSet', name: 'airflow-worker' }, labels: { release: 'airflow', kubernetes_executor: 'True' } })
  const scheduler = pod()
  t.same(executorPodsOf('airflow', [ours, unnamed, others, worker, scheduler]), [ours, unnamed])
  t.same([ours, others, scheduler].map(isTask), [true, true, false])
  t.end()
})

void t.test('the pod of an operator is a task, but nothing that the executor writes down', (t) => {
  const own = pod({ name: 'train', labels: { dag_id: 'daily', task_id: 'train' } })
  t.ok(isTask(own))
  t.same(executorPodsOf('airflow', [own]), [])
  t.end()
})

void t.test('a fix names only what has a template of its pods: a static pod is its node\'s, and others may be anybody\'s', (t) => {
  const of = (kind: string, name: string) => targetOf(pod({ name: `${name}-x`, owner: { kind, name }, labels: {} }))
  t.same([of('StatefulSet', 'airflow-triggerer'), of('DaemonSet', 'flannel'), targetOf(pod())], ['statefulset/airflow-triggerer', 'daemonset/flannel', 'deployment/airflow-scheduler'])
  t.same([of('Job', 'migrations'), of('Node', 'home'), of('Cluster', 'postgres')], [undefined, undefined, undefined])
  t.end()
})
