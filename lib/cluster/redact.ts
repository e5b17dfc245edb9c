/**
 * Knows the secret values that passed through this run and takes them out of any text. Fields that
 * are known to be secret are masked where they are shown; this is the second net, for what a tool
 * or a log says unasked.
 */
export interface Redactor {
  add: (value: string) => void
  redact: (text: string) => string
}

/** Shorter values would hit innocent words; a secret that short is no secret. */
const shortest = 6
export const mask = '••••••'

export function createRedactor(): Redactor {
  const forms = new Set<string>()
  let pattern: RegExp | undefined
  return {
    add(value) {
      for (const form of formsOf(value)) {
        if (form.length >= shortest && !forms.has(form)) {
          forms.add(form)
          pattern = undefined
        }
      }
    },
    redact(text) {
      if (forms.size === 0) return text
      pattern ??= new RegExp([...forms].sort((a, b) => b.length - a.length).map(escapeRegExp).join('|'), 'g')
      return text.replace(pattern, mask)
    },
  }
}

/** Keys of Secrets that hold nothing secret; to mask their words would only blur what is said. */
const publicKeys = ['username', 'namespace', 'ca.crt', 'tls.crt']

export function isSecretKey(key: string): boolean {
  return !publicKeys.includes(key)
}

/** A value as it may turn up: plain, in base64 (Secret data), in a URL, in a JSON string. */
function formsOf(value: string): string[] {
  const trimmed = value.trim()
  return [value, trimmed, Buffer.from(value).toString('base64'), encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
