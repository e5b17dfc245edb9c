/** What an unknown key was likely meant to be. */
import { closest, distance } from 'fastest-levenshtein'
import { pathText, type Path } from './mistakes.ts'
import { outline, outlineAt, type Outline } from './json-schema.ts'

export function suggestKey(section: Path, key: string): string {
  const keys = Object.keys(outlineAt(section)?.properties ?? {})
  const near = nearest(key, keys)
  if (near !== undefined) return `did you mean ${near}?`
  const elsewhere = sectionsWith(key).filter((place) => place !== pathText(section))
  if (elsewhere.length > 0) return `it belongs under ${elsewhere.join(' or ')}`
  return keys.length > 0 ? `the keys here are ${keys.join(', ')}` : 'leave it out'
}

/** The one of `known` that this begins, or that differs in case, dashes, or about every third letter. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || word.length > 64) return undefined
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/gu, '')
  const target = plain(word)
  if (target.length < 3) return undefined
  const begun = known.filter((name) => plain(name).startsWith(target)).sort((a, b) => a.length - b.length)
  if (begun[0] !== undefined) return begun[0]
  const near = known.find((name) => plain(name) === closest(target, known.map(plain)))
  if (near === undefined) return undefined
  return distance(target, plain(near)) <= Math.max(1, Math.floor(near.length / 3)) ? near : undefined
}

function sectionsWith(key: string): string[] {
  const places: string[] = []
  const search = (node: Outline, path: string[]) => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      if (name === key) places.push(path.length === 0 ? 'the top of the file' : path.join('.'))
      // env and file occur below every secret: no help.
      if (name !== 'password') search(child, [...path, name])
    }
  }
  search(outline(), [])
  return places
}
