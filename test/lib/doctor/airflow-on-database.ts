/** An Airflow and its database, as the doctor is shown them. */
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { ContainerLog, Evidence } from '../../../lib/doctor/evidence.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { claim, crashed, deployment, inManifest, pod, release, statefulSet, volume } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

export const good = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
export const of = (parts: Partial<Evidence> = {}, record: Parameters<typeof release>[0] = {}) =>
  evidence({ workloads: good, autoscalers: [], record: release({ objects: good.map(inManifest), updatedAt: long, ...record }), ...parts })
export const found = (one: Evidence) => diagnose(one).findings
export const ids = (one: Evidence) => [...diagnose(one).unknown, ...found(one).map(({ id, severity, causes = [] }) => `${id} ${severity}${causes.length > 0 ? ' explained' : ''}`)]
export const errors = (one: Evidence) => found(one).filter(({ severity }) => severity === 'error').map(({ id, causes = [] }) => `${id}${causes.length > 0 ? ' explained' : ''}`)
export const has = (one: Evidence, wanted: string) => found(one).some(({ id }) => id === wanted)

export const log = (about: KubernetesObject, name: string, line: string, previous = false): ContainerLog => ({ namespace: 'airflow', pod: about.metadata.name, container: name, previous, lines: ['first', line] })
export const postgres = (status: Record<string, unknown>, spec: Record<string, unknown> = {}) => pod({
  name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status,
  spec: { containers: [{ name: 'postgresql', image: 'bitnami/postgresql:11', ...spec }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] },
})

export const bound = claim({ volumeName: 'database' }, { phase: 'Bound' })
export const folder = volume({ hostPath: { path: '/srv/airflow/database' } }, 'Bound', 'database')
export const noDatabase = [statefulSet('airflow-postgresql', 0), deployment('airflow-scheduler', 1)]

/** A database that says this line and ends, again and again. */
export function refusing(line: string, spec: Record<string, unknown> = {}): Evidence {
  const one = postgres({ containerStatuses: [crashed(4, {}, { name: 'postgresql' })] }, spec)
  return of({ workloads: noDatabase, pods: [one], claims: [bound], volumes: [folder], logs: [log(one, 'postgresql', line)] })
}
