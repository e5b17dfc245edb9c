import { releaseAndChart } from '../lib/airflow/choice.ts'
import { guardRelease, type Surety } from '../lib/airflow/guard.ts'
import type { Family } from '../lib/airflow/families.ts'
import { makeSecrets, secretRefs } from '../lib/airflow/keys.ts'
import { judgeLock, readLease, type LockVerdict } from '../lib/airflow/lock.ts'
import { handAdditions, handEdits, hookEdits, scaledByOthers, standingHooks } from '../lib/airflow/hand-edits.ts'
import { operationRef } from '../lib/airflow/operation.ts'
import { executorOf, familyFor, upgradeReason, wishChanged, wishOf } from '../lib/airflow/release.ts'
import { freeStuck, lackingSets, type Mending } from '../lib/airflow/stuck.ts'
import { airflowSpec, databaseClaimRef, type AirflowSlice, type AirflowSpec } from '../lib/airflow/spec.ts'
import { asInstalled, vetted } from '../lib/airflow/vet.ts'
import { makeChanges, refOf } from '../lib/changes.ts'
import { blockedBy, checked, isNonEmpty } from '../lib/check.ts'
import { explainRelease } from '../lib/doctor/explain.ts'
import { lookAtRelease } from '../lib/observe/look-release.ts'
import type { Chart, KubernetesObject, Reader, Release, ReleaseWish } from '../lib/access.ts'
import type { Change, Step } from '../lib/step.ts'

/** The release, its keys and its passwords. The executor of a release that runs is left to step executor. */
export const helm: Step<AirflowSlice, AirflowSpec> = {
  name: 'helm',
  number: 4,
  title: 'Airflow, its database and its keys',
  about: 'keys and passwords made once, and the Helm release, mended in place and never uninstalled',
  needs: ['provisioner', 'storage'],
  timeoutMs: 1_800_000,

  spec: airflowSpec,

  async check(spec, reader) {
    const { name, namespace } = spec.release
    const [release, chart, chosen] = await releaseAndChart(spec.release, reader)
    const family = familyFor(spec.release, chart)
    const [claim, lease, ...secrets] = await reader.get([databaseClaimRef(spec), operationRef(spec.release), ...secretRefs(spec.keys, family)])
    const executor = release === undefined ? spec.release.executor : executorOf(release)
    const wish = asInstalled(wishOf(spec.release, chart, executor), release)
    const { blocked } = blockedBy(guardRelease({ wish, family, executor }, release, suretyOf(spec, secrets, claim)))
    if (blocked !== undefined) return blocked
    const verdict = await judgeOperation(release, lease, reader)
    if (verdict.state === 'held') return { state: 'blocked', findings: [verdict.finding] }
    const unlock: Change[] = verdict.state === 'stale' ? [{ op: 'unlock', release: { name, namespace }, live: release, why: verdict.why }] : []
    const keys = await keyChange(spec, family, secrets, reader)
    const mends = await releaseChanges(spec, wish, { chart, release, lease, verdict }, reader)
    const { changes, findings } = await vetted(mends, { chart, executor }, reader)
    const { blocked: unfit, warnings } = blockedBy([...chosen, ...findings])
    return unfit ?? checked([...keys, ...unlock, ...changes], evidenceOf(release), warnings)
  },

  apply: makeChanges,

  verify: ({ release: { name, namespace } }, reader) => lookAtRelease(name, namespace, reader),

  explain: ({ release: { name, namespace } }, reader) => explainRelease(name, namespace, reader),
}

function suretyOf(spec: AirflowSpec, secrets: Surety['secrets'], claim: KubernetesObject | undefined): Surety {
  const externalDatabase = spec.release.values.database.external !== undefined
  return { secrets, databaseClaim: externalDatabase ? undefined : claim, externalDatabase, passwordGiven: spec.passwords.database !== undefined }
}

/** Missing Secrets, made in step with those that are there; what is there is never written again. */
async function keyChange(spec: AirflowSpec, family: Family, secrets: readonly (KubernetesObject | undefined)[], reader: Reader): Promise<Change[]> {
  const missing = secretRefs(spec.keys, family).filter((_, index) => secrets[index] === undefined)
  if (!isNonEmpty(missing)) return []
  const { database, admin } = spec.passwords
  const given = {
    database: database === undefined ? undefined : await reader.secret(database),
    admin: admin === undefined ? undefined : await reader.secret(admin),
  }
  return [{ op: 'generate', refs: missing, why: 'keys and passwords are made once and kept', make: (random) => makeSecrets(spec.keys, family, secrets, given, random) }]
}

/** What a run that is gone left behind is freed; what a living Helm holds blocks. */
async function judgeOperation(release: Release | undefined, lease: KubernetesObject | undefined, reader: Reader): Promise<LockVerdict> {
  const held = readLease(lease)
  const alive = held.holderIdentity === undefined || held.holderIdentity === '' ? undefined : await reader.alive(held.holderIdentity)
  return judgeLock(release, held, alive, reader.now())
}

/** What there is of the release, and the chart that it is to be made of. */
interface Present {
  chart: Chart
  release: Release | undefined
  lease: KubernetesObject | undefined
  verdict: LockVerdict
}

/** Helm where there is something new or something broken; the objects themselves where they were only touched by hand. */
async function releaseChanges(spec: AirflowSpec, want: ReleaseWish, { chart, release, lease, verdict }: Present, reader: Reader): Promise<Change[]> {
  if (release === undefined) return [{ op: 'release', want, sameWish: false, why: 'it is not installed' }]
  const hooks = standingHooks(release)
  const [found, autoscalers] = await Promise.all([
    reader.get([...release.objects, ...hooks].map(refOf)),
    reader.list({ resources: ['horizontalpodautoscalers.autoscaling'] }),
  ])
  const live = found.slice(0, release.objects.length)
  const ignore = [...spec.ignore, ...scaledByOthers(autoscalers)]
  // What a cut-off Helm may have half done is not worth working out: the upgrade makes it whole.
  const cutOff = verdict.state === 'stale' ? { why: 'its last change was interrupted', sameWish: wishChanged(want, chart, release, lease) === undefined } : undefined
  const reason = cutOff ?? upgradeReason(want, chart, release, lease)
  // An upgrade makes its hooks anew.
  const byHand = reason === undefined ? [...hookEdits(hooks, found.slice(live.length), ignore), ...handEdits(release, live, ignore)] : handAdditions(release, live, ignore)
  const patched = byHand.flatMap((change) => (change.op === 'patch' ? [change.live.metadata.name] : []))
  const freed = await stuckChanges(release, live, { upgrade: reason !== undefined, patched }, reader)
  // Helm puts these back on its way; they are among what was shown.
  const edits = cutOff === undefined ? handEdits(release, live, ignore) : []
  return [...byHand, ...freed, ...(reason === undefined ? [] : [{ op: 'release' as const, want, live: release, edits, ...reason }])]
}

/** What would keep the pods of a corrected version from ever being made. */
async function stuckChanges({ namespace }: Release, live: readonly (KubernetesObject | undefined)[], mending: Mending, reader: Reader): Promise<Change[]> {
  const sets = lackingSets(live)
  return sets.length === 0 ? [] : freeStuck(sets, await reader.list({ resources: ['pods', 'persistentvolumeclaims'], namespace }), mending)
}

function evidenceOf(release: Release | undefined): string[] {
  return release === undefined ? [] : [`${release.chart.name} ${release.chart.version} (Airflow ${release.chart.appVersion}), revision ${release.revision}`]
}
