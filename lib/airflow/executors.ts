import type { KubernetesObject } from '../access.ts'
import type { Family } from './families.ts'

/** What comes and goes with an executor. */
export interface ExecutorParts {
  /** Task pods that come and go, made by the scheduler. */
  taskPods: boolean
  /** Redis and Celery workers. */
  celery: boolean
}

const parts: Record<string, ExecutorParts> = {
  'LocalExecutor': { taskPods: false, celery: false },
  'CeleryExecutor': { taskPods: false, celery: true },
  'KubernetesExecutor': { taskPods: true, celery: false },
  'CeleryKubernetesExecutor': { taskPods: true, celery: true },
  'LocalKubernetesExecutor': { taskPods: true, celery: false },
  'CeleryExecutor,KubernetesExecutor': { taskPods: true, celery: true },
  'LocalExecutor,KubernetesExecutor': { taskPods: true, celery: false },
}

export function partsOf(executor: string): ExecutorParts | undefined {
  return parts[executor]
}

/** What comes nearest to those that some chart does not take, the best first. */
const nearest: Record<string, readonly string[]> = {
  'DaskExecutor': ['CeleryExecutor'],
  'SequentialExecutor': ['LocalExecutor', 'KubernetesExecutor'],
  'LocalExecutor': ['KubernetesExecutor'],
  'LocalKubernetesExecutor': ['LocalExecutor,KubernetesExecutor', 'KubernetesExecutor'],
  'CeleryKubernetesExecutor': ['CeleryExecutor,KubernetesExecutor'],
  'CeleryExecutor,KubernetesExecutor': ['CeleryKubernetesExecutor'],
  'LocalExecutor,KubernetesExecutor': ['LocalKubernetesExecutor', 'KubernetesExecutor'],
}

/** The nearest that the chart takes; KubernetesExecutor is one that all of them take. */
export function nearestExecutor(executor: string, { executors }: Family): string {
  return nearest[executor]?.find((one) => executors.includes(one)) ?? 'KubernetesExecutor'
}

/** Whether it is among those that step executor takes away, and that nobody has to wait for before. */
export function goesWith(executor: string, release: string, object: KubernetesObject): boolean {
  return partsOf(executor)?.celery === false && hasCelery([object], release)
}

/** Whether one of Celery's parts is among them. */
export function hasCelery(objects: readonly KubernetesObject[], release: string): boolean {
  return objects.some(({ kind, metadata }) => celeryWorkloads(release).some((one) => one.kind === kind && one.name === metadata.name))
}

/** Workloads that must be gone when an executor does not use Celery, whatever chart made them. */
export function celeryWorkloads(release: string): { kind: string; name: string }[] {
  return [
    ...['worker', 'redis', 'redis-master'].map((part) => ({ kind: 'StatefulSet', name: `${release}-${part}` })),
    { kind: 'Deployment', name: `${release}-flower` },
  ]
}
