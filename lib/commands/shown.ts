import { plannedObjects, type ObjectChange } from '../airflow/planned.ts'
import { nameOf } from '../changes.ts'
import { patchOf, patched } from '../diff/patch.ts'
import { drift } from '../diff/rules.ts'
import { unifiedDiff } from '../diff/view.ts'
import { redactWith } from '../doctor/redact.ts'
import type { Planned } from '../engine/agreement.ts'
import type { Chart, KubernetesObject, Reader, Release, ReleaseWish } from '../access.ts'
import type { Change, StepName } from '../step.ts'

/** One object that would be changed, as `diff` prints it. */
export interface Shown {
  step: StepName
  op: Change['op'] | 'run'
  kind: string
  namespace: string
  name: string
  why: string
  /** Unified, live against wanted; empty where there is nothing that could be shown. */
  diff: string
}

type Redact = (text: string) => string

/**
 * Every object that the planned changes are about, in their order. A release is taken apart into its
 * objects, for which Helm renders the chart; each change is laid over what those before it leave.
 */
export async function shownChanges(plan: readonly Planned[], reader: Reader, redact: Redact): Promise<Shown[]> {
  const ahead = new Map<string, KubernetesObject | undefined>()
  const looks = redactWith(redact)
  const shown: Shown[] = []
  for (const { step, changes } of plan) {
    for (const change of changes) {
      const objects = await objectsOfChange(change, reader, ahead)
      for (const { op, before, after } of objects) {
        const object = after ?? before
        if (object !== undefined && op !== 'run' && op !== 'backup') ahead.set(nameOf(object), after)
      }
      shown.push(...objects.map((object) => view(step, object, looks, redact)))
    }
  }
  return shown
}

type Viewed = Omit<ObjectChange, 'op'> & { op: Shown['op'] }

async function objectsOfChange(change: Change, reader: Reader, ahead: ReadonlyMap<string, KubernetesObject | undefined>): Promise<Viewed[]> {
  const { op, why } = change
  switch (op) {
    case 'create':
      return [{ op, why, after: change.want }]
    case 'update':
      return [{ op, why, before: change.live, after: patched(change.live, patchOf(change.found)) }]
    case 'replace':
      // Made again as it is wanted: of what is there, only what differs is of interest.
      return [{ op, why, before: change.live, after: patched(change.live, patchOf(drift(change.want, change.live))) }]
    case 'delete':
      return [{ op, why, before: change.live }]
    case 'patch':
      return [{ op, why, before: change.live, after: patched(change.live, change.patch) }]
    case 'generate':
      return change.refs.map(({ apiVersion, kind, name, namespace }) => ({ op, why, after: { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } } }))
    case 'backup':
      return [{ op, why, before: { apiVersion: 'v1', kind: 'Database', metadata: { name: change.wish.place.database, namespace: change.wish.place.namespace } } }]
    case 'unlock':
      return [{ op, why, after: asObject(change.release) }]
    case 'uninstall':
      return [{ op, why, before: recordOf(change.live) }]
    case 'release':
      return [
        { op, why, before: change.live === undefined ? undefined : recordOf(change.live), after: wishOf(change.want, await reader.chart(change.want.chart)) },
        ...(await plannedObjects(change.want, change.live, reader, ahead)),
      ]
  }
}

/** A release is no object of the cluster, but is shown like one: its chart and its values. */
function asObject({ name, namespace }: { name: string; namespace: string }, rest: Record<string, unknown> = {}): KubernetesObject {
  return { apiVersion: 'helm.sh/v3', kind: 'HelmRelease', metadata: { name, namespace }, ...rest }
}

function wishOf(want: ReleaseWish, { name, version }: Chart): KubernetesObject {
  return asObject(want, { chart: { name, version }, values: want.values })
}

function recordOf(release: Release): KubernetesObject {
  const { name, version } = release.chart
  return asObject(release, { chart: { name, version }, values: release.values })
}

/** `automountServiceAccountToken: false` is about a token and is none. */
const isPlain = /: (?:true|false|null)$/

function view(step: StepName, { op, why, before, after }: Viewed, looks: Redact, redact: Redact): Shown {
  const { kind, metadata } = after ?? before ?? asObject({ name: '', namespace: '' })
  const { name, namespace = '' } = metadata
  const hasText = !['generate', 'unlock', 'run', 'backup'].includes(op)
  const title = `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`
  // Each line begins with a sign, which is none of YAML's.
  const clean = (line: string): string => line.slice(0, 1) + (isPlain.test(line) ? redact : looks)(line.slice(1))
  const diff = hasText ? unifiedDiff(title, before, after).split('\n').map(clean).join('\n') : ''
  return { step, op, kind, namespace, name, why: looks(why), diff }
}
