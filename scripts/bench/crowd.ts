import { must, say } from '../lab/exec.ts'
import type { Site } from './site.ts'

/** As many a request as the API server takes well. */
const atOnce = 1000

/** The variables of one of Airflow's pods; they are most of what a pod weighs. */
const variables = Array.from({ length: 20 }, (_, index) => ({ name: `AIRFLOW__BENCH__SETTING_${index}`, value: `a value of the usual length, number ${index}` }))

/**
 * Pods beside the release that no scheduler and no kubelet ever sees, so that what grows is what has to be looked at and
 * not the cluster's work. They are there until `dispersed`.
 */
export async function crowd(site: Site, namespace: string, count: number): Promise<void> {
  say(`making ${count} pods that nobody runs…`)
  for (let start = 0; start < count; start += atOnce) {
    const items = Array.from({ length: Math.min(atOnce, count - start) }, (_, index) => podOf(namespace, start + index))
    await must('kubectl', ['create', '-f', '-'], { env: site.env, input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) })
  }
}

export async function dispersed(site: Site, namespace: string): Promise<void> {
  await must('kubectl', ['-n', namespace, 'delete', 'pods', '-l', 'app.kubernetes.io/part-of=airstrip-bench', '--wait=false', '--grace-period=0'], { env: site.env })
}

function podOf(namespace: string, index: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `bench-${String(index).padStart(5, '0')}`, namespace, labels: { 'app.kubernetes.io/part-of': 'airstrip-bench' } },
    spec: { schedulerName: 'nobody', containers: [{ name: 'nothing', image: 'busybox', command: ['sleep', '1'], env: variables }] },
  }
}
