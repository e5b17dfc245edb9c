/**
 * Learns secrets from where they lie in the open (a variable, a ConfigMap, a chart value, an argument), so
 * that they are taken out of logs and messages too.
 */
import { namesSecret } from './looks/words.ts'
import { secretsIn } from './redact.ts'
import { isGenerated, isLocation, isPath, isTelling } from './telling.ts'

export type Learn = (value: string) => void

const secret = /pass(?:word|wd|phrase|code)|(?:^|[_.-])(?:pg)?pass(?:$|[_.-])|requirepass|masterauth|pwd|secret|token|credential|fernet|dsn|jwt|(?:^|[_.-])conn(?:$|[_.-])|conn(?:ection)?_?str(?:ing)?|broker_?url|result_backend|(?:api|access|private|encryption|signing|client|account|shared|ssh|storage|auth|master|session|user)[_-]?key|^auth$|signature/i
const reference = /(?:names?|refs?|file|path|mount|provider|enabled|seconds|policy|class)$/i

/** By the name of a variable or a key; `secretName` names one and is none. */
export function isSecretName(name: string): boolean {
  return secret.test(name) && !reference.test(name)
}

/** Of a field of a document, in all the languages that the looks know: `token_type` and `token_uri` tell about one. */
export function isSecretField(name: string): boolean {
  return (isSecretName(name) || isSaidElsewhere(name)) && !/(?:type|use|format|method|ur[il])$/i.test(name)
}

/** `SOME_KEY` may be one; a toleration's `key` is none, so this is for settings alone. */
function isSecretSetting(name: string): boolean {
  return isSecretName(name) || /key$/i.test(name) || isSaidElsewhere(name)
}

/** What is said of `auth` may be whether, too. */
function isSaidElsewhere(name: string): boolean {
  return !reference.test(name) && !/[_.-]auth$/i.test(name) && namesSecret(name)
}

/** It may be one, or say where one lies or who is meant: what is set tells which. */
function isLooselyNamed(name: string): boolean {
  const [, file] = /^(.+)[_.-](?:file|path)$/i.exec(name) ?? []
  return file === undefined ? /(?:^|[_.-])(?:auth|login|salt|cookie|bind_?pw|otp|pin)$/i.test(name) : isSecretSetting(file)
}

/** The charts' own defaults among them: to take `postgres` out of all that is said would only blur it. */
const everydayWords = /^(?:airflow|default|postgres|postgresql|redis|localhost|kubernetes|scheduler|webserver|worker|username|password|secret|connection|database|disabled|enabled|kube-system|\d{1,5})$/i

/** A number may be a port or an id, and of a Secret, where it is longer, a password. */
export function isEverydayWord(value: string): boolean {
  return everydayWords.test(value.trim())
}

export function isEveryday(value: string): boolean {
  return isEverydayWord(value) || /^\d{1,9}$/.test(value.trim())
}

const address = /^[a-z][a-z0-9+.-]*:\/\//i

export function learnSetting(learn: Learn, name: string, value: string): void {
  const text = value.trim()
  if (isSecretSetting(name)) learnNamed(learn, name, text)
  else if (isGenerated(text) || (isLooselyNamed(name) && isTelling(text) && !/\.\w{2,5}$/.test(text))) learn(text)
  learnFromText(learn, text)
  // A user and his password in one variable are known by its name.
  if (isLooselyNamed(name)) learnFromText(learn, `${name}=${text}`)
}

/** data/airflow, github.com/joe/dags: where a secret or what it opens lies. */
const plainPath = /^[a-z.-]+(?:\/[a-z.-]+)+$/

/** What its name says to be one. */
function learnNamed(learn: Learn, name: string, text: string): void {
  learnUnwrapped(learn, text)
  // An address is no secret but for the password in it.
  if (address.test(text)) {
    learnLogin(learn, text)
    return
  }
  const isPlace = isPath(text) || (plainPath.test(text) && !/pass|pwd|pw$/i.test(name))
  if (!isEveryday(text) && !isPlace) learn(text)
  for (const one of text.split(',')) if (one !== text && isTelling(one.trim())) learn(one.trim())
}

/** Of an address and nothing else: all from the first colon after the user to the last @, for a password may hold any sign. */
const login = /^[a-z][a-z0-9+.-]*:\/\/[^:/\s]*?:(.+)@(?:\[[^\]]+\]|[\w.-]+)(?::\d+)?(?:[/?#,]|$)/is

export function learnLogin(learn: Learn, text: string): void {
  const password = login.exec(text)?.[1]
  if (password !== undefined) for (const value of new Set([password, decoded(password)])) if (!isEveryday(value)) learn(value)
}

/** Text in base64, of a registry's login or a person who encoded once too often; undefined where it is none. */
export function unwrapped(text: string): string | undefined {
  if (!/^[\w+/-]{8,}={0,2}$/.test(text)) return undefined
  const plain = Buffer.from(text, 'base64').toString()
  return /[^\P{Cc}\t\r\n]|\uFFFD/u.test(plain) ? undefined : plain
}

/** `user:password` in base64 is the password too. */
export function learnUnwrapped(learn: Learn, text: string): void {
  const plain = unwrapped(text)
  if (plain === undefined) return
  const password = /^[^:\s]{0,100}:(.+)$/s.exec(plain)?.[1]
  for (const value of [password ?? plain, plain]) if (!isEveryday(value)) learn(value)
}

export function learnFromText(learn: Learn, text: string): void {
  for (const found of secretsIn(text)) {
    for (const value of readingsOf(found)) if (!isEveryday(value) && !isOrdinary(value)) learn(value)
    learnUnwrapped(learn, found)
  }
}

/** As it stands, without what closes a list, and as a URL, airflow.cfg and a string of JSON mean it. */
function readingsOf(found: string): Set<string> {
  const plain = [found, found.replace(/[)\]}"',;]+$/, ''), found.replaceAll('%%', '%'), unescaped(found)]
  return new Set(plain.flatMap((one) => [one, decoded(one)]))
}

/** `token: invalid`: taken out where it stands, but a word of the language, or a path, is not hunted for elsewhere. */
function isOrdinary(value: string): boolean {
  return /^[a-z]{1,10}$/i.test(value) || isLocation(value)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}
