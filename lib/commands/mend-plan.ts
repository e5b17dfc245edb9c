/** What can be mended of a diagnosis: found by its evidence, and planned with the objects as they are now. */
import { keyOf } from '../cluster/objects.ts'
import { objectsOf } from '../changes.ts'
import { mendingsOf } from '../doctor/mends.ts'
import type { Mending, Touch } from '../doctor/mends/mend.ts'
import type { Planned } from '../engine/agreement.ts'
import type { Emit } from '../engine/events.ts'
import type { Reader } from '../access.ts'
import type { Change, StepName } from '../step.ts'
import { steps } from '../../steps/index.ts'
import type { Deps, Flags } from './deps.ts'
import type { Examination } from './examination.ts'
import type { Session } from './session.ts'

/** Who mends, and with what. */
export interface Surgery {
  flags: Flags
  deps: Deps
  session: Session
  emit: Emit
}

export interface MendPlan {
  /** The findings that are mended. */
  ids: string[]
  /** Single objects, in order. */
  touches: Touch[]
  planned: Planned[]
  /** Steps to run after that, and what they would change. */
  steps: StepName[]
  ofSteps: Planned[]
}

interface Offer {
  id: string
  touches: readonly Touch[]
  planned: readonly Planned[]
  ofSteps: readonly Planned[]
}

/** `done`: acts that were tried already, which did not help then and will not now. */
export async function planFor({ diagnosis, evidence }: Examination, session: Session, done: ReadonlySet<string>): Promise<MendPlan> {
  const reader = session.look()
  const offers: Offer[] = await Promise.all(mendingsOf(diagnosis.findings, evidence).map(async ({ id, mending }) => ({ id, ...(await offerOf(mending, session, reader)) })))
  const fresh = offers.filter((offer) => actsOf([...offer.planned, ...offer.ofSteps]).some((act) => !done.has(act)))
  const ofSteps = steps.flatMap(({ name }) => fresh.flatMap((offer) => offer.ofSteps).find(({ step }) => step === name) ?? [])
  const touches = fresh.flatMap((offer) => offer.touches)
  const unique = touches.filter(({ ref }, index) => touches.findIndex((other) => keyOf(other.ref) === keyOf(ref)) === index)
  return { ids: fresh.map(({ id }) => id), touches: unique, planned: await planned(unique, reader), steps: ofSteps.map(({ step }) => step), ofSteps }
}

async function offerOf(mending: Mending, session: Session, reader: Reader): Promise<Omit<Offer, 'id'>> {
  const [touches, names]: [readonly Touch[], readonly StepName[]] = [mending.touches ?? [], mending.steps ?? []]
  const [objects, ofSteps] = await Promise.all([planned(touches, reader), Promise.all(names.map((name) => differing(name, session, reader)))])
  const drifted = ofSteps.flat()
  // A step that says that all is well will see that it is not once the objects are out of its way.
  const freed = objects.length > 0 ? names.filter((name) => !drifted.some(({ step }) => step === name)).map((step): Planned => ({ step, changes: [] })) : []
  return { touches, planned: objects, ofSteps: [...drifted, ...freed] }
}

/** The changes as they are to be made now; an object that is gone, or is not as it was seen, has none. */
export async function planned(touches: readonly Touch[], reader: Reader): Promise<Planned[]> {
  const live = await reader.get(touches.map(({ ref }) => ref))
  return touches.flatMap(({ step, make }, index): Planned[] => {
    const object = live[index]
    const changes = object === undefined ? [] : make(object)
    return changes.length === 0 ? [] : [{ step, changes }]
  })
}

/** A step that cannot be looked at, or cannot go on, mends nothing; one that finds all as wanted neither. */
async function differing(name: StepName, { config }: Session, reader: Reader): Promise<Planned[]> {
  const step = steps.find((one) => one.name === name)
  const check = await step?.check(step.spec(config), reader).catch(() => undefined)
  return check?.state === 'drifted' ? [{ step: name, changes: check.changes }] : []
}

export function acts({ planned: objects, ofSteps }: MendPlan): string[] {
  return actsOf([...objects, ...ofSteps])
}

function actsOf(list: readonly Planned[]): string[] {
  return list.flatMap(({ changes }) => changes.map(actOf))
}

/** The very object and what is done to it: a pod of the same name that was made since is another. */
function actOf(change: Change): string {
  const uid = 'live' in change && change.live !== undefined && 'metadata' in change.live ? change.live.metadata.uid : undefined
  return [change.op, ...objectsOf(change), uid ?? ''].join(' ')
}
