/** A bundle from a real cluster holds none of the secrets that lie there, in the open or not, and is judged alike elsewhere. */
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { apply, get, kubectl, until } from './cluster.ts'
import { exits, says, site } from './site.ts'

const n = 'bundle'
const canary = (place: string): string => `Canary-${place}-${randomBytes(9).toString('hex')}`
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const [secret, variable, setting, argument, annotation] = ['secret', 'variable', 'setting', 'argument', 'annotation'].map(canary) as [string, string, string, string, string]
const inAddress = canary('address')
const unlearned = canary('unlearned')

/** Prints what it was given, in the ways of programs, and fails. */
const program = [
  `console.log('plain', process.env.FROM_SECRET, process.env.DB_PASSWORD, process.argv[2])`,
  `console.log('base64', Buffer.from(process.env.FROM_SECRET).toString('base64'), 'json', JSON.stringify({ x: process.env.DB_PASSWORD }))`,
  `console.log('url', process.env.ADDRESS, 'setting', process.env.FROM_CONFIG)`,
  `console.log('--db-password ${unlearned}')`,
  `process.exit(1)`,
].join(';')

void t.test('canaries in a bundle', async t => {
  const it = await site(t, n)
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: n } })
  const container = {
    name: 'talker', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent',
    command: ['node', '-e', program], args: ['--', argument],
    env: [
      { name: 'DB_PASSWORD', value: variable }, { name: 'ADDRESS', value: `postgresql://joe:${inAddress}@db:5432/x` },
      { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'planted', key: 'password' } } },
      { name: 'FROM_CONFIG', valueFrom: { configMapKeyRef: { name: 'planted', key: 'api_token' } } },
    ],
  }
  await apply(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'planted', namespace: n }, stringData: { password: secret } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'planted', namespace: n }, data: { api_token: setting } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'talker', namespace: n, annotations: { 'example.org/note': annotation } }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
  )
  await until('the pod has spoken', async () => (await kubectl(['logs', '-n', n, 'talker']).catch(() => '')).includes(unlearned))
  // While its next run is on it is ready, as it has no probe, and no doctor asks for its log.
  await until('it is in back-off', async () => JSON.stringify((await get('pod', 'talker', n))?.status ?? {}).includes('"CrashLoopBackOff"'))

  const path = join(it.folder, 'bundle.tar.gz')
  const live = await it.airstrip(['doctor', '--bundle', path])
  t.equal(statSync(path).mode & 0o777, 0o600)
  const bundle = gunzipSync(readFileSync(path)).toString()
  says(t, bundle, 'talker', 'DB_PASSWORD', 'airstrip-bundle/MANIFEST', '-talker-talker')
  const texts = { bundle, stdout: live.stdout, stderr: live.stderr }
  for (const value of [secret, variable, setting, argument, annotation, inAddress, unlearned]) {
    for (const [where, text] of Object.entries(texts)) t.notOk([value, base64(value), base64(base64(value)), encodeURIComponent(value)].some(form => text.includes(form)), `${value.split('-')[1] ?? ''} in ${where}`)
  }
  const again = await it.airstrip(['doctor', '--from', path], { kubeconfig: '/nonexistent' })
  exits(t, again, live.code, 'the same exit code')
  t.equal(JSON.stringify(ids(again.stdout)), JSON.stringify(ids(live.stdout)), 'and the same findings')
  t.ok(ids(live.stdout).length > 0, 'of which there are some', { said: live.stdout + live.stderr })
})

function ids(text: string): string[] {
  return [...text.matchAll(/\[([a-z0-9-]+)\]$/gm)].map(([, id = '']) => id)
}
