import { createTwoFilesPatch } from 'diff'
import { stringify } from 'yaml'
import type { KubernetesObject } from '../access.ts'
import { withoutSecrets } from '../doctor/looks/index.ts'
import { namesSecret } from '../doctor/looks/words.ts'
import { isRecord, withData } from './compare.ts'

/** What a server adds to every object, and no person ever wants or changes. */
const serverFields = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields', 'selfLink']

export const mask = '••••••'

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
  const shown = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, isText(inner) && namesSecret(key) ? hide(inner) : inTree(inner, hide)]))
  return typeof name === 'string' && literal !== undefined && literal !== '' && isSecretVariable(name) ? { ...shown, value: hide(literal) } : shown
}

/** Of one line, whoever prints the diff knows a secret by its looks as well as we do, and by its key. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.includes('\n')
}

function inText(text: string, hide: Hide): string {
  const known = text.replaceAll(variable, (all, before: string, name: string, literal: string) => (isSecretVariable(name) ? before + hide(literal) : all))
  return isText(known) ? withoutSecrets(known, hide) : known
}

const passwordFlag = /^(?:-[pP]|-pw)$/
/** A port, a path, another flag, a variable or a word of a template. */
const noPassword = /^(?:[\d.:]+|\.{0,2}\/.*|[-$<{[].*|\w+:\/\/.*|[A-Z_]+|)$/

/** A list of words: what follows `-p`, or whatever a command with these words before it takes as a password. */
function inCommand(words: unknown[], hide: Hide): unknown[] {
  if (words.length < 2 || !words.every((word) => typeof word === 'string')) return words
  const shown = words.map((word, index) => {
    const flag = words[index - 1] ?? ''
    const takesSecret = passwordFlag.test(flag) || (/^--?\w/.test(flag) && namesSecret(flag))
    return takesSecret && !noPassword.test(word) && !word.includes(mask) ? hide(word) : word
  })
  const whole = parsed(withoutSecrets(JSON.stringify(shown), hide))
  if (Array.isArray(whole) && whole.length === words.length) return whole
  return shown.map((word) => (noPassword.test(word) || word.includes(mask) ? word : hide(word)))
}

/** What was taken for a secret may go beyond one word and leave no list behind. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
