import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { writeKeys } from '../../../lib/adapters/keyfile.ts'
import { keyringOf, referencesTo } from '../../../lib/airflow/keyring.ts'
import { makeSecrets, secretRefs } from '../../../lib/airflow/keys.ts'
import { families } from '../../../lib/airflow/families.ts'
import { airflowSpec } from '../../../lib/airflow/spec.ts'
import { parseConfig } from '../../../lib/config/load.ts'
import { runCommandLine } from '../../../lib/commands/cli.ts'
import { runKeys } from '../../../lib/commands/keys.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { helm } from '../../../steps/04-helm.ts'
import { chart, changesOf, config, place as landing } from '../../steps/config.ts'
import { fakeApi } from '../../fakes/api.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { fakeDeps } from '../../fakes/deps.ts'

const passphrase = 'four words that belong'
const canary = 'canary-in-a-key'
const yaml = 'airflow: {chart: ./chart}\nstorage: {path: /srv/airflow}\ningress: {host: home.example.org, certResolver: letsencrypt}\n'
const { keys } = airflowSpec(parseConfig(yaml, 'airstrip.yaml'))

/** As the API server has them. */
function stored(fernet = canary): KubernetesObject[] {
  return makeSecrets(keys, families[0], [], { fernetKey: fernet }, (count) => Buffer.alloc(count, 5)).map(({ stringData, ...rest }) => ({
    ...rest, metadata: { ...rest.metadata, creationTimestamp: '2023-08-02T10:00:00Z' },
    data: Object.fromEntries(Object.entries(stringData as Record<string, string>).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  }))
}

interface Place {
  objects?: KubernetesObject[]
  typed?: string[]
  terminal?: boolean
}

/** One person at one cluster; what is created is there afterwards. */
function place(t: Test, { objects = [], typed, terminal = typed !== undefined }: Place = {}) {
  const folder = t.testdir({ chart: { 'Chart.yaml': 'apiVersion: v2\nname: airflow\nversion: 1.10.0\nappVersion: 2.6.2\nhome: https://airflow.apache.org/\n' } })
  const chart = join(folder, 'chart')
  const { deps, out, err, calls } = fakeDeps({
    folder, files: { 'airstrip.yaml': yaml.replace('./chart', chart) }, ask: fakeApi({ objects }).ask,
    script: [
      { when: /^helm show chart/, answers: { stdout: readFileSync(join(chart, 'Chart.yaml'), 'utf8') } },
      { when: /^kubectl apply --server-side/, answers: {} },
      { when: /^kubectl create -f -/, answers: ({ stdin = '' }) => {
        objects.push(...(JSON.parse(stdin) as { items: KubernetesObject[] }).items)
        return {}
      } },
    ],
  })
  const asked: string[] = []
  const askHidden = typed === undefined ? undefined : (question: string) => {
    asked.push(question)
    return Promise.resolve(typed.shift() ?? '')
  }
  const run = async (...words: string[]): Promise<number> => {
    out.length = err.length = calls.length = 0
    return runCommandLine(['keys', ...words, '--state', join(folder, 'state.json')], { ...deps, ...(terminal ? { ask: () => Promise.resolve('y') } : {}), askHidden })
  }
  const exportQuickly = (): Promise<number> => runKeys(['export', join(folder, 'keys.age')], { config: 'airstrip.yaml', state: join(folder, 'state.json'), color: false }, { ...deps, askHidden }, 10)
  return { run, exportQuickly, out, err, calls, asked, objects, folder, file: join(folder, 'keys.age') }
}

/** A folder beside the test's own, with files that an export could have written. */
async function carried(t: Test, files: Record<string, unknown> = {}): Promise<(name: string) => string> {
  const folder = mkdtempSync(join(tmpdir(), 'airstrip-keys-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const whole = keyringOf({ name: 'airflow', namespace: 'airflow' }, stored(), new Date('2023-08-02T10:00:00Z'))
  for (const [name, content] of Object.entries({ whole, ...files })) await writeKeys(join(folder, name), JSON.stringify(content), passphrase, 10)
  return (name) => join(folder, name)
}

void t.test('without an action they are listed, with who uses them and without a value', async (t) => {
  const all = place(t, { objects: stored() })
  t.equal(await all.run(), 0, all.err.join('\n'))
  t.match(all.out.join('\n'), /airflow-airstrip-fernet-key +since 2023-08-02T10:00:00Z +for fernetKeySecretName[^]*all 8 are in namespace airflow/)
  t.notMatch(all.out.join('\n'), canary)
  const some = place(t, { objects: stored().slice(1) })
  await some.run('--json')
  t.match(JSON.parse(some.out.join('\n')), { complete: false, secrets: [{}, {}, {}, {}, {}, {}, {}, { createdAt: null }] })
  t.same(referencesTo('x', { a: ['y', { b: 'x' }], c: 'x' }), ['a[1].b', 'c'])
})

void t.test('what is exported is encrypted, its owner\'s alone, and over no other file', async (t) => {
  const all = place(t, { objects: stored(), typed: [passphrase, passphrase, passphrase, passphrase] })
  t.equal(await all.exportQuickly(), 0)
  t.equal(statSync(all.file).mode & 0o777, 0o600)
  const bytes = readFileSync(all.file).toString('latin1')
  t.match(bytes, /^age-encryption\.org\/v1\n-> scrypt /)
  t.notMatch(bytes, canary)
  t.same(all.asked, ['Passphrase: ', 'The same again: '])
  t.equal(await all.run('export', all.file), 1)
  t.match(all.err.join('\n'), /is there already.*\[KEYS_UNUSABLE\]/)
  t.equal(readFileSync(all.file).toString('latin1'), bytes)
})

void t.test('a passphrase that is short, typed in two ways, or not to be had is refused, and nothing is written', async (t) => {
  for (const [typed, said] of [[['short', 'short'], /has 5 characters, and needs 12/], [[passphrase, `${passphrase}!`], /not the same/], [undefined, /Nobody can be asked/]] as const) {
    const all = place(t, { objects: stored(), ...(typed === undefined ? {} : { typed: [...typed] }) })
    t.equal(await all.run('export', all.file), 1)
    t.match(all.err.join('\n'), said)
    t.match(all.err.join('\n'), '[PASSPHRASE]')
    t.notOk(existsSync(all.file))
  }
  const file = place(t, { objects: stored() })
  const secret = join(file.folder, 'passphrase')
  writeFileSync(secret, `${passphrase}\n`, { mode: 0o644 })
  t.equal(await file.run('export', file.file, '--passphrase-file', secret), 64)
  t.match(file.err.join('\n'), /can be read by others/)
})

void t.test('an incomplete set is not exported', async (t) => {
  const all = place(t, { objects: stored().slice(2), typed: [passphrase, passphrase] })
  t.equal(await all.run('export', all.file), 1)
  t.match(all.err.join('\n'), /2 of the keys[^]*\[KEYS_MISSING\][^]*airflow-airstrip-fernet-key is not there/)
  t.same(all.asked, [], 'and nobody types for nothing')
})

void t.test('on a new cluster the keys are made of the file, with the namespace, and the first apply has nothing to make', async (t) => {
  const file = (await carried(t))('whole')
  const all = place(t, { typed: [passphrase] })
  t.equal(await all.run('import', file), 0, all.err.join('\n'))
  t.match(all.calls.filter(({ args }) => args.includes('apply')).map(({ stdin }) => stdin), [/"kind":"Namespace"/])
  t.notMatch(all.calls.map(({ args }) => args.join(' ')).join('\n'), canary)
  t.match(all.objects.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/managed-by']), Array.from({ length: 8 }, () => 'airstrip'))
  const same = (list: KubernetesObject[]): string[] => list.map(({ metadata, data }) => `${metadata.name} ${JSON.stringify(data)}`).sort()
  t.same(same(all.objects), same(stored()))
  const first = await helm.check(helm.spec(config()), clusterReader({ ...landing, chart, objects: all.objects }))
  t.same(changesOf(first).map(({ op }) => op), ['release'], 'it takes them as they are')
  t.equal(await all.run('import', file, '--passphrase-file', (writeFileSync(join(all.folder, 'p'), passphrase, { mode: 0o600 }), join(all.folder, 'p'))), 0)
  t.match(all.err.join('\n'), /is there, the same/)
  t.same(all.calls.filter(({ args }) => args.includes('create')), [], 'a second time nothing is made')
})

void t.test('with nobody to ask and no --yes nothing is made', async (t) => {
  const file = (await carried(t))('whole')
  const all = place(t, { typed: [passphrase], terminal: false })
  t.equal(await all.run('import', file), 1)
  t.match(all.err.join('\n'), '[CONSENT]')
  t.same(all.objects, [])
  const yes = place(t, { typed: [passphrase], terminal: false })
  t.equal(await yes.run('import', file, '--yes'), 0)
  t.equal(yes.objects.length, 8)
})

void t.test('another key is never overwritten, and neither is told', async (t) => {
  const file = (await carried(t))('whole')
  const live = stored('another-canary-key').slice(0, 1)
  const all = place(t, { objects: [...live], typed: [passphrase] })
  t.equal(await all.run('import', file, '--yes'), 1)
  t.match(all.err.join('\n'), /airflow-airstrip-fernet-key is there, and is another[^]*none is overwritten[^]*\[KEYS_DIFFER\]/)
  t.notMatch(all.err.join('\n'), /canary/)
  t.same(all.objects, live)
})

void t.test('a wrong passphrase, a damaged file, another format and a newer one are each one sentence', async (t) => {
  const foreign = keyringOf({ name: 'other', namespace: 'airflow' }, stored(), new Date())
  const hostile = { ...keyringOf({ name: 'airflow', namespace: 'airflow' }, stored(), new Date()), secrets: [{ name: 'admin-token', data: { token: 'eA==' } }] }
  const path = await carried(t, { newer: { format: 'airstrip-keys', version: 2 }, strange: { format: 'else' }, foreign, hostile })
  const bytes = readFileSync(path('whole'))
  writeFileSync(path('cut'), bytes.subarray(0, bytes.length - 20))
  writeFileSync(path('pgp'), '-----BEGIN PGP MESSAGE-----\n')
  const said = async (name: string, typed = passphrase): Promise<string> => {
    const all = place(t, { typed: [typed] })
    t.equal(await all.run('import', path(name), '--yes'), 1)
    t.same(all.objects, [])
    return all.err.join('\n')
  }
  t.match(await said('whole', 'not this one at all'), /does not open.*\[PASSPHRASE\]/)
  t.match(await said('cut'), '[KEYS_DAMAGED]')
  t.match(await said('pgp'), /no file of age.*\[KEYS_DAMAGED\]/)
  t.match(await said('strange'), '[KEYS_DAMAGED]')
  t.match(await said('hostile'), /Secret admin-token in it is not one of airstrip's.*\[KEYS_DAMAGED\]/)
  t.match(await said('newer'), '[KEYS_NEWER]')
  t.match(await said('foreign'), /keys of airflow\/other.*\[KEYS_DIFFER\]/)
  t.match(await said('nowhere'), '[KEYS_UNUSABLE]')
})

void t.test('words that mean nothing are refused before anything is asked', async (t) => {
  const all = place(t)
  t.equal(await all.run('exprot', 'x'), 64)
  t.match(all.err.join('\n'), /did you mean export\?/)
  t.equal(await all.run('import'), 64)
  t.same(secretRefs(keys, families[0]).length, 8)
})
