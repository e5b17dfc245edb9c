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

/** What helps to find and understand a failed assertion; stack and source repeat the place. */
export function failureLines(path: string[], { name, diag }: Result): string[] {
  const { at, diff, found, wanted, stack } = (diag ?? {}) as { at?: { fileName?: string; lineNumber?: number }; diff?: string; found?: unknown; wanted?: unknown; stack?: string }
  const place = at?.fileName === undefined ? stack?.split('\n')[0] : `${at.fileName}:${at.lineNumber ?? 0}`
  const seen = diff ?? (found === undefined ? '' : `wanted ${JSON.stringify(wanted)}\nfound  ${JSON.stringify(found)}`)
  const others = diff === undefined && found === undefined ? JSON.stringify(diag ?? {}, (key, value: unknown) => (['at', 'stack', 'source'].includes(key) ? undefined : value)) : ''
  return [
    `FAILED  ${[...path, name].filter(part => part !== '').join(' › ')}`,
    ...(place === undefined || place === '' ? [] : [`        at ${place}`]),
    ...[...seen.split('\n'), ...(others === '{}' ? [] : others.split('\n'))].filter(line => line !== '').map(line => `        ${line}`),
  ]
}
