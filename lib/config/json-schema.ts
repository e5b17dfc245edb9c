/** The schema as JSON Schema: for editors, and for us to look up what belongs at a place. */
import * as z from 'zod'
import { schema } from './schema.ts'

/** The part of JSON Schema that zod makes of our schema. */
export interface Outline {
  type?: string | string[]
  description?: string
  properties?: Record<string, Outline>
  required?: string[]
  items?: Outline
  enum?: string[]
  examples?: unknown[]
  default?: unknown
  additionalProperties?: unknown
  pattern?: string
  minimum?: number
  maximum?: number
  maxItems?: number
  [keyword: string]: unknown
}

let made: Outline | undefined

/** Made when the first mistake asks for it: a file without mistakes does not pay for it. */
export function outline(): Outline {
  made ??= z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }) as Outline
  return made
}

export function outlineAt(path: readonly (string | number)[]): Outline | undefined {
  return path.reduce<Outline | undefined>(below, outline())
}

function below(node: Outline | undefined, part: string | number): Outline | undefined {
  if (typeof part === 'number') return node?.items
  return node?.properties !== undefined && Object.hasOwn(node.properties, part) ? node.properties[part] : undefined
}

let keys: Set<string> | undefined

/** Whether the schema knows this key, at any level. */
export function isKnownKey(key: string): boolean {
  keys ??= new Set(keysOf(outline()))
  return keys.has(key)
}

function keysOf(node: Outline): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => [key, ...keysOf(child)])
}

/** Whether `key:` with nothing behind it can be read as if it were not there. */
export function mayBeBlank(parent: Outline | undefined, key: string | number): boolean {
  const node = below(parent, key)
  if (node === undefined || typeof key === 'number') return false
  return node.type === 'object' || node.type === 'array' || isOptional(parent, key)
}

function isOptional(parent: Outline | undefined, key: string): boolean {
  return parent?.required?.includes(key) !== true && parent?.properties?.[key]?.default === undefined
}

/** What stands in airstrip.schema.json. */
export function schemaText(): string {
  const { $schema, ...rest } = outline()
  const description = 'What airstrip is to make of a cluster; see airstrip.example.yaml.'
  const whole = { $schema, $id: 'airstrip.schema.json', title: 'airstrip configuration', description, ...withBlanks(rest) }
  return `${JSON.stringify(whole, undefined, 2)}\n`
}

/** An editor must not underline `manifest:` with nothing behind it, which is as good as left out. */
function withBlanks(node: Outline): Outline {
  const { properties } = node
  if (properties === undefined) return node
  const entries = Object.entries(properties).map(([key, child]): [string, Outline] => {
    const known = withBlanks(child)
    const required = node.required?.includes(key) === true
    return [key, mayBeBlank(node, key) && !required ? { ...known, type: [known.type ?? 'object', 'null'].flat() } : known]
  })
  return { ...node, properties: Object.fromEntries(entries) }
}
