import t from 'tap'
import { schemaFiles } from '../../scripts/schema/files.ts'
import { read, tracked } from './source.ts'

interface Node {
  description?: string
  properties?: Record<string, Node>
  [keyword: string]: unknown
}

/** Every key that is described nowhere, by its path. */
function bare(node: unknown, path: string): string[] {
  if (Array.isArray(node)) return node.flatMap((one, index) => bare(one, `${path}[${index}]`))
  if (typeof node !== 'object' || node === null) return []
  const { properties = {}, ...rest } = node as Node
  return [
    ...Object.entries(properties).flatMap(([key, child]) => {
      const said = child.description !== undefined || child.const !== undefined || child.$ref !== undefined || child.allOf !== undefined
      return [...(said ? [] : [`${path}.${key}`]), ...bare(child, `${path}.${key}`)]
    }),
    ...Object.entries(rest).flatMap(([keyword, child]) => bare(child, `${path}/${keyword}`)),
  ]
}

void t.test('the JSON Schemas are what the code says now (npx tsx scripts/schema.ts writes them)', (t) => {
  for (const [path, text] of Object.entries(schemaFiles)) t.equal(read(path), text(), path)
  t.same(tracked.filter((path) => /^(lib\/.*|[^/]*)\.schema\.json$/.test(path) && !(path in schemaFiles)), [], 'and there are no others')
  t.end()
})

void t.test('every key of what airstrip writes says what it is', (t) => {
  for (const [path, text] of Object.entries(schemaFiles)) t.same(bare(JSON.parse(text()), ''), [], path)
  t.end()
})
