/**
 * From YAML's tree to plain values, with the place of each.
 *
 * yaml's own `toJS` gives no places, hands the same object to every alias, lets a list contain
 * itself, and cannot tell `key:` from `key: null`. What is refused here would be a trap for whoever
 * merges or prints the values later.
 */
import { isAlias, isMap, isScalar, isSeq, type Document, type Node, type Pair, type Scalar } from 'yaml'
import type { Found, Path } from './mistakes.ts'

export interface Spot {
  /** Where the key stands; for the root and for list items where the value does. */
  key: number
  value: number
  /** As it is written; only for a scalar. */
  source?: string | undefined
  /** Nothing behind the key. */
  blank: boolean
}

export interface Tree {
  value: unknown
  spots: Map<string, Spot>
  found: Found[]
}

const deepest = 40
/** As many as yaml's own maxAliasCount allows. */
const mostAliases = 100
const mostCopied = 10_000

type Advice = readonly [message: string, write: string]

const notText: Advice = ['has a key that is not plain text', 'write name: value']
const reserved: Advice = ['is a word that no key may be', 'choose another name']
const noAnchor: Advice = [
  'refers to an anchor that is not above it',
  'write the value out, in quotes where it begins with *',
]
/** Without a prototype of its own, or each of these words would be found in it. */
const forbidden = Object.assign(Object.create(null) as Record<string, Advice>, {
  '<<': ['does not merge here', 'write the keys out'],
  ['__proto__']: reserved,
  constructor: reserved,
  prototype: reserved,
} satisfies Record<string, Advice>)

export const spotKey = (path: Path): string => JSON.stringify(path)

/** airflow.values belongs to the chart: there null, numbers and unknown keys are as good as any. */
export const isPassedThrough = (path: Path): boolean =>
  path.length > 2 && path[0] === 'airflow' && path[1] === 'values'

interface Visit extends Tree {
  text: string
  anchors: Map<string, Node>
  /** Nodes that we are inside of. */
  open: Set<Node>
  aliases: number
  copied: number
  copying: boolean
  full: boolean
}

export function readTree(document: Document, text: string): Tree {
  const tree: Tree = { value: undefined, spots: new Map(), found: [] }
  const counts = { aliases: 0, copied: 0, copying: false, full: false }
  const visit: Visit = { ...tree, ...counts, text, anchors: new Map(), open: new Set() }
  const root = document.contents
  visit.value = isBlank(root) ? {} : valueOf(visit, root, [], 0)
  return visit
}

function valueOf(visit: Visit, node: Node | null, path: Path, key: number): unknown {
  const offset = node?.range?.[0] ?? key
  const blank = isBlank(node)
  const source = isScalar(node) ? visit.text.slice(offset, node.range?.[1]) : undefined
  if (!visit.spots.has(spotKey(path))) visit.spots.set(spotKey(path), { key, value: offset, source, blank })
  if (isBlank(node)) return isPassedThrough(path) ? null : undefined
  if (path.length > deepest) return refuse(visit, offset, path, `lies deeper than ${deepest} levels`, 'write it flatter')
  if (isAlias(node)) return aliasValue(visit, node.source, path, offset)
  if (node.anchor !== undefined && !visit.copying) visit.anchors.set(node.anchor, node)
  if (visit.copying && ++visit.copied > mostCopied) return tooMuch(visit, offset, path)
  return contents(visit, node, path, offset)
}

function contents(visit: Visit, node: Node, path: Path, offset: number): unknown {
  if (isScalar(node)) return scalarValue(visit, node, path, offset)
  visit.open.add(node)
  try {
    if (isSeq<Node | null>(node)) return listValue(visit, node.items, path, offset)
    return isMap<Node | null, Node | null>(node) ? mapValue(visit, node.items, path, offset) : undefined
  } finally {
    visit.open.delete(node)
  }
}

function listValue(visit: Visit, items: (Node | null)[], path: Path, offset: number): unknown[] {
  return items.map((item, index) => valueOf(visit, item, [...path, index], item?.range?.[0] ?? offset))
}

function mapValue(visit: Visit, pairs: Pair<Node | null, Node | null>[], path: Path, offset: number): object {
  const map: Record<string, unknown> = {}
  for (const { key, value } of pairs) {
    const place = key?.range?.[0] ?? value?.range?.[0] ?? offset
    const name = keyName(visit, key, path, place)
    if (name === undefined) continue
    if (Object.hasOwn(map, name)) refuse(visit, place, [...path, name], 'is here for the second time', 'keep one of the two')
    else map[name] = valueOf(visit, value, [...path, name], place)
  }
  return map
}

function keyName(visit: Visit, key: Node | null, path: Path, place: number): string | undefined {
  const name = isScalar(key) && !isBlank(key) ? keyText(visit, key, place) : undefined
  const fault = name === undefined ? notText : forbidden[name]
  if (fault === undefined) return name
  refuse(visit, place, name === undefined ? path : [...path, name], ...fault)
  return undefined
}

/** As it is written, for a key such as 8080 or 1.10. */
function keyText(visit: Visit, key: Scalar, place: number): string {
  return typeof key.value === 'string' ? key.value : visit.text.slice(place, key.range?.[1])
}

function scalarValue(visit: Visit, { value }: Scalar, path: Path, offset: number): unknown {
  const lossy = Number.isInteger(value) ? !Number.isSafeInteger(value) : typeof value === 'number' && !Number.isFinite(value)
  if (lossy && isPassedThrough(path)) refuse(visit, offset, path, 'is a number that cannot be kept exactly', 'write it in quotes')
  return value
}

/** A copy, so that no two places share an object; counted, so that a small file cannot grow into a huge one. */
function aliasValue(visit: Visit, name: string, path: Path, offset: number): unknown {
  const target = visit.anchors.get(name)
  if (target === undefined) return refuse(visit, offset, path, ...noAnchor)
  if (visit.open.has(target)) return refuse(visit, offset, path, 'contains itself', 'write the value out')
  visit.aliases += 1
  if (visit.aliases > mostAliases || visit.copied > mostCopied) return tooMuch(visit, offset, path)
  const outer = visit.copying
  visit.copying = true
  const value = valueOf(visit, target, path, offset)
  visit.copying = outer
  return value
}

function tooMuch(visit: Visit, offset: number, path: Path): unknown {
  if (visit.full) return undefined
  visit.full = true
  return refuse(visit, offset, path, 'is one alias too many', 'write the values out')
}

function refuse(visit: Visit, offset: number, path: Path, message: string, write: string): unknown {
  visit.found.push({ offset, path, message, write })
  return undefined
}

/** `key:` with nothing behind it: not null, and not a password that YAML takes for an anchor or a tag. */
export function isBlank(node: Node | null): node is null {
  if (node === null) return true
  if (!isScalar(node) || node.value !== null) return false
  return (node.source ?? '') === '' && node.anchor === undefined && node.tag === undefined
}
