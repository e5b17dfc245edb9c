/**
 * Finds known texts in another, however many and however long they are. One pattern of all of them has a size
 * that no engine promises: past it V8 throws an error that quotes the whole pattern, or ends the process.
 */

/** A text is known by its beginning. Shorter ones would hit innocent words; a secret that short is no secret. */
const shortest = 6

/** Four bits further with each sign: what lies six signs back has left the number, and the next one costs one step. */
const hashBits = 4 * shortest
const hashMask = 2 ** hashBits - 1

export interface Finder {
  add: (text: string) => void
  /** Each hit, the first and there the longest, as `put` gives it; where it gives nothing another may lie within. */
  replace: (text: string, put: (found: string) => string | undefined) => string
}

/** All that begin alike, thousands of tokens of one maker for example: to try one after the other takes minutes. */
interface Alike {
  all: Set<string>
  /** In their order, from when they are looked for until another is added. */
  sorted?: Sorted | undefined
}

interface Sorted {
  values: string[]
  /** Of each the place of the longest other that it begins with, or -1. */
  within: number[]
}

export function createFinder(): Finder {
  const byBeginning = new Map<string, Alike>()
  let marks: Uint8Array | undefined
  return {
    add(known) {
      if (known.length < shortest) return
      const beginning = known.slice(0, shortest)
      const alike = byBeginning.get(beginning) ?? { all: new Set() }
      if (alike.all.has(known)) return
      alike.all.add(known)
      alike.sorted = undefined
      byBeginning.set(beginning, alike)
      let hash = 0
      for (let index = 0; index < shortest; index++) hash = hashed(hash, beginning.charCodeAt(index))
      marks ??= new Uint8Array(2 ** (hashBits - 3))
      marks[hash >> 3] = (marks[hash >> 3] ?? 0) | (1 << (hash & 7))
    },
    replace(text, put) {
      if (marks === undefined) return text
      let clean = ''
      let rest = 0
      let hash = 0
      for (let index = 0; index < text.length; index++) {
        hash = hashed(hash, text.charCodeAt(index))
        const start = index - shortest + 1
        if (start < rest || ((marks[hash >> 3] ?? 0) & (1 << (hash & 7))) === 0) continue
        const alike = byBeginning.get(text.slice(start, index + 1))
        for (const found of alike === undefined ? [] : foundAt(alike, text, start)) {
          const instead = standsAlone(text, start, found) ? put(found) : undefined
          if (instead === undefined) continue
          clean += text.slice(rest, start) + instead
          rest = start + found.length
          break
        }
      }
      return rest === 0 ? text : clean + text.slice(rest)
    },
  }
}

/** Of those the text goes on with here, the longest first: the last that sorts before it, or others within that. */
function* foundAt(alike: Alike, text: string, start: number): Generator<string> {
  alike.sorted ??= sorted(alike.all)
  const { values, within } = alike.sorted
  const rest = text.slice(start)
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((values[middle] ?? '') <= rest) low = middle + 1
    else high = middle
  }
  const nearest = values[low - 1] ?? ''
  let common = 0
  while (common < nearest.length && nearest.charCodeAt(common) === rest.charCodeAt(common)) common++
  for (let at = low - 1; at >= 0; at = within[at] ?? -1) {
    const value = values[at] ?? ''
    if (value.length <= common) yield value
  }
}

function sorted(all: ReadonlySet<string>): Sorted {
  const values = [...all].sort()
  const within: number[] = []
  for (const [index, value] of values.entries()) {
    let before = index - 1
    while (before >= 0 && !value.startsWith(values[before] ?? '')) before = within[before] ?? -1
    within.push(before)
  }
  return { values, within }
}

function hashed(before: number, code: number): number {
  return ((before << 4) ^ code) & hashMask
}

/** Of digits alone only as a whole number: any longer one, of an id or a time, may hold them. */
function standsAlone(text: string, start: number, found: string): boolean {
  return !/^\d{1,9}$/.test(found) || !(/\d/.test(text[start - 1] ?? '') || /\d/.test(text[start + found.length] ?? ''))
}
