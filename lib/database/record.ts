/** What lies beside each dump, and which dumps there are too many. */
import { z } from 'zod'
import type { Dump } from '../dump.ts'
import { parsedJson } from '../json.ts'

const recordVersion = 1

export const dumpRecord = z.object({
  version: z.literal(recordVersion).describe('Of this schema; keys may be added to it, none is taken away'),
  file: z.string().describe('Name of the dump, in the format of pg_dump -Fc'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/).describe('SHA-256 of the dump'),
  size: z.number().int().describe('Size of the dump, in bytes'),
  createdAt: z.iso.datetime().describe('When it was made, in UTC'),
  why: z.string().describe('By hand, before an upgrade, before a restore'),
  cluster: z.string().optional().describe('UID of the cluster\'s namespace kube-system'),
  namespace: z.string().describe('Namespace of the release'),
  release: z.string().describe('Name of the release'),
  database: z.string().describe('Name of the database on its server'),
  airflow: z.string().describe('Version of the Airflow that the database is of'),
  chart: z.string().describe('Chart and version that ran'),
  server: z.string().describe('Version of PostgreSQL'),
  revision: z.string().optional().describe('Revision of Airflow\'s migrations, from alembic_version'),
  bytes: z.number().int().describe('What the database took on the server\'s disk'),
  rows: z.record(z.string(), z.number().int()).describe('Rows of each table; a restored copy had as many'),
  verified: z.literal(true).describe('It was restored into a database beside, and was the same'),
}).meta({ id: 'dump', description: 'What is known of a dump of the metadata database' })

export type DumpRecord = z.output<typeof dumpRecord>

export function recordText(dump: Dump): string {
  return `${JSON.stringify({ version: recordVersion, ...dump, verified: true } satisfies DumpRecord, undefined, 2)}\n`
}

/** Undefined where it is not what airstrip writes. */
export function parseRecord(text: string): DumpRecord | undefined {
  return dumpRecord.safeParse(parsedJson(text)).data
}

/** `airflow-airflow-airflow-20261124T193000Z-Airflow2.6.2.dump` */
export function dumpName({ namespace, release, airflow }: Pick<Dump, 'namespace' | 'release' | 'airflow'>, at: Date): string {
  return `airflow-${namespace}-${release}-${stampOf(at)}-Airflow${airflow.replaceAll(/[^\w.-]/g, '-') || 'unknown'}.dump`
}

/** `20261124T193000Z` */
export function stampOf(at: Date): string {
  return at.toISOString().replaceAll(/[-:]|\.\d+/g, '')
}

/** A dump with what is known of it; `whole` where the file is there and as long as it was. */
export interface Kept {
  dump: DumpRecord
  whole: boolean
}

export function newestFirst(kept: readonly Kept[]): Kept[] {
  return [...kept].sort((one, other) => (one.dump.createdAt < other.dump.createdAt ? 1 : -1))
}

/**
 * Dumps that go: beyond the newest `keep` of this very release. The newest that is whole never goes,
 * and a dump that lacks something counts for none of them.
 */
export function surplus(kept: readonly Kept[], { namespace, release, cluster }: Pick<Dump, 'namespace' | 'release' | 'cluster'>, keep: number): DumpRecord[] {
  const same = newestFirst(kept).filter(({ dump }) => dump.namespace === namespace && dump.release === release && dump.cluster === cluster)
  const whole = same.filter((one) => one.whole)
  const last = whole[Math.max(1, keep) - 1]
  return last === undefined ? [] : same.slice(same.indexOf(last) + 1).map(({ dump }) => dump)
}
