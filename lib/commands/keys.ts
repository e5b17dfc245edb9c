/** Keys and passwords, listed and carried to another cluster; their values are shown nowhere. */
import { refuseExistingKeys, writeKeys } from '../adapters/keyfile.ts'
import { releaseAndChart } from '../airflow/choice.ts'
import { familyOfRelease } from '../airflow/families.ts'
import { keyringOf, referencesTo } from '../airflow/keyring.ts'
import { everySecretRef, secretRefs } from '../airflow/keys.ts'
import { familyFor, wishFor } from '../airflow/release.ts'
import { airflowSpec, type AirflowSpec } from '../airflow/spec.ts'
import { nearest } from '../config/suggest.ts'
import { AirstripError } from '../errors.ts'
import type { KubernetesObject, Reader } from '../access.ts'
import type { Deps, Flags } from './deps.ts'
import { importKeys } from './keys-import.ts'
import { lookingSession } from './look.ts'
import { keysAction } from './options.ts'
import { askForPassphrase } from './passphrase.ts'

/** `work`: how much each guess at a new passphrase costs. */
export async function runKeys(words: readonly string[], flags: Flags, deps: Deps, work?: number): Promise<number> {
  const [action, file] = words
  refuseWords(action, file)
  if (action === undefined || file === undefined) return showKeys(flags, deps)
  return action === 'export' ? exportKeys(file, flags, deps, work) : importKeys(file, flags, deps)
}

function refuseWords(action: string | undefined, file: string | undefined): void {
  const known = keysAction.choices ?? []
  if (action === undefined) return
  if (!known.includes(action)) {
    const near = nearest(action, known)
    throw new AirstripError('USAGE', `keys ${JSON.stringify(action)} is not one of ${known.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}.`, { next: 'Write keys export FILE or keys import FILE; keys alone lists them.' })
  }
  if (file === undefined) throw new AirstripError('USAGE', `keys ${action} needs a file.`, { next: `Write keys ${action} FILE.` })
}

interface Seen {
  spec: AirflowSpec
  reader: Reader
  /** Of the release, or as the next apply would make them. */
  values: Record<string, unknown>
  /** Those that are there. */
  there: KubernetesObject[]
  /** Those that this chart is given, and that are not. */
  missing: string[]
}

async function look({ session }: Pick<ReturnType<typeof lookingSession>, 'session'>): Promise<Seen> {
  const spec = airflowSpec(session.config)
  const reader = session.look()
  const { name, namespace, executor } = spec.release
  const release = await reader.release(name, namespace)
  const family = release === undefined ? familyFor(spec.release, (await releaseAndChart(spec.release, reader))[1]) : familyOfRelease(release)
  const there = (await reader.get(everySecretRef(spec.keys))).filter((secret) => secret !== undefined)
  const missing = secretRefs(spec.keys, family).map((ref) => ref.name).filter((one) => !there.some(({ metadata }) => metadata.name === one))
  return { spec, reader, values: release?.values ?? wishFor(spec.release, family, executor).values, there, missing }
}

async function showKeys(flags: Flags, deps: Deps): Promise<number> {
  const { spec: { release: { name: release, namespace } }, values, there, missing } = await look(lookingSession(flags, deps))
  const rows = [
    ...there.map(({ metadata }) => ({ name: metadata.name, createdAt: metadata.creationTimestamp ?? null })),
    ...missing.map((name) => ({ name, createdAt: null })),
  ].map((row) => ({ ...row, usedBy: referencesTo(row.name, values) }))
  if (flags.json === true) deps.out(JSON.stringify({ namespace, release, complete: missing.length === 0, secrets: rows }, undefined, 2))
  else {
    const width = Math.max(...rows.map(({ name }) => name.length))
    for (const { name, createdAt, usedBy } of rows) deps.out(`${name.padEnd(width)}  ${createdAt === null ? 'not there' : `since ${createdAt}`}  ${usedBy.length === 0 ? 'no value of the chart names it' : `for ${usedBy.join(', ')}`}`)
    deps.out(missing.length === 0 ? `all ${rows.length} are in namespace ${namespace}; keys export FILE carries them` : `${missing.length} of ${rows.length} are not in namespace ${namespace}; the next apply makes them, unless keys import FILE brings them`)
  }
  return 0
}

async function exportKeys(file: string, flags: Flags, deps: Deps, work?: number): Promise<number> {
  const open = lookingSession(flags, deps)
  refuseExistingKeys(file)
  const { spec: { release }, reader, there, missing } = await look(open)
  const place = `${release.namespace}/${release.name}`
  if (missing.length > 0) throw new AirstripError('KEYS_MISSING', `${missing.length} of the keys and passwords of ${place} are not there, so nothing was exported.`, { seen: missing.map((name) => `Secret ${release.namespace}/${name} is not there`) })
  const passphrase = await askForPassphrase(flags, deps, reader, 'new')
  open.redactor.add(passphrase)
  await writeKeys(file, JSON.stringify(keyringOf(release, there, deps.clock.now())), passphrase, work)
  if (flags.json === true) deps.out(JSON.stringify({ file, namespace: release.namespace, release: release.name, secrets: there.map(({ metadata }) => metadata.name) }, undefined, 2))
  else if (flags.quiet !== true) deps.out(`${there.length} keys and passwords of ${place} are in ${file}, encrypted; without the passphrase nobody opens it, nor do you`)
  return 0
}
