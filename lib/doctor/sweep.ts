/**
 * The last net over the evidence: every text in it, whatever collector it came from. What identifies an object
 * (names, labels, images) is compared by rules, so there only what is known to be secret is taken out, and
 * not where it is a plain name: a password `postgres` must not take the database's container with it.
 */
import type { Evidence } from './evidence.ts'
import { isSecretName } from './learn.ts'
import { type Count, type Known, type Redact, mask, redactWith } from './redact.ts'

/** Of an object or of ours: identity, enumerations and times. */
const identity = /^(?:name|namespace|release|uid|kind|apiVersion|image|imageID|containerID|resourceVersion|generateName|nodeName|pod|container|claimName|volumeName|storageClassName|serviceAccount(?:Name)?|secretName|provisioner|phase|type|status|key|keys|machineID|systemUUID|bootID|podIP|hostIP|ip|at|\w+(?:Time|Timestamp|At))$/
/** Whole maps of it. */
const identities = /^(?:labels|matchLabels|selector|nodeSelector|same|remarks|redacted)$/
/** The name of a Secret, by the custom of the API. */
const secretReference = /^(?:secret|caSecret|certSecret|existingSecret)$/
const plainName = /^[a-z]+(?:[-.][a-z]+)*$/

export function swept<T extends object>(value: T, known: Known | undefined, count: Count = () => undefined): T {
  const text = remembered((tally) => redactWith(known, tally), count)
  const name = remembered((tally) => (found) => known?.(found, (form) => isNoName(form, tally)) ?? found, count)
  const walk = (inner: unknown, key: string, named: boolean): unknown => {
    if (typeof inner === 'string') {
      if (named || identity.test(key)) return name(inner)
      if (isSecretName(key) && !secretReference.test(key) && inner !== '' && inner !== mask) {
        count('looks')
        return mask
      }
      return text(inner)
    }
    if (Array.isArray(inner)) return inner.map((one) => walk(one, key, named))
    if (typeof inner !== 'object' || inner === null) return inner
    return Object.fromEntries(Object.entries(inner).map(([deeper, one]) => [deeper, walk(one, deeper, named || identities.test(deeper))]))
  }
  return walk(value, '', false) as T
}

function isNoName(form: string, count: Count): boolean {
  if (plainName.test(form)) return false
  count('known')
  return true
}

/** For what is made of swept evidence: a net for what no rule should have brought in, which leaves names as they are. */
export function sparingNames(known: Known): Redact {
  return (text) => known(text, (form) => !plainName.test(form))
}

/** Thousands of objects say the same; each text is looked at once, and counted as often as it is there. */
function remembered(make: (count: Count) => Redact, count: Count): Redact {
  const done = new Map<string, { text: string; counts: [Parameters<Count>[0], number][] }>()
  let counts: [Parameters<Count>[0], number][] = []
  const redact = make((what, times = 1) => {
    counts.push([what, times])
  })
  return (text) => {
    let known = done.get(text)
    if (known === undefined) {
      counts = []
      known = { text: redact(text), counts }
      done.set(text, known)
    }
    for (const [what, times] of known.counts) count(what, times)
    return known.text
  }
}

/** With what was left out, by kind. */
export function sweptEvidence(evidence: Evidence, known: Known | undefined, omitted: Tally): Evidence {
  const clean = swept(evidence, known, omitted.count)
  return { ...clean, redacted: omitted.counts() }
}

export interface Tally {
  count: Count
  counts: () => Partial<Record<Parameters<Count>[0], number>>
}

export function createTally(): Tally {
  const counts: ReturnType<Tally['counts']> = {}
  return {
    count: (what, times = 1) => {
      counts[what] = (counts[what] ?? 0) + times
    },
    counts: () => ({ ...counts }),
  }
}
