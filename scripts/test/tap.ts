import { Parser } from 'tap-parser'
import type { Result } from 'tap-parser'
import type { Readable } from 'node:stream'

export interface Tally {
  passed: number
  failed: number
  skipped: number
}

export interface Listener {
  /** A test of the outermost level that has ended: a file, where tap runs several. */
  ended: (name: string, ok: boolean, ms: number) => void
  failed: (path: string[], result: Result) => void
}

/** Counts assertions as tap does: each once, and the subtest that they stand in not again. */
export async function readTap(stream: Readable, listener: Listener): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  const parser = new Parser()
  follow(parser, [], tally, listener)
  await new Promise<void>((resolve, reject) => {
    parser.on('complete', () => { resolve() })
    stream.on('error', reject)
    stream.pipe(parser)
  })
  return tally
}

function follow(parser: Parser, path: string[], tally: Tally, listener: Listener): void {
  let before = 0
  parser.on('child', (inner: Parser) => {
    before = tally.failed
    follow(inner, [...path, inner.name], tally, listener)
  })
  parser.on('assert', (result: Result) => {
    const { closingTestPoint, ok, name, skip, todo, time } = result
    if (path.length === 0) listener.ended(name, ok, time ?? 0)
    // A file that could not even be loaded fails without an assertion of its own.
    if (closingTestPoint && (ok || tally.failed > before)) return
    if (skip !== false || todo !== false) tally.skipped += 1
    else if (ok) tally.passed += 1
    else {
      tally.failed += 1
      listener.failed(path, result)
    }
  })
}

interface Diagnostics {
  at?: { fileName?: string; lineNumber?: number }
  stack?: string
  diff?: string
  found?: unknown
  wanted?: unknown
  /** What a program said; our cluster tests hand it in. */
  said?: string
}

/** What helps to find and understand a failed assertion; the source would only repeat the place. */
export function failureLines(path: string[], { name, diag }: Result): string[] {
  const { at, stack, diff, found, wanted, said, ...others } = (diag ?? {}) as Diagnostics
  const place = at?.fileName === undefined ? stack?.split('\n')[0] : `${at.fileName}:${at.lineNumber ?? 0}`
  const compared = diff ?? (found === undefined ? otherwise(others) : `wanted ${JSON.stringify(wanted)}\nfound  ${JSON.stringify(found)}`)
  const details = [place === undefined ? '' : `at ${place}`, compared, said ?? ''].join('\n').split('\n').filter(line => line !== '')
  return [`FAILED  ${[...path, name].filter(part => part !== '').join(' › ')}`, ...details.map(line => `        ${line}`)]
}

function otherwise(others: Record<string, unknown>): string {
  const told = Object.entries(others).filter(([key]) => !['source', 'typeName', 'methodName', 'functionName'].includes(key))
  return told.length === 0 ? '' : JSON.stringify(Object.fromEntries(told))
}
