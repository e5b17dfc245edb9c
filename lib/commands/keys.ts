/** Keys and passwords, listed and carried to another cluster; their values are shown nowhere. */
import { refuseExistingKeys, writeKeys } from '../adapters/keyfile.ts'
import { keyringOf, referencesTo } from '../airflow/keyring.ts'
import { secretRefs } from '../airflow/keys.ts'
import { wishFor } from '../airflow/release.ts'
import { airflowSpec, type AirflowSpec } from '../airflow/spec.ts'
import { nearest } from '../config/suggest.ts'
import { AirstripError } from '../errors.ts'
import type { KubernetesObject, Reader } from '../access.ts'
import type { Deps, Flags } from './deps.ts'
import { importKeys } from './keys-import.ts'
import { lookingSession } from './look.ts'
import { keysAction } from './options.ts'
import { askForPassphrase } from './passphrase.ts'

export async function runKeys(words: readonly string[], flags: Flags, deps: Deps): Promise<number> {
  const [action, file] = words
  refuseWords(action, file)
  if (action === undefined || file === undefined) return showKeys(flags, deps)
  return action === 'export' ? exportKeys(file, flags, deps) : importKeys(file, flags, deps)
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
  /** In the order of the Secrets that a release has. */
  live: (KubernetesObject | undefined)[]
  names: string[]
}

async function look({ session }: Pick<ReturnType<typeof lookingSession>, 'session'>): Promise<Seen> {
  const spec = airflowSpec(session.config)
  const reader = session.look()
  const refs = secretRefs(spec.keys)
  return { spec, reader, live: await reader.get(refs), names: refs.map(({ name }) => name) }
}

async function showKeys(flags: Flags, deps: Deps): Promise<number> {
  const { spec, reader, live, names } = await look(lookingSession(flags, deps))
  const { name: release, namespace } = spec.release
  const values = (await reader.release(release, namespace))?.values ?? wishFor(spec.release, spec.release.executor).values
  const rows = names.map((name, index) => ({ name, createdAt: live[index]?.metadata.creationTimestamp ?? null, usedBy: referencesTo(name, values) }))
  const missing = rows.filter(({ createdAt }) => createdAt === null)
  if (flags.json === true) deps.out(JSON.stringify({ namespace, release, complete: missing.length === 0, secrets: rows }, undefined, 2))
  else {
    const width = Math.max(...names.map((name) => name.length))
    for (const { name, createdAt, usedBy } of rows) deps.out(`${name.padEnd(width)}  ${createdAt === null ? 'not there' : `since ${createdAt}`}  ${usedBy.length === 0 ? 'no value of the chart names it' : `for ${usedBy.join(', ')}`}`)
    deps.out(missing.length === 0 ? `all ${rows.length} are in namespace ${namespace}; keys export FILE carries them` : `${missing.length} of ${rows.length} are not in namespace ${namespace}; the next apply makes them, unless keys import FILE brings them`)
  }
  return 0
}

async function exportKeys(file: string, flags: Flags, deps: Deps): Promise<number> {
  const open = lookingSession(flags, deps)
  refuseExistingKeys(file)
  const { spec: { release }, reader, live, names } = await look(open)
  const there = live.filter((secret) => secret !== undefined)
  if (there.length < names.length) {
    throw new AirstripError('KEYS_MISSING', `${names.length - there.length} of ${names.length} keys and passwords are not in namespace ${release.namespace}, so nothing was exported.`, { seen: names.filter((_, index) => live[index] === undefined).map((name) => `Secret ${release.namespace}/${name} is not there`) })
  }
  const passphrase = await askForPassphrase(flags, deps, reader, 'new')
  open.redactor.add(passphrase)
  await writeKeys(file, JSON.stringify(keyringOf(release, there, deps.clock.now())), passphrase)
  if (flags.json === true) deps.out(JSON.stringify({ file, namespace: release.namespace, release: release.name, secrets: names }, undefined, 2))
  else if (flags.quiet !== true) deps.out(`${names.length} keys and passwords of ${release.namespace}/${release.name} are in ${file}, encrypted; without the passphrase nobody opens it, nor do you`)
  return 0
}
