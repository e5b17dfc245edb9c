/**
 * The contract between a step and the engine: types only.
 *
 * A step says what must be true (`spec`), looks (`check`, `verify`) and changes (`apply`). Looking
 * gets a Reader, which has no write methods; changing gets exactly what `check` found. State is not
 * in any signature: a step that could read the record would come to trust it over the cluster.
 *
 * Three things do not fit "apply this object" and have their own kind of Change, so that they can
 * be shown, counted and refused by name: secrets (`generate`: the values exist only inside the
 * Writer), deletions (`delete` and `replace`: always with a reason), and the Helm release
 * (`release`, `unlock` and `uninstall`). So has the dump of the database that goes before it (`backup`).
 *
 * What a step makes it also takes down again: `takedown` says, of the live cluster alone, what of it
 * goes and what stays, in the same kinds of Change; `destroy` asks the steps in reverse order.
 */
import type { DumpWish, JsonPatch, KubernetesObject, NonEmpty, ObjectRef, RandomBytes, Reader, Release, ReleaseName, ReleaseWish, Writer } from './access.ts'

export type StepName = 'prereq' | 'provisioner' | 'storage' | 'helm' | 'ingress' | 'executor'

/** Something worth a person's attention; doctor prints the same shape. `id` is a rule id. */
export interface Finding {
  id: string
  severity: 'error' | 'warning'
  title: string
  evidence: string[]
  why: string
  /** What to do, as commands or sentences; never empty. */
  fix: NonEmpty<string>
  link?: string | undefined
  causes?: Finding[] | undefined
}

/** A field of an object that is not as it is wanted. */
export interface Difference {
  /** `spec.template.spec.containers[scheduler].image` */
  path: string
  /** Keys, and the names of list items where they have one: what ignore rules match. */
  names: readonly string[]
  /** Where it is in the live object, segment by segment; `-` is the end of a list. */
  at: readonly string[]
  /** Undefined where it is not wanted at all. */
  want: unknown
  /** Undefined where it is not there. */
  live: unknown
}

export type Change =
  /** Both are a server-side apply. `live` is what was there when we looked, `found` what differed; what somebody added is taken away first. */
  | { op: 'create'; want: KubernetesObject; why: string }
  | { op: 'update'; want: KubernetesObject; live: KubernetesObject; found: Difference[]; why: string }
  /** Deleted and created again: for an object that cannot be changed and carries no data. */
  | { op: 'replace'; want: KubernetesObject; live: KubernetesObject; why: string }
  /** `freeing`: out of the way of what is made again at once; nothing is lost by it. `keepsPods`: what it made stays. */
  | { op: 'delete'; live: KubernetesObject; freeing?: true; keepsPods?: true; why: string }
  | { op: 'patch'; live: KubernetesObject; patch: NonEmpty<JsonPatch>; why: string }
  /** Secrets made once. The values come into being in `make`, so no plan can show them. */
  | { op: 'generate'; refs: NonEmpty<ObjectRef>; why: string; make(random: RandomBytes): KubernetesObject[] }
  /** helm upgrade --install. `sameWish`: chart and values are those of the record, so it is only mended. `edits`: what was changed by hand in it, which Helm puts back on its way. */
  | { op: 'release'; want: ReleaseWish; live?: Release | undefined; edits?: readonly Change[]; sameWish: boolean; why: string }
  /** A dump of the database, proven, before Airflow's next version migrates it. */
  | { op: 'backup'; wish: DumpWish; why: string }
  /** What an interrupted run left: its Helm is ended, its `pending-*` record backed up and marked failed. */
  | { op: 'unlock'; release: ReleaseName; live?: Release | undefined; why: string }
  /** helm uninstall: everything that the record lists. Claims of StatefulSets are not in it. */
  | { op: 'uninstall'; live: Release; why: string }

export type Check =
  | { state: 'satisfied'; evidence: string[]; warnings?: Finding[] }
  | { state: 'drifted'; changes: NonEmpty<Change>; warnings?: Finding[] }
  /** Cannot be judged yet: something that was there is still on its way out or in. */
  | { state: 'waiting'; on: NonEmpty<Pending>; warnings?: Finding[] }
  | { state: 'blocked'; findings: NonEmpty<Finding>; warnings?: Finding[] }

export type Drifted = Extract<Check, { state: 'drifted' }>

export interface Pending {
  /** `Kind namespace/name`, as it is printed. */
  object: string
  reason: string
}

export type Look =
  | { state: 'waiting'; on: NonEmpty<Pending> }
  | { state: 'done'; evidence: string[]; warnings?: Finding[] }
  /**
   * Will not heal by itself. `settleMs` is how long this must stay so, without interruption,
   * before it is final; 0 where it cannot change any more. `triedAt` is the ISO time of the last try of
   * what is tried again and again: of a change that was made since it says nothing.
   */
  | { state: 'failed'; findings: NonEmpty<Finding>; settleMs: number; triedAt?: string | undefined; on: Pending[] }

/** Something that is not taken down, and why. */
export interface Kept {
  /** `Kind namespace/name`, or a folder, as it is printed. */
  object: string
  why: string
}

export type Takedown =
  /** `leaving`: what is on its way out already, and is waited for. */
  | { state: 'ready'; goes: Change[]; stays: Kept[]; leaving: Pending[] }
  | { state: 'blocked'; findings: NonEmpty<Finding> }

/** What a step must know of the rest to say what goes. */
export interface Demolition {
  /** Claims, volumes, keys, passwords and the namespace go, too. */
  data: boolean
  /** What the steps that go first take down, and what they leave. */
  goes: readonly Change[]
  stays: readonly Kept[]
}

export interface Step<Slice = unknown, Spec = unknown> {
  name: StepName
  number: number
  title: string
  /** One line for the help. */
  about: string
  /** Steps without which this one cannot work. */
  needs: StepName[]
  /** How long `verify` may say "waiting" before the engine gives up, in ms. */
  timeoutMs: number
  spec(config: Slice): Spec
  check(spec: Spec, reader: Reader): Promise<Check>
  apply(changes: NonEmpty<Change>, writer: Writer): Promise<void>
  /** `since`: when a change that is still being made began; what was there before may be what it mends, so it is not judged. */
  verify(spec: Spec, reader: Reader, since?: Date): Promise<Look>
  /** For a failure or a timeout: every unready object with its reason, last log lines and events. */
  explain?(spec: Spec, reader: Reader): Promise<string[]>
  /** What airstrip made here: what goes, in order, and what stays. Left out where a step makes nothing of its own. */
  takedown?(spec: Spec, reader: Reader, asked: Demolition): Promise<Takedown>
}
