/**
 * What a restore leaves for later to be seen by whoever comes next: the programs that it stopped, with
 * how many there were, and the Airflow that the database is of now where that is not the one that runs.
 * It stands on the Lease of the release, which every run reads anyway; an upgrade writes the Lease
 * anew, and what it makes of the release makes both good.
 */
import type { KubernetesObject, Release, ReleaseName } from '../access.ts'
import type { Change } from '../step.ts'
import { isNonEmpty } from '../check.ts'
import { pointerOf } from '../diff/patch.ts'
import { parsedJson } from '../json.ts'
import { differs } from './airflow-version.ts'
import { chartMarkOf, operationLease } from './operation.ts'
import type { UpgradeReason } from './release.ts'

export interface RestoreMark {
  /** `Deployment/airflow-scheduler` to its replicas. */
  stopped: Record<string, number>
  /** The Airflow that the database is of. */
  airflow?: string | undefined
}

const [stoppedKey, airflowKey] = ['airstrip/stopped', 'airstrip/database-of-airflow']

export function markedLease(release: ReleaseName, live: KubernetesObject | undefined, { stopped, airflow }: RestoreMark, now: Date): KubernetesObject {
  const lease = operationLease(release, '', 1, now, chartMarkOf(live))
  const marks = { ...(Object.keys(stopped).length === 0 ? {} : { [stoppedKey]: JSON.stringify(stopped) }), ...(airflow === undefined ? {} : { [airflowKey]: airflow }) }
  return { ...lease, metadata: { ...lease.metadata, annotations: { ...lease.metadata.annotations, ...marks } } }
}

export function readMark(lease: KubernetesObject | undefined): RestoreMark {
  const { [stoppedKey]: stopped, [airflowKey]: airflow } = lease?.metadata.annotations ?? {}
  return { stopped: stopped === undefined ? {} : readStopped(stopped), airflow }
}

function readStopped(text: string): Record<string, number> {
  return Object.fromEntries(Object.entries(parsedJson(text) ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))
}

/** A database of another Airflow than the wanted one is migrated by an upgrade, whatever else is as it was. */
export function restoredReason({ airflow }: RestoreMark, wanted: string): UpgradeReason | undefined {
  if (airflow === undefined || !differs(airflow, wanted)) return undefined
  return { why: `its database was restored to that of Airflow ${airflow}, and is brought to that of ${wanted}`, sameWish: true }
}

/** What a restore stopped is started again; `live` is what will be there then, in the same order. */
export function startAgain(live: readonly (KubernetesObject | undefined)[], { stopped }: RestoreMark): { changes: Extract<Change, { op: 'patch' }>[]; live: (KubernetesObject | undefined)[] } {
  const changes: Extract<Change, { op: 'patch' }>[] = []
  const after = live.map((object) => {
    const replicas = object === undefined ? undefined : stopped[`${object.kind}/${object.metadata.name}`]
    if (object === undefined || replicas === undefined || replicas === 0 || (object.spec as { replicas?: number }).replicas !== 0) return object
    changes.push({
      op: 'patch',
      live: object,
      patch: [{ op: 'test', path: '/spec/replicas', value: 0 }, { op: 'replace', path: '/spec/replicas', value: replicas }],
      why: 'a restore of the database stopped it and did not come to start it again',
    })
    return { ...object, spec: { ...(object.spec as object), replicas } }
  })
  return { changes, live: after }
}

/**
 * An upgrade starts the others itself, and in the new version at once: a pod of the old one, which
 * waits for migrations that never come, could keep its StatefulSet from ever getting there.
 */
export function notByHelm<Started extends { live: KubernetesObject }>(started: readonly Started[], release: Release): Started[] {
  const isOpen = ({ kind, metadata }: KubernetesObject): boolean => release.objects.some((one) => one.kind === kind && one.metadata.name === metadata.name && (one.spec as { replicas?: number }).replicas === undefined)
  return started.filter(({ live }) => isOpen(live))
}

/** The marks go when what they are about is made good. */
export function forget(lease: KubernetesObject | undefined): Change[] {
  if (lease === undefined) return []
  const patch = [stoppedKey, airflowKey].flatMap((key) => {
    const value = lease.metadata.annotations?.[key]
    const path = pointerOf(['metadata', 'annotations', key])
    return value === undefined ? [] : [{ op: 'test' as const, path, value }, { op: 'remove' as const, path }]
  })
  return isNonEmpty(patch) ? [{ op: 'patch', live: lease, patch, why: 'what the restore left is made good' }] : []
}

/** Programs without which nothing is written to the database. */
const harmless = /-(?:postgresql(?:-primary|-read)?|redis(?:-master|-replicas)?|statsd|pgbouncer)$/

/** What writes to the database, as far as anybody knows: every program of the release that is not known to keep its hands off. */
export function writersOf(release: Release): KubernetesObject[] {
  return release.objects.filter(({ kind, metadata }) => ['Deployment', 'StatefulSet'].includes(kind) && !harmless.test(metadata.name))
}
