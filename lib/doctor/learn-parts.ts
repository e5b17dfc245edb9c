/**
 * Learns what lies within the value of a Secret: a file of logins, a document, the address of a database, or any
 * of them in base64. Whoever uses it prints a line, a word or a field of it, and never the whole.
 */
import { type Learn, isEveryday, isSecretField, learnFromText, learnLogin, learnUnwrapped, unwrapped } from './learn.ts'
import { isPath, isTelling } from './telling.ts'

/** Of more than that (a keystore, a list of authorities) the looks tell what they can. */
const longest = 8192
/** A document in base64 in a document. */
const deepest = 3

export function learnParts(learn: Learn, value: string, depth = 0): void {
  const text = value.trim()
  learnFromText(learn, text)
  learnLogin(learn, text)
  if (text.length > longest || depth > deepest) return
  const fields = documentIn(text)
  if (fields !== undefined) learnFields(learn, fields, depth)
  else for (const line of text.split(/\r?\n/)) learnLine(learn, line.trim())
  const plain = unwrapped(text)
  if (plain === undefined) return
  learnUnwrapped(learn, text)
  learnParts(learn, plain, depth + 1)
}

function documentIn(text: string): object | undefined {
  if (!/^[[{]/.test(text)) return undefined
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** However deep, so not by a call in a call; a field under any name may hold one. */
function learnFields(learn: Learn, document: object, depth: number): void {
  const left = [document]
  for (let fields = left.pop(); fields !== undefined; fields = left.pop()) {
    for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
      if (typeof value === 'object' && value !== null) left.push(value)
      if (typeof value !== 'string') continue
      const text = value.trim()
      if (isSecretField(name) ? !isEveryday(text) && !isPath(text) && !/^[a-z]+:\/\//i.test(text) : isTelling(text)) learn(value)
      learnParts(learn, value, depth + 1)
    }
  }
}

/** What a list, a call or a section has around a word. */
const around = /^["'[\](){},;]+|["'[\](){},;]+$/g

/** users.txt, htpasswd, .pgpass, .env: what stands alone, after a name, last in a row, or in quotes. */
function learnLine(learn: Learn, line: string): void {
  if (line.startsWith('-----')) return
  learnLogin(learn, line)
  const alone = /^[\w.-]+\s*[:=]/.test(line) ? [] : [line]
  const after = [/^[^:=]*[:=](.+)$/, /^.*[:=](?!\/\/)(.+)$/].flatMap((one) => one.exec(line)?.[1]?.trim().replace(/^(["'])(.*)\1$/, '$2') ?? [])
  const inQuotes = Array.from(line.matchAll(/"([^"]{6,})"|'([^']{6,})'/g), ([, double, single]) => double ?? single ?? '')
  for (const one of new Set([...alone, ...after, ...inQuotes])) {
    learnLogin(learn, one)
    const bare = one.replace(around, '')
    // As a whole it may be code, a call for example.
    if (isTelling(bare) && (isTelling(one) || /^[("']/.test(one)) && (!alone.includes(one) || bare.length >= 8)) learn(bare)
  }
}
