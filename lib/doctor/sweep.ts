/**
 * The last net over the evidence: every text in it, whatever collector it came from. What identifies an object
 * (names, labels, images) is compared by rules, so there only what is known to be secret is taken out, and
 * not where it is a plain name: a password `postgres` must not take the database's container with it.
 */
import type { Evidence } from './evidence.ts'
import { isSecretName } from './learn.ts'
import { loginInImage } from './looks/addresses.ts'
import { type Count, type Known, type Redact, mask, redactWith } from './redact.ts'

/** Of an object or of ours: identity, enumerations and times. */
const identity = /^(?:name|namespace|release|uid|kind|apiVersion|image|imageID|containerID|resourceVersion|generateName|nodeName|pod|container|claimName|volumeName|storageClassName|serviceAccount(?:Name)?|secretName|provisioner|phase|type|status|key|keys|machineID|systemUUID|bootID|podIP|hostIP|ip|at|\w+(?:Time|Timestamp|At))$/
/** Whole maps of it. */
const identities = /^(?:labels|matchLabels|selector|nodeSelector|same|remarks|redacted|knownPasswords)$/
/** The name of a Secret, by the custom of the API. */
const secretReference = /^(?:secret|caSecret|certSecret|existingSecret)$/
const plainName = /^[a-z]+(?:[-.][a-z]+)*$/

export function swept<T extends object>(value: T, known: Known | undefined, count: Count = () => undefined): T {
  const text = remembered((tally) => redactWith(known, tally), count)
  const name = remembered((tally) => (found) => known?.(found, (form) => isNoName(form, tally)) ?? found, count)
  const image = remembered((tally) => (found) => (known?.(found, (form) => isNoName(form, tally)) ?? found).replace(loginInImage, (...groups) => withoutLogin(groups, tally)), count)
  const walk = (inner: unknown, key: string, named: boolean): unknown => {
    if (typeof inner === 'string') {
      // Of Kubernetes' own words, which a Secret may have too: type: ServiceAccount.
      if (key === 'kind' || key === 'apiVersion') return inner
      const kind = kindOf(key)
      if (kind === 'image') return image(inner)
      if (named || kind === 'identity') return name(inner)
      if (kind === 'secret' && inner !== '' && inner !== mask) {
        count('looks')
        return mask
      }
      return text(inner)
    }
    if (Array.isArray(inner)) return inner.map((one) => walk(one, key, named))
    if (typeof inner !== 'object' || inner === null) return inner
    return Object.fromEntries(Object.entries(inner).map(([deeper, one]) => [deeper, walk(one, deeper, named || kindOf(deeper) === 'identities')]))
  }
  return walk(value, '', false) as T
}

type Kind = 'image' | 'identity' | 'identities' | 'secret' | 'text'

/** Thousands of objects have the same few fields. */
const kinds = new Map<string, Kind>()

function kindOf(key: string): Kind {
  const known = kinds.get(key)
  if (known !== undefined) return known
  const kind = /^image(?:ID)?$/.test(key) ? 'image' : identity.test(key) ? 'identity' : identities.test(key) ? 'identities' : isSecretName(key) && !secretReference.test(key) ? 'secret' : 'text'
  // Keys of other people's maps are as many as they like.
  if (kinds.size < 10_000) kinds.set(key, kind)
  return kind
}

/** An image is compared with the events that quote it, where its login is masked by the same looks. */
function withoutLogin(groups: readonly unknown[], count: Count): string {
  const { before = '', after = '' } = groups.at(-1) as Partial<Record<string, string>>
  count('looks')
  return `${before}${mask}${after}`
}

function isNoName(form: string, count: Count): boolean {
  if (plainName.test(form)) return false
  count('known')
  return true
}

/** For what is made of swept evidence: a net for what no rule should have brought in, which leaves names as they are. */
export function sparingNames(known: Known, evidence: Evidence): Redact {
  const spared = sparing(known, evidence)
  return (text) => spared(text, (form) => !plainName.test(form))
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
  const clean = swept(evidence, known && sparing(known, evidence), omitted.count)
  return { ...clean, redacted: omitted.counts() }
}

/** For all that is said of what was collected, logs too. */
export function sparing(known: Known, evidence: Evidence): Known {
  const names = namesIn(evidence)
  return (text, admit) => known(text, (form) => !names.has(form) && admit?.(form) !== false)
}

const references = /^(?:name|pod|container|claimName|volumeName|storageClassName|serviceAccountName|secretName|hostname)$/
const objectName = /^[a-z0-9]+(?:[-.][a-z0-9]+)+$/
/** Without them nobody knows where anything is; a word is one too. */
const whereabouts = /^(?:namespace|release|nodeName)$/
const label = /^[a-z0-9][a-z0-9.-]*$/

/**
 * Of objects, as they are or as others refer to them, and of images. A Secret may hold one beside a
 * password, and whoever has the evidence reads it there in any case; taken out of an event it would hide what
 * is not found. A single word may be a password and somebody's name as well.
 */
function namesIn(evidence: Evidence): Set<string> {
  const names = new Set<string>()
  const walk = (inner: unknown, key: string): void => {
    if (typeof inner === 'object' && inner !== null) for (const [deeper, one] of Object.entries(inner)) walk(one, Array.isArray(inner) ? key : deeper)
    else if (typeof inner !== 'string') return
    else if ((references.test(key) && objectName.test(inner)) || (whereabouts.test(key) && label.test(inner))) names.add(inner)
    else if (/^image(?:ID)?$/.test(key)) for (const name of namesInImage(inner)) names.add(name)
  }
  walk(evidence, '')
  return names
}

/** In a field of that name may stand anything; a single word is a password as well. */
const wholeImage = /^(?=.*[/:@])(?:[a-z-]+:\/\/)?[a-z0-9][a-z0-9._:/-]*(?::[\w.-]+)?(?:@sha\d{3}:[0-9a-f]+)?$/

/** The whole, its registry, and its digest with the name of the sum and without. */
function namesInImage(image: string): string[] {
  if (!wholeImage.test(image) || loginInImage.test(image)) return []
  const registry = /^(?:[a-z-]+:\/\/)?([a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?)\//.exec(image)?.[1]
  const digest = /@(sha\d{3}:([0-9a-f]+))$/.exec(image)
  return [image, registry, digest?.[1], digest?.[2]].filter((one) => one !== undefined)
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
