/**
 * Takes secrets out of what pods said. The values that are known come from outside; what only looks
 * like one (a password in a URL, `password=…`) is taken out by its looks, since a program may print
 * one that nobody told us of.
 */
import type { KubernetesObject } from '../access.ts'

export type Redact = (text: string) => string

const mask = '••••••'

const looks: [RegExp, string][] = [
  // postgresql://postgres:hunter2@airflow-postgresql:5432/postgres, redis://:hunter2@…
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/]+@/gi, `$1${mask}@`],
  // AIRFLOW__CORE__FERNET_KEY=…, "password": "…", --token …; a sentence about a password is left alone.
  [/((?:password|passwd|pwd|secret|token|(?:secret|fernet|api|private|access)[_-]?key)["']?\s*[=:]\s*["']?)(?!\s)[^\s"',;]+/gi, `$1${mask}`],
  [/(\b(?:bearer|basic)\s+)[a-z0-9._~+/-]{8,}=*/gi, `$1${mask}`],
]

export function redactWith(known: Redact = (text) => text): Redact {
  return (text) => looks.reduce((rest, [pattern, put]) => rest.replace(pattern, put), known(text))
}

/** Events and a container's last words repeat what a program printed. */
export function redacted(object: KubernetesObject, redact: Redact): KubernetesObject {
  const { message, status } = object
  return {
    ...object,
    ...(typeof message === 'string' ? { message: redact(message) } : {}),
    ...(object.kind === 'Pod' ? { status: withoutSecrets(status, redact) } : {}),
  }
}

function withoutSecrets(value: unknown, redact: Redact): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, redact))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) =>
    [key, key === 'message' && typeof inner === 'string' ? redact(inner) : withoutSecrets(inner, redact)]))
}
