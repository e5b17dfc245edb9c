/** What comes and goes with an executor in the official chart. */
export interface ExecutorParts {
  /** Task pods that come and go, made by the scheduler. */
  taskPods: boolean
  /** Redis and Celery workers. */
  celery: boolean
}

const parts: Record<string, ExecutorParts> = {
  LocalExecutor: { taskPods: false, celery: false },
  CeleryExecutor: { taskPods: false, celery: true },
  KubernetesExecutor: { taskPods: true, celery: false },
  CeleryKubernetesExecutor: { taskPods: true, celery: true },
  LocalKubernetesExecutor: { taskPods: true, celery: false },
}

/** Executors that the official chart's schema takes (1.0 to 1.10; the list is in its values.schema.json). */
export const officialExecutors = Object.keys(parts)

export function partsOf(executor: string): ExecutorParts | undefined {
  return parts[executor]
}

/** The nearest executor that the chart takes, for the two that it refuses. */
export function nearestExecutor(executor: string): string {
  return executor === 'DaskExecutor' ? 'CeleryExecutor' : 'LocalExecutor'
}

/** Workloads that must be gone when an executor does not use Celery. */
export function celeryWorkloads(release: string): string[] {
  return [`${release}-worker`, `${release}-redis`]
}
