import type { Chart, DumpWish, Reader, Release, ReleaseWish } from '../access.ts'
import { clusterId } from '../observe/cluster-id.ts'
import type { Change, Finding } from '../step.ts'
import { airflowOf, differs } from './airflow-version.ts'
import { databaseOf } from './database.ts'
import type { RestoreMark } from './restored.ts'
import type { AirflowSpec } from './spec.ts'

export interface BeforeUpgrade {
  changes: Change[]
  warnings: Finding[]
}

/** A dump before the release's Airflow becomes another one: its migrations have no way back. */
export async function backupBefore(spec: AirflowSpec, want: ReleaseWish, chart: Chart, release: Release, mark: RestoreMark, reader: Reader): Promise<BeforeUpgrade> {
  const [had, wanted] = [airflowOf(release.values, release.chart), airflowOf(want.values, chart)]
  // What was just restored is a dump that is there.
  if (!differs(had, wanted) || mark.airflow !== undefined || !mayHoldData(release)) return { changes: [], warnings: [] }
  const wish = dumpWish(spec, release, { airflow: had, why: `before Airflow ${had} becomes ${wanted}`, cluster: await clusterId(reader) })
  if (wish === undefined) return { changes: [], warnings: [notDumped(release, had, wanted)] }
  return { changes: [{ op: 'backup', wish, why: `Airflow ${had} becomes ${wanted}, which migrates it` }], warnings: [] }
}

/** Undefined where the database cannot be reached in a way that is known here. */
export function dumpWish(spec: AirflowSpec, release: Release, about: Pick<DumpWish, 'airflow' | 'why' | 'cluster'>): DumpWish | undefined {
  const place = databaseOf(spec, release)
  return place === undefined ? undefined : { ...about, place, chart: `${release.chart.name} ${release.chart.version}` }
}

/** A first install that never came to its migrations has nothing to lose. */
export function mayHoldData({ status, base, hooks }: Release): boolean {
  return status === 'deployed' || base !== undefined || hooks.some(({ ref, phase }) => ref.name.includes('migrat') && phase === 'Succeeded')
}

function notDumped({ namespace, name }: Release, had: string, wanted: string): Finding {
  return {
    id: 'database-not-dumped',
    severity: 'warning',
    title: `The database of release ${namespace}/${name} is not dumped before Airflow ${had} becomes ${wanted}`,
    evidence: ['the release has no PostgreSQL of its own, and airflow.database.external is not set'],
    why: 'Where it lies is only in values that are passed through to the chart.',
    fix: ['Dump it yourself before you agree; or tell airstrip of it with airflow.database.external.'],
  }
}
