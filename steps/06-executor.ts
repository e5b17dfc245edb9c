import { releaseAndChart } from '../lib/airflow/choice.ts'
import { celeryWorkloads, partsOf } from '../lib/airflow/executors.ts'
import { airflowOf } from '../lib/airflow/airflow-version.ts'
import { backupBefore } from '../lib/airflow/backup.ts'
import { guardDowngrade, guardExecutor } from '../lib/airflow/guard.ts'
import { isMadeBy } from '../lib/airflow/helm-marks.ts'
import { operationRef } from '../lib/airflow/operation.ts'
import { executorOf, familyFor, wishOf } from '../lib/airflow/release.ts'
import { readMark } from '../lib/airflow/restored.ts'
import { airflowSpec, type AirflowSlice, type AirflowSpec } from '../lib/airflow/spec.ts'
import { asInstalled, vetted } from '../lib/airflow/vet.ts'
import { nameOf, makeChanges } from '../lib/changes.ts'
import { blockedBy, checked, isNonEmpty } from '../lib/check.ts'
import { explainRelease } from '../lib/doctor/explain.ts'
import { lookAtRelease } from '../lib/observe/look-release.ts'
import type { Chart, KubernetesObject, ObjectRef, Reader, Release, ReleaseWish } from '../lib/access.ts'
import type { Change, Check, Pending, Step } from '../lib/step.ts'

/** Moves a release that runs to the wanted executor; a fresh one got it at once. */
export const executor: Step<AirflowSlice, AirflowSpec> = {
  name: 'executor',
  number: 6,
  title: 'the executor that runs the tasks',
  about: 'moves a running release to the wanted executor and proves that what it does not use is gone',
  needs: ['helm'],
  timeoutMs: 1_800_000,

  spec: airflowSpec,

  async check(whole, reader) {
    const { release: spec } = whole
    const [release, chart] = await releaseAndChart(spec, reader)
    const family = familyFor(spec, chart)
    const { blocked } = blockedBy(guardExecutor(spec.executor, family))
    if (blocked !== undefined) return blocked
    if (release === undefined) return { state: 'waiting', on: [{ object: `Helm release ${spec.namespace}/${spec.name}`, reason: 'is not installed yet' }] }
    const now = executorOf(release)
    if (now === spec.executor) return checked(strays(await liveParts(spec, reader), release), [])
    const want = asInstalled(wishOf(spec, chart, spec.executor), release)
    const before = await beforeUpgrade(whole, want, { release, chart }, reader)
    if (before.blocked !== undefined) return before.blocked
    const { changes, findings } = await vetted([...before.changes, { op: 'release', want, live: release, sameWish: false, why: `executor ${now} becomes ${spec.executor}` }], { chart, executor: spec.executor }, reader)
    const { blocked: unfit, warnings } = blockedBy(findings)
    return unfit ?? checked(changes, [], warnings)
  },

  apply: makeChanges,

  async verify({ release: spec }, reader, since) {
    const [look, left] = await Promise.all([lookAtRelease(spec.name, spec.namespace, reader, { since }), leftovers(spec, reader)])
    if (look.state === 'failed') return look
    if (isNonEmpty(left)) return { state: 'waiting', on: look.state === 'waiting' ? [...look.on, ...left] : left }
    return look.state === 'done' ? { ...look, evidence: [proof(spec.executor), ...look.evidence] } : look
  },

  explain: ({ release: { name, namespace } }, reader) => explainRelease(name, namespace, reader),
}

/** Step helm has brought Airflow to its version before; run alone, this one finds out the same. */
async function beforeUpgrade(spec: AirflowSpec, want: ReleaseWish, { release, chart }: { release: Release; chart: Chart }, reader: Reader): Promise<{ blocked?: Check; changes: Change[] }> {
  const [lease] = await reader.get([operationRef(release)])
  const { blocked } = blockedBy(guardDowngrade(airflowOf(want.values, chart), release, readMark(lease)))
  return blocked === undefined ? backupBefore(spec, want, chart, release, readMark(lease), reader) : { blocked, changes: [] }
}

function proof(executor: string): string {
  const rest = partsOf(executor)?.celery === false ? '; Redis and Celery workers are gone' : ''
  return `${executor} runs the tasks${rest}`
}

/** Celery's Redis and workers, while they are still there and must not be. A worker first ends its tasks. */
async function leftovers(spec: AirflowSpec['release'], reader: Reader): Promise<Pending[]> {
  return (await liveParts(spec, reader)).map((object) => ({ object: nameOf(object), reason: `is still there; ${spec.executor} does not use it` }))
}

/** Those that Helm made for a revision that failed, and that it does not know any more. */
function strays(parts: readonly KubernetesObject[], release: Release): Change[] {
  const known = new Set(release.objects.map(nameOf))
  const left = parts.filter((one) => one.kind !== 'Pod' && isMadeBy(release, one) && !known.has(nameOf(one)) && one.metadata.deletionTimestamp === undefined)
  return left.map((live) => ({ op: 'delete', live, why: 'a revision of Helm\'s that failed made it, and no later one has it' }))
}

async function liveParts({ name, namespace, executor: wanted }: AirflowSpec['release'], reader: Reader): Promise<KubernetesObject[]> {
  if (partsOf(wanted)?.celery !== false) return []
  const refs = celeryWorkloads(name).flatMap((workload): ObjectRef[] => [
    { apiVersion: 'apps/v1', kind: workload.kind, name: workload.name, namespace },
    ...(workload.kind === 'StatefulSet' ? [{ apiVersion: 'v1', kind: 'Pod', name: `${workload.name}-0`, namespace }] : []),
  ])
  return (await reader.get(refs)).filter((object) => object !== undefined)
}
