/** From zod's issues to mistakes with a place and advice. */
import type * as z from 'zod'
import { mayBeBlank, outlineAt, type Outline } from './json-schema.ts'
import type { Found, Path } from './mistakes.ts'
import { isCommandPath, isSecretPath, secretAdvice, showable } from './secrets.ts'
import { nearest, suggestKey } from './suggest.ts'
import { spotKey, type Spot, type Tree } from './tree.ts'

type Issue = z.core.$ZodIssue

export function explain(tree: Tree, issues: readonly Issue[]): Found[] {
  return [...issues.flatMap((issue) => explainIssue(tree, issue)), ...blanks(tree)]
}

function explainIssue(tree: Tree, issue: Issue): Found[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol')
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(tree, path, key))
  const spot = tree.spots.get(spotKey(path))
  const known = outlineAt(path) ?? {}
  if (issue.code === 'custom') return [broken(spot, path, issue, known)]
  if (spot === undefined || spot.blank) return missing(tree, path, known)
  if (issue.code === 'invalid_type') return [wrongType(tree, spot, path, known)]
  if (issue.code === 'invalid_value') return [notOneOf(spot, path, known)]
  return [here(spot, path, outOfRange(known), writeFor(known))]
}

function broken(spot: Spot | undefined, path: Path, { message, params }: z.core.$ZodIssueCustom, known: Outline): Found {
  const found = here(spot, path, message, String(params?.write ?? ''))
  // What must not be repeated must not come back mended either.
  const hidden = known.properties === undefined && found.text === undefined
  return hidden ? { ...found, write: writeFor(known) } : found
}

function here(spot: Spot | undefined, path: Path, message: string, write: string): Found {
  const shown = spot?.source === undefined || mayHide(path) ? undefined : showable(unquoted(spot.source))
  return { offset: spot?.value ?? 0, path, text: shown, message, write }
}

/** A key without its colon becomes the text of the section above it: a password of admin, database or values. */
function mayHide(path: Path): boolean {
  return isSecretPath(path) || isCommandPath(path) || (path[0] === 'airflow' && outlineAt(path)?.type === 'object')
}

/** The source is shown, not the value: 1.10 must not turn into 1.1 in the message about it. */
function unquoted(source: string): string {
  return /^(["'])(.*)\1$/su.exec(source)?.[2] ?? source
}

function unknownKey(tree: Tree, section: Path, key: string): Found {
  const shown = showable(key)
  const path = shown === key ? [...section, key] : section
  const offset = tree.spots.get(spotKey([...section, key]))?.key ?? 0
  // Below a password, what stands where a key should is as likely the password.
  if (isSecretPath(section)) {
    return { offset, path: section, message: 'has a key that is neither env nor file', write: `write ${secretAdvice}` }
  }
  return { offset, path, text: shown, message: 'is not a key here', write: suggestKey(section, key) }
}

/** A missing section is told by the keys that it must have. */
function missing(tree: Tree, path: Path, known: Outline): Found[] {
  const inner = (known.required ?? []).map((key) => [...path, key])
  if (inner.length > 0) return inner.flatMap((child) => missing(tree, child, outlineAt(child) ?? {}))
  const blank = tree.spots.get(spotKey(path))?.blank === true
  const message = blank ? 'is empty' : 'is missing'
  return [{ offset: nearestKey(tree, path), path, message, write: writeFor(known, path.at(-1)) }]
}

function nearestKey(tree: Tree, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const spot = tree.spots.get(spotKey(path.slice(0, length)))
    if (spot !== undefined) return spot.key
  }
  return 0
}

function wrongType(tree: Tree, spot: Spot, path: Path, known: Outline): Found {
  const kind = kindOf(valueAt(tree.value, path))
  const isSecret = known.properties?.env !== undefined
  if (isSecret) {
    return { offset: spot.value, path, message: 'must not stand in the file itself', write: `write ${secretAdvice}` }
  }
  if (kind === 'null') return here(spot, path, 'is null', `leave the key out or ${writeFor(known)}`)
  const wantsText = known.type === 'string'
  if (wantsText && (kind === 'a number' || kind === 'true or false')) {
    return here(spot, path, `is ${kind} to YAML`, quoteIt(spot, path, known))
  }
  return here(spot, path, `is ${kind} where ${wanted(known)} is wanted`, writeFor(known, path.at(-1)))
}

function quoteIt(spot: Spot, path: Path, known: Outline): string {
  if (spot.source === undefined || mayHide(path)) return 'write it in quotes'
  const valid = known.pattern === undefined || new RegExp(known.pattern, 'u').test(spot.source)
  const example = valid ? '' : `, in the form ${exampleOf(known)}`
  return `write it in quotes: "${showable(spot.source) ?? ''}"${example}`
}

function notOneOf(spot: Spot, path: Path, known: Outline): Found {
  const options = known.enum ?? []
  const near = nearest(unquoted(spot.source ?? ''), options)
  const write = near === undefined ? `write one of ${options.join(', ')}` : `did you mean ${near}?`
  return here(spot, path, 'is not one of the words known here', write)
}

function blanks(tree: Tree): Found[] {
  return [...tree.spots]
    .filter(([, spot]) => spot.blank)
    .map(([key, spot]) => ({ path: JSON.parse(key) as (string | number)[], spot }))
    .filter(({ path }) => path.length > 0 && outlineAt(path)?.default !== undefined)
    .filter(({ path }) => !mayBeBlank(outlineAt(path.slice(0, -1)), path.at(-1) ?? ''))
    .map(({ path, spot }) => {
      const write = `leave the key out or ${writeFor(outlineAt(path) ?? {})}`
      return { offset: spot.key, path, message: 'is empty', write }
    })
}

function writeFor(known: Outline, key?: string | number): string {
  const name = typeof key === 'string' ? `${key}: ` : ''
  if (known.properties === undefined) return `write for example ${name}${exampleOf(known)}`
  const [inner = ''] = known.required ?? Object.keys(known.properties)
  return `write its keys below it, for example ${inner}: ${exampleOf(known.properties[inner] ?? {})}`
}

function exampleOf({ examples, default: standard, type }: Outline): string {
  const [value] = [...(examples ?? []), standard].filter((candidate) => candidate !== undefined)
  if (value === undefined) return type === 'object' ? '{}' : 'a value'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function outOfRange({ minimum, maximum, maxItems }: Outline): string {
  return maxItems === undefined ? `is not between ${String(minimum)} and ${String(maximum)}` : `has more than ${String(maxItems)} entries`
}

function wanted({ type }: Outline): string {
  return { object: 'a section with keys', array: 'a list', integer: 'a whole number' }[String(type)] ?? 'text'
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'a section with keys'
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, part) => (inner as Record<string | number, unknown> | undefined)?.[part], value)
}
