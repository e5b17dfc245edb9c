import t from 'tap'
import { getObjects, listContents, listObjects } from '../../../lib/cluster/objects.ts'
import { createDiscovery } from '../../../lib/cluster/resources.ts'
import type { KubernetesObject, ListQuery, ObjectRef } from '../../../lib/access.ts'
import { fakeApi, refusalOf, type FakeApi } from '../../fakes/api.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf, fakeExec } from '../../fakes/exec.ts'

const map = (name: string, apiVersion = 'v1', kind = 'ConfigMap'): KubernetesObject => ({ apiVersion, kind, metadata: { name, namespace: 'airflow' } })
const ref = (name: string, apiVersion = 'v1', kind = 'ConfigMap'): ObjectRef => ({ apiVersion, kind, name, namespace: 'airflow' })

function on(api: FakeApi) {
  const { ask, asked } = fakeApi(api)
  const connection = connectionOf(fakeExec([]).exec, { ask })
  const discovery = createDiscovery(connection)
  return {
    connection,
    /** Without those that only ask what there is to ask for. */
    asked: () => asked.filter((line) => !/ \/(api\/v1|apis|apis\/[^/]+\/[^/]+)$/.test(line)),
    all: asked,
    get: (refs: ObjectRef[]) => getObjects(connection, discovery, refs),
    contents: (namespace: string) => listContents(connection, discovery, namespace),
    list: (query: ListQuery) => listObjects(connection, discovery, query),
  }
}

void t.test('objects come back in the order of the references, with a gap where there is none', async (t) => {
  const { get, asked } = on({ objects: [map('c'), map('a')] })
  t.same(await get([ref('a'), ref('b'), ref('c')]), [map('a'), undefined, map('c')])
  t.same(asked(), ['a', 'b', 'c'].map((name) => `GET /api/v1/namespaces/airflow/configmaps/${name}`))
})

void t.test('nothing asked is no question', async (t) => {
  const { get, all } = on({})
  t.same(await get([]), [])
  t.same(all, [])
})

void t.test('many of a kind in a namespace come in one list, without Helm\'s records', async (t) => {
  const secret = (name: string): KubernetesObject => ({ ...map(name, 'v1', 'Secret'), type: 'Opaque' })
  const record = { ...map('sh.helm.release.v1.airflow.v1', 'v1', 'Secret'), type: 'helm.sh/release.v1' }
  const names = 'j i h g f e d c b a'.split(' ')
  const { get, asked } = on({ objects: [record, ...'a b c e f g h i j x y z'.split(' ').map(secret)] })
  t.same(await get(names.map((name) => ref(name, 'v1', 'Secret'))), names.map((name) => (name === 'd' ? undefined : secret(name))))
  t.same(asked(), ['GET /api/v1/namespaces/airflow/secrets?fieldSelector=type%21%3Dhelm.sh%2Frelease.v1&limit=500'])
})

void t.test('what lies in no namespace is read by name, however many: not everybody may list them', async (t) => {
  const volumes = 'a b c d e f g h i j k l'.split(' ').map((name): KubernetesObject => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name } }))
  const { get, asked } = on({ objects: volumes })
  t.same(await get(volumes.map(({ metadata }) => ({ apiVersion: 'v1', kind: 'PersistentVolume', name: metadata.name }))), volumes)
  t.equal(asked().length, 12)
  t.equal(asked()[0], 'GET /api/v1/persistentvolumes/a')
})

void t.test('a reference that names a namespace for what has none finds it all the same, as Helm\'s hooks do', async (t) => {
  const role: KubernetesObject = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'r' } }
  t.same(await on({ objects: [role] }).get([ref('r', 'rbac.authorization.k8s.io/v1', 'ClusterRole')]), [role])
})

void t.test('the same name in two kinds is two objects', async (t) => {
  const route = map('x', 'traefik.containo.us/v1alpha1', 'IngressRoute')
  const middleware = map('x', 'traefik.containo.us/v1alpha1', 'Middleware')
  const { get } = on({ objects: [middleware, route] })
  t.same(await get([ref('x', 'traefik.containo.us/v1alpha1', 'IngressRoute'), ref('x', 'traefik.containo.us/v1alpha1', 'Middleware')]), [route, middleware])
})

void t.test('kinds and versions that the server does not have are not there, and what it has is asked for once', async (t) => {
  const { get, all } = on({ objects: [map('a')] })
  t.same(await get([ref('x', 'traefik.io/v1alpha1', 'IngressRoute'), ref('a'), ref('x', 'apps/v1', 'Gizmo'), ref('x', 'batch/v1beta1', 'CronJob'), ref('s', 'v1', 'Secret')]), [undefined, map('a'), undefined, undefined, undefined])
  t.equal(all.filter((line) => line === 'GET /api/v1').length, 1)
})

void t.test('a refusal is an error and not an absence, and says what was refused', async (t) => {
  t.match(await caught(on({ forbidden: ['configmaps'] }).get([ref('a')])), { code: 'CALL_FAILED', message: 'kubectl get --raw /api/v1/namespaces/airflow/configmaps/a was refused.', seen: [/Forbidden.*configmaps is forbidden/] })
  t.match(await caught(on({ forbidden: ['nodes'] }).list({ resources: ['pods', 'nodes'] })), { code: 'CALL_FAILED', message: /\/api\/v1\/nodes/ })
})

void t.test('kinds are listed side by side, everywhere or in one namespace, in the version that the server prefers', async (t) => {
  const deployment = { ...map('d', 'apps/v1', 'Deployment') }
  const { list, asked } = on({ objects: [map('a', 'v1', 'Pod'), deployment, { ...map('b', 'v1', 'Pod'), metadata: { name: 'b', namespace: 'other' } }] })
  t.same(await list({ resources: ['pods', 'deployments.apps'], namespace: 'airflow' }), [map('a', 'v1', 'Pod'), deployment])
  t.equal((await list({ resources: ['pods'] })).length, 2)
  t.same(asked(), ['GET /api/v1/namespaces/airflow/pods?limit=500', 'GET /apis/apps/v1/namespaces/airflow/deployments?limit=500', 'GET /api/v1/pods?limit=500'])
})

void t.test('a resource that the server does not have gives no objects and costs the others nothing', async (t) => {
  t.same(await on({ objects: [map('a')] }).list({ resources: ['ingressroutes.traefik.io', 'configmaps', 'gizmos'] }), [map('a')])
})

void t.test('a selector is obeyed', async (t) => {
  const labelled = (name: string, status: string): KubernetesObject => ({ ...map(name, 'v1', 'Secret'), metadata: { name, namespace: 'airflow', labels: { owner: 'helm', status } } })
  const { list } = on({ objects: [labelled('a', 'deployed'), labelled('b', 'superseded'), map('c', 'v1', 'Secret')] })
  t.same((await list({ resources: ['secrets'], selector: 'owner=helm,status!=superseded' })).map(({ metadata }) => metadata.name), ['a'])
})

const many = Array.from({ length: 7 }, (_, index) => map(String(index)))

void t.test('a long list comes in parts', async (t) => {
  const { list, asked } = on({ objects: many, part: 3 })
  t.same(await list({ resources: ['configmaps'] }), many)
  t.same(asked().map((line) => /continue=(\d+)/.exec(line)?.[1]), [undefined, '3', '6'])
})

void t.test('a list whose next part has expired is begun anew and taken whole', async (t) => {
  const { list, asked } = on({ objects: many, part: 3, instead: [{ when: /continue=6/, answers: refusalOf(410, 'Expired', 'The provided continue parameter is too old') }] })
  t.same(await list({ resources: ['configmaps'] }), many)
  t.equal(asked().at(-1), 'GET /api/v1/configmaps?')
})

void t.test('every value of a Secret that was read is known from then on, a Helm record is not one', async (t) => {
  const secret = { ...map('s', 'v1', 'Secret'), type: 'Opaque', data: { password: Buffer.from('canary-one').toString('base64'), user: Buffer.from('app:Can4ry!').toString('base64'), host: Buffer.from('db.example.org').toString('base64') } }
  const record = { ...map('sh.helm.release.v1.airflow.v1', 'v1', 'Secret'), type: 'helm.sh/release.v1', data: { release: Buffer.from('canary-two').toString('base64') } }
  const { connection, list } = on({ objects: [secret, record] })
  await list({ resources: ['secrets'] })
  t.equal(connection.redactor.redact('canary-one canary-two'), '•••••• canary-two')
  t.equal(connection.redactor.redact('app:Can4ry! or Can4ry! at db.example.org'), '•••••• or •••••• at db.example.org', 'a password in the place of a user too')
  const alone = on({ objects: [secret] })
  await alone.get([ref('s', 'v1', 'Secret')])
  t.equal(alone.connection.redactor.redact('canary-one'), '••••••')
})

void t.test('the contents of a namespace are of whatever kind the server has, each once, and without what is in them', async (t) => {
  const route = { ...map('route', 'traefik.containo.us/v1alpha1', 'IngressRoute'), spec: {} }
  const elsewhere = { ...map('x'), metadata: { name: 'x', namespace: 'other' } }
  const { contents } = on({ objects: [{ ...map('a'), data: { key: 'value' } }, route, elsewhere, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'home' } }] })
  t.same(await contents('airflow'), [map('a'), map('route', 'traefik.containo.us/v1alpha1', 'IngressRoute')])
  t.match(await caught(on({ forbidden: ['secrets'] }).contents('airflow')), { code: 'CALL_FAILED' }, 'what cannot be looked at is not nothing')
})
