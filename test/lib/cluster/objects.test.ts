import t from 'tap'
import { getObjects, listObjects, parseObjects, readJson } from '../../../lib/cluster/objects.ts'
import type { KubernetesObject, ObjectRef } from '../../../lib/access.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf, fakeExec } from '../../fakes/exec.ts'

const map = (name: string, apiVersion = 'v1', kind = 'ConfigMap'): KubernetesObject => ({ apiVersion, kind, metadata: { name, namespace: 'airflow' } })
const ref = (name: string, apiVersion = 'v1', kind = 'ConfigMap'): ObjectRef => ({ apiVersion, kind, name, namespace: 'airflow' })
const list = (...items: KubernetesObject[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
const get = /^kubectl get -f - --ignore-not-found -o json$/

void t.test('kubectl prints nothing, one object, or a list', (t) => {
  t.same(parseObjects(''), [])
  t.same(parseObjects('\n'), [])
  t.same(parseObjects(JSON.stringify(map('a'))), [map('a')])
  t.same(parseObjects(list(map('a'), map('b'))), [map('a'), map('b')])
  t.same(parseObjects(list()), [])
  t.end()
})

void t.test('objects come back in the order of the references, with a gap where there is none', async (t) => {
  const { exec, calls } = fakeExec([{ when: get, answers: { stdout: list(map('c'), map('a')) } }])
  t.same(await getObjects(connectionOf(exec), [ref('a'), ref('b'), ref('c')]), [map('a'), undefined, map('c')])
  t.equal(calls.length, 1, 'in one process')
  t.match(JSON.parse(calls[0]?.stdin ?? ''), { kind: 'List', items: [{ metadata: { name: 'a', namespace: 'airflow' } }, {}, {}] })
})

void t.test('nothing asked is no process', async (t) => {
  t.same(await getObjects(connectionOf(fakeExec([]).exec), []), [])
})

void t.test('the same name in two groups is two objects, in two versions of one group the same', async (t) => {
  const io = map('x', 'traefik.io/v1alpha1', 'Middleware')
  const us = map('x', 'traefik.containo.us/v1alpha1', 'Middleware')
  const { exec } = fakeExec([{ when: get, answers: { stdout: list(us, io) } }])
  t.same(await getObjects(connectionOf(exec), [ref('x', 'traefik.io/v1', 'Middleware'), ref('x', 'traefik.containo.us/v1alpha1', 'Middleware')]), [io, us])
})

void t.test('kinds that the server does not know are left out, and the rest is asked again', async (t) => {
  const unknown = 'error: unable to recognize "STDIN": no matches for kind "IngressRoute" in version "traefik.io/v1alpha1"\nunable to recognize "STDIN": no matches for kind "Middleware" in version "traefik.io/v1alpha1"\n'
  const { exec, calls } = fakeExec([{ when: get, answers: [{ exitCode: 1, stderr: unknown }, { stdout: JSON.stringify(map('a')) }] }])
  const found = await getObjects(connectionOf(exec), [ref('x', 'traefik.io/v1alpha1', 'IngressRoute'), ref('a'), ref('x', 'traefik.io/v1alpha1', 'Middleware')])
  t.same(found, [undefined, map('a'), undefined])
  t.equal((JSON.parse(calls[1]?.stdin ?? '') as { items: unknown[] }).items.length, 1)
})

void t.test('where no kind is known nothing is there', async (t) => {
  const unknown = 'error: unable to recognize "STDIN": no matches for kind "IngressRoute" in version "traefik.io/v1alpha1"'
  const { exec, calls } = fakeExec([{ when: get, answers: { exitCode: 1, stderr: unknown } }])
  t.same(await getObjects(connectionOf(exec), [ref('x', 'traefik.io/v1alpha1', 'IngressRoute')]), [undefined])
  t.equal(calls.length, 1)
})

void t.test('a refusal is an error and not an absence', async (t) => {
  const { exec } = fakeExec([{ when: get, answers: { exitCode: 1, stderr: 'Error from server (Forbidden): configmaps "a" is forbidden' } }])
  t.match(await caught(getObjects(connectionOf(exec), [ref('a')])), { code: 'CALL_FAILED', seen: [/forbidden/] })
})

void t.test('several kinds are listed in one process, everywhere or in one namespace', async (t) => {
  const { exec, lines } = fakeExec([{ when: /^kubectl get/, answers: { stdout: list(map('a')) } }])
  t.same(await listObjects(connectionOf(exec), { resources: ['pods', 'events'], namespace: 'airflow', selector: 'a=b' }), [map('a')])
  await listObjects(connectionOf(exec), { resources: ['nodes'] })
  t.same(lines(), ['kubectl get pods,events -n airflow -l a=b -o json', 'kubectl get nodes --all-namespaces -o json'])
})

void t.test('a resource that the server does not have gives no objects and costs the others nothing', async (t) => {
  const missing = (name: string) => ({ exitCode: 1, stderr: `error: the server doesn't have a resource type "${name}"` })
  const { exec, lines } = fakeExec([{ when: /^kubectl get/, answers: [missing('ingressroutes'), missing('middlewares'), { stdout: list(map('a')) }] }])
  t.same(await listObjects(connectionOf(exec), { resources: ['ingressroutes.traefik.io', 'configmaps', 'middlewares'] }), [map('a')])
  t.equal(lines().at(-1), 'kubectl get configmaps --all-namespaces -o json')
  const none = fakeExec([{ when: /^kubectl get/, answers: missing('ingressroutes') }])
  t.same(await listObjects(connectionOf(none.exec), { resources: ['ingressroutes'] }), [])
})

void t.test('every value of a Secret that was read is known from then on, a Helm record is not one', async (t) => {
  const secret = { ...map('s', 'v1', 'Secret'), type: 'Opaque', data: { password: Buffer.from('canary-one').toString('base64') } }
  const record = { ...map('sh.helm.release.v1.airflow.v1', 'v1', 'Secret'), type: 'helm.sh/release.v1', data: { release: Buffer.from('canary-two').toString('base64') } }
  const { exec } = fakeExec([{ when: /^kubectl get/, answers: { stdout: list(secret, record) } }])
  const connection = connectionOf(exec)
  await listObjects(connection, { resources: ['secrets'] })
  t.equal(connection.redactor.redact('canary-one canary-two'), '•••••• canary-two')
})

void t.test('an answer that is not JSON is told', async (t) => {
  const { exec } = fakeExec([{ when: /version/, answers: { stdout: '<html>' } }])
  t.match(await caught(readJson(connectionOf(exec), ['version'])), { code: 'CALL_FAILED', seen: ['<html>'] })
})
