import { createTwoFilesPatch } from 'diff'
import { stringify } from 'yaml'
import type { KubernetesObject } from '../access.ts'
import { withoutSecrets } from '../doctor/looks/index.ts'
import { mask } from '../doctor/redact.ts'
import { namesSecret } from '../doctor/looks/words.ts'
import { isRecord, withData } from './compare.ts'

/** What a server adds to every object, and no person ever wants or changes. */
const serverFields = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields', 'selfLink']

/** Names of variables whose literal value is not for everybody's eyes: a key, a connection and whatever is about a secret too. */
const secretVariable = /passw|secret|token|credential|fernet|private|(?:^|[-_])(?:key|conn|dsn)(?:$|[-_])|SQL_ALCHEMY|BROKER_URL|RESULT_BACKEND/i

function isSecretVariable(name: string): boolean {
  return secretVariable.test(name) || namesSecret(name)
}

/**
 * The unified diff of an object as it is and as it will be, in YAML with sorted keys. Values of
 * Secrets are masked after they were compared, so that it shows that one changes and never to what.
 */
export function unifiedDiff(title: string, before: KubernetesObject | undefined, after: KubernetesObject | undefined): string {
  const hide = hiding()
  const text = (object: KubernetesObject | undefined): string => (object === undefined ? '' : toYaml(hidden(shownPart(object), hide)))
  const patch = createTwoFilesPatch(`live: ${title}`, `wanted: ${title}`, text(before), text(after), undefined, undefined, { context: 3 })
  return patch.slice(patch.indexOf('--- ')).replaceAll(placeholder, mask).trimEnd()
}

/** Stands for one secret value while two texts are compared; no YAML has it by chance, and by its bullets it is known as taken out. */
const placeholder = new RegExp(`${mask}\\uE000\\d+\\uE001`, 'g')

type Hide = (value: unknown) => string

/** One stand-in for each value: what was equal stays so. */
function hiding(): Hide {
  const known = new Map<string, number>()
  return (value) => {
    const text = JSON.stringify(value)
    if (!known.has(text)) known.set(text, known.size)
    return `${mask}\uE000${known.get(text) ?? 0}\uE001`
  }
}

function toYaml(object: unknown): string {
  return stringify(object, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false })
}

function shownPart(object: KubernetesObject): Record<string, unknown> {
  const { metadata, ...rest } = withData(object)
  return { ...rest, status: undefined, metadata: Object.fromEntries(Object.entries(metadata).filter(([field]) => !serverFields.includes(field))) }
}

/** Values that charts take in plain text, by their last word. */
const secretKey = /(?:^pass|^key|password|passwd|token|credentials?|(?:fernet|secret|ssh|private|api)_?key|jwt_?secret|broker_?url|sql_alchemy_conn|result_backend)$/i
/** All that is below is made of Secrets. */
const hiddenTrees = ['extraSecrets']

function hidden(object: Record<string, unknown>, hide: Hide): Record<string, unknown> {
  if (object.kind !== 'Secret') return inTree(object.kind === 'HelmRelease' ? hideKeys(object, hide) : object, hide) as Record<string, unknown>
  const data = isRecord(object.data) ? Object.fromEntries(Object.entries(object.data).map(([key, value]) => [key, hide(value)])) : object.data
  const { annotations } = object.metadata as { annotations?: Record<string, string> }
  // kubectl apply keeps the whole Secret once more in an annotation.
  const quiet = annotations === undefined ? {} : { annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, key.endsWith('last-applied-configuration') ? hide(value) : value])) }
  return { ...object, data, metadata: { ...(object.metadata as object), ...quiet } }
}

/** `--set` makes a number of a password that looks like one. */
function isScalar(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'number'
}

function hideKeys(value: unknown, hide: Hide): unknown {
  if (Array.isArray(value)) return value.map((one) => hideKeys(one, hide))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, (isScalar(inner) && secretKey.test(key)) || hiddenTrees.includes(key) ? hide(inner) : hideKeys(inner, hide)]))
}

/** A variable in a text that is YAML or JSON itself, as the pod template in Airflow's ConfigMap is. */
const variable = /(\bname["']?:\s*["']?([\w.-]+)["']?,?\s+["']?value["']?:[ \t]*)(\S.*)/g

function inTree(value: unknown, hide: Hide): unknown {
  if (typeof value === 'string') return inText(value, hide)
  if (Array.isArray(value)) return inCommand(value.map((one) => inTree(one, hide)), hide)
  if (!isRecord(value)) return value
  const { name, value: literal } = value
  const shown = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, isSecretText(key, inner) ? hide(inner) : inTree(inner, hide)]))
  return typeof name === 'string' && literal !== undefined && literal !== '' && isSecretVariable(name) ? { ...shown, value: hide(literal) } : shown
}

/** Leads to no secret, or says that there is none; whoever prints the line may think otherwise. */
const saysNone = /^(?:null|none|nil|true|false|yes|no|on|off|https?:\/\/[^\s"'@?]+|)$/i

/** Hidden whole, for whoever prints the diff sees a line of it and tells a value of two words from a sentence only with luck. */
function isSecretText(key: string, value: unknown): boolean {
  return typeof value === 'string' && !saysNone.test(value) && namesSecret(key)
}

/** Several lines are searched before the diff takes them apart; one is searched as well by whoever prints it. */
function isText(text: string): boolean {
  return text.includes('\n')
}

function inText(text: string, hide: Hide): string {
  const known = text.replaceAll(variable, (all, before: string, name: string, literal: string) => (isSecretVariable(name) ? before + hide(literal) : all))
  return isText(known) ? withoutSecrets(known, hide) : known
}

const passwordFlag = /^(?:-[pP]|-pw)$/
/** A port, a path, another flag, a variable or a word of a template. */
const noPassword = /^(?:[\d.:]+|\.{0,2}\/.*|[-$<{[].*|\w+:\/\/.*|[A-Z_]+|)$/
/** What follows is a command itself, of which only a part is a secret. */
const takesScript = /^-\w*c$/
const marks = /["'\\]/g

/** A list of words: what follows `-p`, or whatever a command with these words before it takes as a password. */
function inCommand(words: unknown[], hide: Hide): unknown[] {
  if (words.length < 2 || !words.every((word) => typeof word === 'string')) return words
  const alone = words.map((word, index) => inWord(word, words[index - 1] ?? '', hide))
  const whole = inList(alone, hide) ?? alone.map((word, index) => inList([alone[index - 1] ?? '', word], hide)?.[1] ?? hide(word))
  return withinQuotes(words, whole, hide)
}

/** By the flag before it, or by its own looks. */
function inWord(word: string, flag: string, hide: Hide): string {
  const takesSecret = passwordFlag.test(flag) || (/^--?\w/.test(flag) && namesSecret(flag))
  if (takesSecret && !noPassword.test(word) && !word.includes(mask)) return hide(word)
  const shown = withoutSecrets(word, hide)
  return takesScript.test(flag) ? shown : toItsEnd(word, shown, hide)
}

/** What a flag or a setting has behind its `=` is a secret to the end of the word, whatever blanks it holds. */
function toItsEnd(word: string, shown: string, hide: Hide): string {
  const at = shown.indexOf(mask)
  const ends = /^(?:-|[\w.-]+=)/.test(word) && shown !== word && at >= 0 && !word.includes(mask)
  return ends ? word.slice(0, at) + hide(word.slice(at)) : shown
}

/** As a printed list, in which quotes of the words themselves would end it: these stay out. */
function inList(words: string[], hide: Hide): string[] | undefined {
  const bare = words.map((word, index) => (takesScript.test(words[index - 1] ?? '') ? '' : word.replaceAll(marks, '')))
  const found = parsed(withoutSecrets(JSON.stringify(bare), hide))
  if (!Array.isArray(found) || found.length !== words.length) return undefined
  return words.map((word, index) => (found[index] === bare[index] ? word : fromDifference(word, bare[index] ?? '', String(found[index]), hide)))
}

/** A word of which a part was found is a value from there to its end. */
function fromDifference(word: string, bare: string, found: string, hide: Hide): string {
  let same = 0
  while (same < bare.length && bare[same] === found[same]) same += 1
  let at = 0
  for (let seen = 0; seen < same; at += 1) if (word[at] === bare[seen]) seen += 1
  return word.slice(0, at) + hide(word.slice(at))
}

/** A value in quotes that one word opens and a later one closes. */
function withinQuotes(words: string[], shown: string[], hide: Hide): string[] {
  let open: string | undefined
  return shown.map((text, index) => {
    const word = words[index] ?? ''
    const inside = open !== undefined
    if (open === undefined) open = text === word ? undefined : ['"', '\''].find((quote) => isOdd(word, quote))
    else if (isOdd(word, open)) open = undefined
    return inside && !noPassword.test(word) ? hide(word) : text
  })
}

function isOdd(word: string, quote: string): boolean {
  return word.split(quote).length % 2 === 0
}

/** What was taken for a secret may go beyond one word and leave no list behind. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
