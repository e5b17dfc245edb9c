/** The commands of a fix that start Airflow again. */
import { writersOf } from '../airflow/restored.ts'
import type { Evidence } from './evidence.ts'

/** All but the database and what stands beside it, by name: before 1.24 kubectl knows no selector here. */
export function restarted({ namespace, record }: Pick<Evidence, 'namespace' | 'record'>): string {
  const names = record === undefined ? [] : writersOf(record).map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`)
  return `kubectl -n ${namespace} rollout restart ${names.length === 0 ? 'deployment,statefulset' : names.join(' ')}`
}
