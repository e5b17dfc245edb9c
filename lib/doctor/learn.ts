/**
 * Learns secrets from where they lie in the open (a variable, a ConfigMap, a chart value, an argument), so
 * that they are taken out of logs and messages too.
 */
import { secretsIn } from './redact.ts'

export type Learn = (value: string) => void

const secret = /pass(?:word|wd|phrase|code)|(?:^|[_.-])(?:pg)?pass(?:$|[_.-])|requirepass|masterauth|pwd|secret|token|credential|fernet|dsn|jwt|(?:^|[_.-])conn(?:$|[_.-])|conn(?:ection)?_?str(?:ing)?|broker_?url|result_backend|(?:api|access|private|encryption|signing|client|account|shared|ssh|storage|auth|master|session|user)[_-]?key|^auth$|signature/i
const reference = /(?:names?|refs?|file|path|mount|provider|enabled|seconds|policy|class)$/i

/** By the name of a variable or a key; `secretName` names one and is none. */
export function isSecretName(name: string): boolean {
  return secret.test(name) && !reference.test(name)
}

/** `SOME_KEY` may be one; a toleration's `key` is none, so this is for settings alone. */
function isSecretSetting(name: string): boolean {
  return isSecretName(name) || /key$/i.test(name)
}

/** The charts' own defaults among them: to take `postgres` out of all that is said would only blur it. */
const everydayWords = /^(?:airflow|default|postgres|postgresql|redis|localhost|kubernetes|scheduler|webserver|worker|username|password|secret|connection|database|disabled|enabled|kube-system|\d{1,9})$/i

export function isEveryday(value: string): boolean {
  return everydayWords.test(value.trim())
}

const location = /^(?:[\w.-]*\/)+[\w.-]*$/
/** Of one piece, long, letters and digits: no word, name, version, date or address. */
const generated = /^(?=.*[a-z])(?=.*\d)(?!v?\d+[.\d-]+\w*$)[\w+=!@#$%^&*~-]{12,}$/i
const nameLike = /^[a-z0-9]+(?:-[a-z0-9]+)+$/

export function learnSetting(learn: Learn, name: string, value: string): void {
  const text = value.trim()
  const worth = !isEveryday(text) && !location.test(text)
  // An address is no secret but for the password in it, which its looks tell.
  if (worth && isSecretSetting(name) && !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) learn(text)
  else if (worth && generated.test(text) && !nameLike.test(text)) learn(text)
  learnFromText(learn, text)
}

export function learnFromText(learn: Learn, text: string): void {
  for (const found of secretsIn(text)) {
    for (const value of new Set([found, found.replace(/[)\]}"',;]+$/, ''), decoded(found)])) if (!isEveryday(value) && !isOrdinary(value)) learn(value)
  }
}

/** `token: invalid`: taken out where it stands, but a word of the language, or a path, is not hunted for elsewhere. */
function isOrdinary(value: string): boolean {
  return /^[a-z]{1,10}$/i.test(value) || location.test(value)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
