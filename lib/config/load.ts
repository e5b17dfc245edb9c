/** A configuration file in; a configuration without gaps out, or every mistake in it at once. */
import { dirname, resolve } from 'node:path'
import { isMap } from 'yaml'
import { AirstripError } from '../errors.ts'
import type { SecretSource } from '../access.ts'
import { explain } from './explain.ts'
import { invalid, pathText, printable, type Found, type Mistake } from './mistakes.ts'
import { ownedValues } from './owned-values.ts'
import { plainSecrets } from './plain-secrets.ts'
import { isLocal } from './places.ts'
import { schema, type Config } from './schema.ts'
import { safePath } from './secrets.ts'
import { lineCounter, parseYaml } from './syntax.ts'
import { isBlank, readTree } from './tree.ts'

/** All that airstrip cannot know by itself. */
export const smallest = `storage:
  path: /srv/airflow
ingress:
  host: home.example.org
  certResolver: letsencrypt`

export function loadConfig(file: string, readFile: (path: string) => string): Config {
  return parseConfig(read(file, readFile), file)
}

function read(file: string, readFile: (path: string) => string): string {
  try {
    return readFile(file)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    const absent = code === 'ENOENT' || code === 'ENOTDIR'
    const sentence = absent ? `There is no file ${printable(file)}` : `${printable(file)} cannot be read (${code})`
    throw new AirstripError('CONFIG_MISSING', sentence, {
      place: printable(file),
      next: absent
        ? `Write this to ${printable(file)}, with your own three values, or name another file with --config FILE:\n${smallest}`
        : 'Make it a file that you can read, or name another with --config FILE.',
      cause,
    })
  }
}

export function parseConfig(text: string, file: string): Config {
  // A byte order mark is not text, and would shift the first line by a column.
  const clean = text.replace(/^\uFEFF/u, '')
  const { config, found } = judge(clean)
  if (config === undefined) throw invalid(file, placed(clean, found))
  return resolved(config, dirname(file))
}

function judge(text: string): { config?: Config; found: Found[] } {
  const { document, found: broken } = parseYaml(text)
  // In a tree that fell apart every key is missing somewhere: only the cause is worth telling.
  if (document === undefined || broken.length > 0) return { found: broken }
  const root = document.contents
  if (!isMap(root) && !isBlank(root)) return { found: [notMap(root?.range?.[0] ?? 0)] }
  const tree = readTree(document, text)
  const result = schema.safeParse(tree.value)
  const found = [...tree.found, ...plainSecrets(tree), ...ownedValues(tree), ...explain(tree, result.error?.issues ?? [])]
  return result.success && found.length === 0 ? { config: withoutBlanks(result.data), found } : { found }
}

function notMap(offset: number): Found {
  const write = 'write sections with keys, for example storage: and below it path: /srv/airflow'
  return { offset, path: [], message: 'the file is not a map of sections', write }
}

function placed(text: string, found: readonly Found[]): Mistake[] {
  const counter = lineCounter(text)
  const mistakes = new Map<string, Mistake>()
  for (const { offset, path, text: seen, message, write } of found) {
    const { line, col: column } = counter.linePos(offset)
    const where = pathText(safePath(path))
    const place = `${line}:${column}:${where}`
    const mistake = { line, column, path: where, ...(seen !== undefined && { text: seen }), message, write }
    if (!mistakes.has(place)) mistakes.set(place, mistake)
  }
  return [...mistakes.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

/** `manifest:` with nothing behind it is as good as left out, also for `'manifest' in provisioner`. */
function withoutBlanks<T extends object>(section: T): T {
  const entries = Object.entries(section as Record<string, unknown>).filter(([, value]) => value !== undefined)
  const isSection = (key: string, value: unknown) => key !== 'values' && typeof value === 'object' && !Array.isArray(value)
  return Object.fromEntries(entries.map(([key, value]) => [key, isSection(key, value) ? withoutBlanks(value as object) : value])) as T
}

/** What is relative in the file is relative to the file, not to where airstrip was started. */
function resolved(config: Config, folder: string): Config {
  const { airflow, provisioner, notify } = config
  const absolute = (path: string) => resolve(folder, path)
  const secret = (source: SecretSource) => ('file' in source ? { file: absolute(source.file) } : source)
  const { admin, database } = airflow
  return {
    ...config,
    airflow: {
      ...airflow,
      chart: isLocal(airflow.chart) ? absolute(airflow.chart) : airflow.chart,
      admin: { ...admin, ...(admin.password && { password: secret(admin.password) }) },
      database: { ...database, ...(database.password && { password: secret(database.password) }) },
    },
    provisioner: { ...provisioner, ...(provisioner.manifest !== undefined && { manifest: absolute(provisioner.manifest) }) },
    // A bare name is looked up on the PATH.
    ...(notify && { notify: { command: notify.command.map((word, index) => (index === 0 && word.includes('/') ? absolute(word) : word)) } }),
  }
}
