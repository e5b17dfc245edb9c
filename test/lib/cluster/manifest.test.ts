import { createHash } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findManifest } from '../../../lib/cluster/manifest.ts'
import { WebError } from '../../../lib/cluster/web.ts'
import { provisionerSource } from '../../../lib/manifest/provisioner.ts'
import { caught } from '../../fakes/caught.ts'

const text = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: local-path-storage\n---\n# nothing\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: x\n  namespace: local-path-storage\n'
const sha256 = createHash('sha256').update(text).digest('hex')
const url = 'https://example.org/manifest.yaml'
const noNetwork = (): Promise<string> => Promise.reject(new Error('unscripted: download'))

void t.test('a download with the right checksum is parsed and kept for when there is no network', async (t) => {
  const cache = t.testdir()
  t.same((await findManifest(cache, () => Promise.resolve(text), { url, sha256 })).map(({ kind }) => kind), ['Namespace', 'ServiceAccount'])
  t.equal((await findManifest(cache, noNetwork, { url, sha256 })).length, 2)
})

void t.test('a download with another checksum is refused, and not kept', async (t) => {
  const cache = t.testdir()
  t.match(await caught(findManifest(cache, () => Promise.resolve(`${text}#`), { url, sha256 })), { code: 'MANIFEST_UNAVAILABLE', place: url, seen: [`SHA-256 ${createHash('sha256').update(`${text}#`).digest('hex')}, expected ${sha256}`] })
  t.same(readdirSync(cache), [])
})

void t.test('a cached file that was tampered with is fetched again', async (t) => {
  const cache = t.testdir()
  await findManifest(cache, () => Promise.resolve(text), { url, sha256 })
  writeFileSync(join(cache, 'manifests', `${sha256}.yaml`), text.replace('local-path-storage', 'evil'))
  t.match(await caught(findManifest(cache, noNetwork, { url, sha256 })), { code: 'MANIFEST_UNAVAILABLE', seen: ['unscripted: download'] })
  const proxied = (): Promise<string> => Promise.reject(new WebError('the answer was 407', { next: 'Check HTTPS_PROXY.' }))
  t.match(await caught(findManifest(cache, proxied, { url, sha256 })), { seen: ['the answer was 407'], next: 'Check HTTPS_PROXY.' })
  t.match(await findManifest(cache, () => Promise.resolve(text), { url, sha256 }), [{ metadata: { name: 'local-path-storage' } }, {}])
})

void t.test('what has no checksum is not downloaded', async (t) => {
  t.match(await caught(findManifest(t.testdir(), noNetwork, { url })), { code: 'MANIFEST_UNAVAILABLE', next: /provisioner\.sha256/ })
})

void t.test('a file of the person\'s own needs no checksum, but must have the one that is given', async (t) => {
  const file = join(t.testdir({ 'own.yaml': text }), 'own.yaml')
  t.equal((await findManifest('/nowhere', noNetwork, { url, file })).length, 2)
  t.equal((await findManifest('/nowhere', noNetwork, { url, file, sha256 })).length, 2)
  t.match(await caught(findManifest('/nowhere', noNetwork, { url, file, sha256: 'f00d' })), { code: 'MANIFEST_UNAVAILABLE', place: file })
})

void t.test('a file that is missing, no YAML, or not of Kubernetes is told by its name', async (t) => {
  const folder = t.testdir({ broken: 'a: [', prose: 'just some words\n', list: '- a\n- b\n', nameless: 'apiVersion: v1\nkind: Namespace\n', twice: 'a: 1\na: 2\n' })
  for (const name of ['missing', 'broken', 'prose', 'list', 'nameless', 'twice']) {
    const file = join(folder, name)
    t.match(await caught(findManifest('/nowhere', noNetwork, { url, file })), { code: 'MANIFEST_UNAVAILABLE', place: file }, name)
  }
})

void t.test('every pinned version has a checksum, and a person\'s own overrides it', (t) => {
  t.match(provisionerSource({ version: 'v0.0.24' }), { url: /rancher\/local-path-provisioner\/v0\.0\.24\/deploy/, sha256: /^82c38963/, file: undefined })
  t.equal(provisionerSource({ version: 'v9.9.9' }).sha256, undefined)
  t.equal(provisionerSource({ version: 'v0.0.24', sha256: 'mine' }).sha256, 'mine')
  t.match(provisionerSource({ version: 'v0.0.24', manifest: '/own.yaml' }), { file: '/own.yaml', sha256: undefined })
  t.end()
})
