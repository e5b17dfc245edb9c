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
  /** Each hit, the first and there the longest, as `put` gives it. */
  replace: (text: string, put: (found: string) => string) => string
}

export function createFinder(): Finder {
  const byBeginning = new Map<string, string[]>()
  let marks: Uint8Array | undefined
  return {
    add(known) {
      if (known.length < shortest) return
      const beginning = known.slice(0, shortest)
      const alike = byBeginning.get(beginning) ?? []
      if (alike.includes(known)) return
      const longer = alike.findIndex(({ length }) => length < known.length)
      alike.splice(longer < 0 ? alike.length : longer, 0, known)
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
        const found = byBeginning.get(text.slice(start, index + 1))?.find((one) => text.startsWith(one, start) && standsAlone(text, start, one))
        if (found === undefined) continue
        clean += text.slice(rest, start) + put(found)
        rest = start + found.length
      }
      return rest === 0 ? text : clean + text.slice(rest)
    },
  }
}

function hashed(before: number, code: number): number {
  return ((before << 4) ^ code) & hashMask
}

/** Of digits alone only as a whole number: any longer one, of an id or a time, may hold them. */
function standsAlone(text: string, start: number, found: string): boolean {
  return !/^\d{1,9}$/.test(found) || !(/\d/.test(text[start - 1] ?? '') || /\d/.test(text[start + found.length] ?? ''))
}
