/** What `doctor --bundle` writes for a stranger to read, and what `--from` takes of it. */
import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'
import type { Evidence } from '../doctor/evidence.ts'
import { evidenceSchema } from '../doctor/evidence-schema.ts'
import type { Diagnosis } from '../doctor/diagnose.ts'
import { omissions, type Omitted, type Redact } from '../doctor/redact.ts'
import { finding } from '../engine/finding.ts'
import { AirstripError } from '../errors.ts'
import { diagnosisJson, diagnosisLines } from './diagnosis.ts'

const evidenceVersion = 1
const format = 'airstrip-evidence'
const folder = 'airstrip-bundle'
export const evidenceFile = `${folder}/evidence.json`

export const storedSchema = z.strictObject({
  format: z.literal(format).describe('What this file is'),
  version: z.literal(evidenceVersion).describe('Of this schema; a newer one may have more, and is refused by an older airstrip'),
  airstrip: z.string().describe('The version that wrote it'),
  evidence: evidenceSchema.describe('What was collected'),
  beside: z.array(finding).describe('What the prerequisites said'),
})

export type Stored = Pick<z.output<typeof storedSchema>, 'airstrip' | 'evidence' | 'beside'>

export interface File {
  path: string
  bytes: string
}

/** Everything in the archive. `redact` is the last net, over texts that are no data. */
export function bundleFiles(stored: Stored, diagnosis: Diagnosis, redact: Redact): File[] {
  const { evidence, airstrip } = stored
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
  const files = [
    { path: 'report.txt', bytes: `${redact(diagnosisLines(diagnosis, false).join('\n'))}\n` },
    { path: 'findings.json', bytes: `${diagnosisJson(diagnosis)}\n` },
    { path: 'evidence.json', bytes: json({ format, version: evidenceVersion, ...stored } satisfies z.output<typeof storedSchema>) },
    { path: 'versions.json', bytes: json({ airstrip, ...evidence.versions }) },
    ...logFiles(evidence).map(({ path, bytes }) => ({ path, bytes: redact(bytes) })),
  ]
  return [{ path: 'MANIFEST', bytes: manifest(stored, files) }, ...files].map(({ path, bytes }) => ({ path: `${folder}/${path}`, bytes }))
}

/** Numbered, for two long names may begin alike. */
function logFiles({ logs }: Evidence): File[] {
  const plain = (name: string): string => name.replace(/[^\w.-]/g, '_').slice(0, 60)
  return logs.map(({ pod, container, previous, lines }, index) => ({
    path: `logs/${String(index + 1).padStart(2, '0')}-${plain(pod)}-${plain(container)}${previous ? '-previous' : ''}.log`,
    bytes: `${lines.join('\n')}\n`,
  }))
}

function manifest({ evidence, airstrip }: Stored, files: readonly File[]): string {
  return [
    `A bundle of airstrip doctor, version ${evidenceVersion}, written by airstrip ${airstrip}.`,
    `Collected at ${evidence.at}, of namespace ${evidence.namespace}. Judge it again: airstrip doctor --from FILE`,
    '',
    'Files:',
    ...files.map(({ path, bytes }) => `  ${String(Buffer.byteLength(bytes)).padStart(9)}  ${path}`),
    '',
    'Left out or taken out, and how often:',
    ...omittedLines(evidence).map((line) => `  ${line}`),
    '',
    'Kept: names of objects, images, hosts, addresses of the network, paths, names of users, sizes and times.',
    '',
  ].join('\n')
}

export function omittedLines({ redacted = {} }: Evidence): string[] {
  return (Object.entries(omissions) as [Omitted, string][]).map(([kind, words]) => `${String(redacted[kind] ?? 0).padStart(6)}  ${words} (${kind})`)
}

/** Text of evidence.json that came from anywhere. What it says is shown at a terminal, so it may steer none. */
export function parseStored(text: string, path: string): Stored {
  const value = json(text, path)
  const head = z.object({ format: z.literal(format), version: z.number(), airstrip: z.string() }).safeParse(value)
  if (!head.success) throw damaged(path, 'its evidence.json is not what airstrip writes')
  if (head.data.version > evidenceVersion) {
    throw new AirstripError('BUNDLE_NEWER', `${path} was written by a newer airstrip (evidence version ${head.data.version}, this one reads ${evidenceVersion}).`, { place: path, next: `Use airstrip ${plain(head.data.airstrip).slice(0, 40)} or newer.` })
  }
  const whole = checked(value, path)
  if (whole.success) return whole.data
  const [issue] = whole.error.issues
  throw damaged(path, `its evidence.json is not what airstrip writes, at ${plain(issue?.path.map(String).join('.') ?? '').slice(0, 200) || 'its root'}`)
}

/** Nested deeper than the stack reaches, it is refused like any other nonsense. */
function checked(value: unknown, path: string): ReturnType<typeof storedSchema.safeParse> {
  try {
    return storedSchema.safeParse(value)
  } catch {
    throw damaged(path, 'its evidence.json is not what airstrip writes')
  }
}

function json(text: string, path: string): unknown {
  try {
    return JSON.parse(text, (_, inner: unknown) => withoutControls(inner))
  } catch {
    throw damaged(path, 'its evidence.json is no JSON')
  }
}

function withoutControls(value: unknown): unknown {
  if (typeof value === 'string') return plain(value)
  if (typeof value !== 'object' || value === null || Object.keys(value).every((key) => plain(key) === key)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [plain(key), inner]))
}

function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/(?![\t\n])\p{Cc}/gu, '')
}

export function damaged(path: string, why: string): AirstripError {
  return new AirstripError('BUNDLE_DAMAGED', `${path} is no bundle that doctor can read: ${why}.`, { place: path })
}
