/** The program's own source, as the rules of the repository look at it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** What is kept in git, and what is new and not ignored; not what was only deleted here. */
export const tracked: readonly string[] = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n').filter((path) => path !== '' && read(path) !== undefined)

export const sources = tracked.filter((path) => path.endsWith('.ts'))
export const program = sources.filter((path) => path === 'run.ts' || path.startsWith('lib/') || path.startsWith('steps/'))

export function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

const parsed = new Map<string, ts.SourceFile>()

export function parse(path: string): ts.SourceFile {
  const known = parsed.get(path) ?? ts.createSourceFile(path, read(path) ?? '', ts.ScriptTarget.Latest, true)
  parsed.set(path, known)
  return known
}

/** What a file imports: of this repository as paths from its root, of elsewhere as it is written. */
export function importsOf(path: string): string[] {
  const words = ts.preProcessFile(read(path) ?? '').importedFiles.map(({ fileName }) => fileName)
  return words.map((word) => (word.startsWith('.') ? normalize(join(dirname(path), word)) : word))
}
