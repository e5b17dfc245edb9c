import { damagedKeys, readKeys, refuseOtherFormat } from '../adapters/keyfile.ts'
import { compared, parseKeyring, secretsOf, type Compared, type Keyring } from '../airflow/keyring.ts'
import { readData, secretsInData } from '../airflow/keys.ts'
import { makeChanges, objectsOf } from '../changes.ts'
import { isNonEmpty } from '../check.ts'
import type { Config } from '../config/schema.ts'
import { announcePlan } from '../engine/agreement.ts'
import { identify } from '../engine/identity.ts'
import { AirstripError } from '../errors.ts'
import { pick } from '../manifest/load.ts'
import { storageObjects } from '../manifest/storage.ts'
import { clusterId } from '../observe/cluster-id.ts'
import type { KubernetesObject, NonEmpty, ObjectRef, Reader } from '../access.ts'
import type { Change } from '../step.ts'
import { consent } from './consent.ts'
import type { Deps, Flags } from './deps.ts'
import { askForPassphrase } from './passphrase.ts'
import { clusterOf, recorded, running, type Run } from './run.ts'

/** Creates what is not there, and never changes what is: two keys of one name are for a person to judge. */
export async function importKeys(file: string, flags: Flags, deps: Deps): Promise<number> {
  refuseOtherFormat(file)
  return running([], flags, deps, async (run) => {
    // To try a passphrase takes a second in which nothing else goes on: the way to the cluster must be open by then.
    await clusterId(run.session.look())
    const keyring = await opened(file, run)
    return recorded(run, false, async (state) => {
      run.emit({ type: 'run-started', command: 'keys import', cluster: clusterOf(flags), steps: [] })
      await identify(run.session.look(), state, run.session.file.path)
      return take(keyring, run)
    })
  })
}

async function opened(file: string, { session, flags, deps }: Run): Promise<Keyring> {
  const { config, redactor } = session
  const passphrase = await askForPassphrase(flags, deps, session.look(), 'known')
  redactor.add(passphrase)
  const keyring = parseKeyring(await readKeys(file, passphrase))
  if (keyring === undefined) throw damagedKeys(file, 'what is in it is not what `keys export` writes')
  if (keyring === 'newer') throw new AirstripError('KEYS_NEWER', `${file} was written by a newer airstrip.`, { place: file })
  for (const secret of keyring.secrets) for (const one of secretsInData(readData(secret))) redactor.add(one)
  refuseForeign(keyring, config, file)
  return keyring
}

/** Their connections name release and namespace; and a file is not to make Secrets of any other name. */
function refuseForeign({ namespace, release, secrets }: Keyring, { airflow }: Config, file: string): void {
  if (namespace !== airflow.namespace || release !== airflow.release) {
    throw new AirstripError('KEYS_DIFFER', `${file} has the keys of ${namespace}/${release}, and this configuration is for ${airflow.namespace}/${airflow.release}.`, { place: file, next: `Write airflow.namespace: ${namespace} and airflow.release: ${release} in the configuration, or take the file of this release.` })
  }
  const other = secrets.find(({ name }) => !name.startsWith(`${release}-airstrip-`))
  if (other !== undefined) throw damagedKeys(file, `Secret ${other.name} in it is not one of airstrip's`)
}

async function take(keyring: Keyring, run: Run): Promise<number> {
  const { session, flags, deps, emit } = run
  const seen = await comparedNow(keyring, session.look())
  show(seen, keyring, run)
  refuseDifferent(seen, keyring)
  const changes = await changesFor(seen, keyring, session.config, session.look())
  if (!isNonEmpty(changes)) return 0
  announcePlan([{ step: 'helm', changes }], emit)
  const asked = await consent([{ step: 'helm', word: 'change', changes }], { flags, deps, session, emit })
  // A person takes a while to answer; what somebody made meanwhile is kept, and may be another.
  if (asked) refuseDifferent(await comparedNow(keyring, session.look()), keyring)
  for (const change of changes) for (const object of objectsOf(change)) emit({ type: 'change', step: 'helm', op: change.op, object, why: change.why })
  await makeChanges(changes, session.writer(deps.signal))
  // Who was first made the one that is kept.
  refuseDifferent(await comparedNow(keyring, session.look()), keyring)
  return 0
}

function refsOf({ namespace, secrets }: Keyring): ObjectRef[] {
  return secrets.map(({ name }) => ({ apiVersion: 'v1', kind: 'Secret', name, namespace }))
}

async function comparedNow(keyring: Keyring, reader: Reader): Promise<Compared[]> {
  return compared(keyring, await reader.get(refsOf(keyring)))
}

const words: Record<Compared['live'], string> = { absent: 'is not there, and would be made', same: 'is there, the same', different: 'is there, and is another' }

function show(seen: readonly Compared[], { namespace, madeAt }: Keyring, { flags, deps }: Run): void {
  if (flags.json === true || flags.quiet === true) return
  deps.err(`exported ${madeAt}:`)
  for (const { name, live } of seen) deps.err(`  Secret ${namespace}/${name} ${words[live]}`)
}

function refuseDifferent(seen: readonly Compared[], { namespace }: Keyring): void {
  const others = seen.filter(({ live }) => live === 'different')
  if (others.length === 0) return
  throw new AirstripError('KEYS_DIFFER', `${others.length} of ${seen.length} keys and passwords in the file ${others.length === 1 ? 'is another' : 'are others'} than on the cluster; none is overwritten.`, {
    seen: others.map(({ name }) => `Secret ${namespace}/${name} has another value`),
    next: 'Find out with which the database was made: the others cannot read it. If those of the file are right, keep the live ones with `npx tsx run.ts keys export OTHER-FILE`, delete the Secrets that differ, and import again.',
  })
}

async function changesFor(seen: readonly Compared[], keyring: Keyring, config: Config, reader: Reader): Promise<Change[]> {
  const absent = seen.filter(({ live }) => live === 'absent').map(({ name }) => name)
  const refs = refsOf(keyring).filter(({ name }) => absent.includes(name))
  if (!isNonEmpty(refs)) return []
  return [...(await namespaceFor(config, reader)), generate(refs, secretsOf(keyring, absent))]
}

function generate(refs: NonEmpty<ObjectRef>, secrets: KubernetesObject[]): Change {
  return { op: 'generate', refs, why: 'it comes from the file', make: () => secrets }
}

/** Before the first apply there is none; it is made as that would make it. */
async function namespaceFor({ airflow: { namespace }, storage }: Config, reader: Reader): Promise<Change[]> {
  const [live] = await reader.get([{ apiVersion: 'v1', kind: 'Namespace', name: namespace }])
  const want = pick(storageObjects({ ...storage, namespace }), 'Namespace')
  return live === undefined ? [{ op: 'create', want, why: 'keys and passwords lie in it' }] : []
}
