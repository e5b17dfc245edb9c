/** A dump as airstrip knows it. */
import type { Dump } from '../../../lib/access.ts'

export const at = new Date('2026-11-24T19:30:00.123Z')
export const dump: Dump = {
  file: 'a.dump', sha256: 'ab'.repeat(32), size: 12, createdAt: at.toISOString(), why: 'by hand', cluster: 'uid-1', namespace: 'airflow', release: 'airflow', database: 'airflow',
  airflow: '2.6.2', chart: 'airflow 1.10.0', server: '15.20', revision: '98ae134e6fff', bytes: 8_000_000, rows: { dag: 2 },
}
