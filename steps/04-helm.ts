import { adoption, adoptionRefs, guardAdoption, type Adoption } from '../lib/airflow/adopt.ts'
import { airflowOf } from '../lib/airflow/airflow-version.ts'
import { backupBefore } from '../lib/airflow/backup.ts'
import { goesWith } from '../lib/airflow/executors.ts'
import { releaseAndChart } from '../lib/airflow/choice.ts'
import { guardDowngrade, guardRelease, isForeign, type Surety } from '../lib/airflow/guard.ts'
import type { Family } from '../lib/airflow/families.ts'
import { everySecretRef, makeSecrets, secretRefs } from '../lib/airflow/keys.ts'
import { judgeOperation, type LockVerdict } from '../lib/airflow/lock.ts'
import { renderedOrRefused } from '../lib/airflow/immutable.ts'
import { leftObjects } from '../lib/airflow/failed-revision.ts'
import { foreignAdditions, handEdits, hookEdits, scaledByOthers, standingHooks } from '../lib/airflow/hand-edits.ts'
import { operationRef } from '../lib/airflow/operation.ts'
import { executorToKeep, familyFor, upgradeReason, wishChanged, wishOf } from '../lib/airflow/release.ts'
import { forget, notByHelm, readMark, restoredReason, startAgain } from '../lib/airflow/restored.ts'
import { restartsOf, editedConfigs } from '../lib/airflow/stale-config.ts'
import { freeStuck, lackingSets, type Mending } from '../lib/airflow/stuck.ts'
import { airflowSpec, databaseClaimRef, type AirflowSlice, type AirflowSpec } from '../lib/airflow/spec.ts'
import { takeDownAirflow } from '../lib/airflow/takedown.ts'
import { asInstalled, vetted } from '../lib/airflow/vet.ts'
import { makeChanges, nameOf, objectsOf, refOf } from '../lib/changes.ts'
import { blockedBy, checked, isNonEmpty } from '../lib/check.ts'
import { explainRelease } from '../lib/doctor/explain.ts'
import { lookAtRelease } from '../lib/observe/look-release.ts'
import type { Chart, KubernetesObject, Reader, Release, ReleaseWish } from '../lib/access.ts'
import type { Change, Finding, Step } from '../lib/step.ts'

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
    const [claim, lease, ...wanted] = await reader.get([databaseClaimRef(spec), operationRef(spec.release), ...secretRefs(spec.keys, family)])
    // What is lost may be known from what another chart was given.
    const secrets = wanted.every((secret) => secret !== undefined) ? wanted : await reader.get(everySecretRef(spec.keys))
    const executor = release === undefined ? spec.release.executor : executorToKeep(release, spec.release.executor)
    const wish = asInstalled(wishOf(spec.release, chart, executor), release)
    const taken = spec.adopt && release !== undefined && isForeign(wish, release) ? await takeOver(release, family, reader) : undefined
    const unsafe = release === undefined || taken === undefined ? [] : guardAdoption(wish, release, taken, spec.keys.database)
    const { blocked } = blockedBy([...guardRelease({ wish, family, executor }, release, suretyOf(spec, secrets, claim, taken)), ...unsafe])
    if (blocked !== undefined) return blocked
    const verdict = await judgeOperation(release, lease, reader)
    if (verdict.state === 'held') return { state: 'blocked', findings: [verdict.finding] }
    const { blocked: downgrade } = blockedBy(release === undefined ? [] : guardDowngrade(airflowOf(wish.values, chart), release, readMark(lease)))
    if (downgrade !== undefined) return downgrade
    const unlock: Change[] = verdict.state === 'stale' ? [{ op: 'unlock', release: { name, namespace }, live: release, why: verdict.why }] : []
    const keys = await keyChange(spec, { family, secrets, taken }, reader)
    const mends = await releaseChanges(spec, wish, { chart, release, lease, verdict, adopted: taken !== undefined }, reader)
    const { changes, findings } = await vetted(mends.changes, { chart, executor }, reader)
    const { blocked: unfit, warnings } = blockedBy([...chosen, ...mends.warnings, ...findings])
    return unfit ?? checked([...keys, ...unlock, ...changes], evidenceOf(release), warnings)
  },

  apply: makeChanges,

  verify: ({ release: { name, namespace, executor } }, reader, since) => lookAtRelease(name, namespace, reader, { since, spared: (object) => goesWith(executor, name, object) }),

  explain: ({ release: { name, namespace } }, reader) => explainRelease(name, namespace, reader),

  takedown: takeDownAirflow,
}

function suretyOf(spec: AirflowSpec, secrets: Surety['secrets'], claim: KubernetesObject | undefined, taken: Adoption | undefined): Surety {
  const externalDatabase = spec.release.values.database.external !== undefined
  return { secrets, databaseClaim: externalDatabase ? undefined : claim, externalDatabase, passwordGiven: spec.passwords.database !== undefined || taken?.given.database !== undefined, adopted: taken !== undefined }
}

interface Kept {
  family: Family
  /** The live Secrets of ours. */
  secrets: readonly (KubernetesObject | undefined)[]
  taken: Adoption | undefined
}

async function takeOver(release: Release, family: Family, reader: Reader): Promise<Adoption> {
  return adoption(release, family, await reader.get(adoptionRefs(release, family)))
}

/** Missing Secrets, made in step with those that are there; what is there is never written again. */
async function keyChange(spec: AirflowSpec, { family, secrets, taken }: Kept, reader: Reader): Promise<Change[]> {
  const missing = secretRefs(spec.keys, family).filter(({ name }) => !secrets.some((secret) => secret?.metadata.name === name))
  if (!isNonEmpty(missing)) return []
  const { database, admin } = spec.passwords
  const given = {
    ...taken?.given,
    ...(database === undefined ? {} : { database: await reader.secret(database) }),
    ...(admin === undefined ? {} : { admin: await reader.secret(admin) }),
  }
  const why = taken === undefined ? 'keys and passwords are made once and kept' : 'keys and passwords of the release are taken over'
  return [{ op: 'generate', refs: missing, why, make: (random) => makeSecrets(spec.keys, family, secrets, given, random) }]
}

/** What there is of the release, and the chart that it is to be made of. */
interface Present {
  chart: Chart
  release: Release | undefined
  lease: KubernetesObject | undefined
  verdict: LockVerdict
  adopted: boolean
}

/** Helm where there is something new or something broken; the objects themselves where they were only touched by hand. */
async function releaseChanges(spec: AirflowSpec, want: ReleaseWish, { chart, release, lease, verdict, adopted }: Present, reader: Reader): Promise<{ changes: Change[]; warnings: Finding[] }> {
  if (release === undefined) return { changes: [{ op: 'release', want, sameWish: false, why: 'it is not installed' }], warnings: [] }
  const hooks = standingHooks(release)
  const [found, autoscalers] = await Promise.all([
    reader.get([...release.objects, ...hooks].map(refOf)),
    reader.list({ resources: ['horizontalpodautoscalers.autoscaling'] }),
  ])
  const mark = readMark(lease)
  const { changes: started, live } = startAgain(found.slice(0, release.objects.length), mark)
  const ignore = [...spec.ignore, ...scaledByOthers(autoscalers)]
  // What a cut-off Helm may have half done is not worth working out: the upgrade makes it whole.
  const cutOff = verdict.state === 'stale' ? { why: 'its last change was interrupted', sameWish: wishChanged(want, chart, release, lease) === undefined } : undefined
  const taken = adopted ? { why: 'it was installed by other means and is taken over', sameWish: false } : undefined
  const reason = cutOff ?? taken ?? upgradeReason(want, chart, release, lease) ?? restoredReason(mark, airflowOf(want.values, chart))
  const rendered = reason === undefined || release.base === undefined ? undefined : await renderedOrRefused(want, reader)
  const left = rendered === undefined ? [] : leftObjects(release, live, [...rendered.objects, ...rendered.hooks])
  const going = new Set(left.flatMap(objectsOf))
  const staying = live.map((object) => (object !== undefined && going.has(nameOf(object)) ? undefined : object))
  // An upgrade makes its hooks anew.
  const byHand = reason === undefined ? [...hookEdits(hooks, found.slice(live.length), ignore), ...handEdits(release, live, ignore)] : foreignAdditions(release, staying, ignore, rendered?.objects)
  const patched = byHand.flatMap((change) => (change.op === 'patch' ? [change.live.metadata.name] : []))
  const freed = await stuckChanges(release, staying, { upgrade: reason !== undefined, patched }, reader)
  // Helm puts these back on its way; they are among what was shown.
  const edits = cutOff === undefined ? handEdits(release, live, ignore) : []
  const stale = await staleChanges(release, staying, reason === undefined ? { changes: byHand, upgrade: false } : { changes: edits, upgrade: true }, reader)
  if (reason === undefined) return { changes: [...started, ...byHand, ...stale, ...freed, ...forget(lease)], warnings: [] }
  const { changes: backup, warnings } = await backupBefore(spec, want, chart, release, mark, reader)
  return { changes: [...backup, ...byHand, ...freed, { op: 'release', want, live: release, edits, ...reason }, ...left, ...notByHelm(started, release), ...stale], warnings }
}

/** Pods are worth listing only where a ConfigMap or a Secret was edited. */
async function staleChanges({ namespace }: Release, live: readonly (KubernetesObject | undefined)[], besides: { changes: readonly Change[]; upgrade: boolean }, reader: Reader): Promise<Change[]> {
  const configs = editedConfigs(besides.changes)
  return configs.length === 0 ? [] : restartsOf(configs, live, await reader.list({ resources: ['pods'], namespace }), besides, reader.now())
}

/** What would keep the pods of a corrected version from ever being made. */
async function stuckChanges({ namespace }: Release, live: readonly (KubernetesObject | undefined)[], mending: Mending, reader: Reader): Promise<Change[]> {
  const sets = lackingSets(live)
  return sets.length === 0 ? [] : freeStuck(sets, await reader.list({ resources: ['pods', 'persistentvolumeclaims'], namespace }), mending)
}

function evidenceOf(release: Release | undefined): string[] {
  return release === undefined ? [] : [`${release.chart.name} ${release.chart.version} (Airflow ${release.chart.appVersion}), revision ${release.revision}`]
}
