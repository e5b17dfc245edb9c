import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { surroundings } from '../../../lib/observe/look.ts'
import { observePod } from '../../../lib/observe/pod.ts'
import { makePullSecret } from '../../../lib/observe/pull-secret.ts'
import { reader } from '../doctor/evidence.ts'
import { container, context, event, placed, pod } from './objects.ts'

void t.test('a login is made for the registry of the image, from a file that has the password', (t) => {
  const login = (image: string) => makePullSecret('airflow', 'registry-login', image)
  t.match(login('registry.home:5000/me/airflow:1'), /^test -s FILE && printf .* registry\.home:5000 .* \| kubectl -n airflow create secret generic registry-login --type=kubernetes\.io\/dockerconfigjson --from-file=\.dockerconfigjson=\/dev\/stdin #/)
  t.match(login('localhost/me/airflow:1'), '\' localhost "$(')
  for (const image of ['me/airflow:1', 'docker.io/me/airflow:1', 'redis:7', 'redis']) t.match(login(image), '\' https://index.docker.io/v1/ "$(', image)
  t.end()
})

void t.test('what kubectl is given is a login as Docker writes it, and no argument has the password', (t) => {
  const folder = t.testdir({ bin: {} })
  writeFileSync(join(folder, 'FILE'), 'it\'s "secret"')
  writeFileSync(join(folder, 'bin', 'kubectl'), '#!/bin/sh\necho "$@" >arguments\ncat\n', { mode: 0o755 })
  const given = execFileSync('bash', ['-c', `${makePullSecret('airflow', 'registry-login', 'registry.home:5000/me/airflow:1')}\necho >>arguments`], { cwd: folder, env: { PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}` }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const { auths } = JSON.parse(given) as { auths: Record<string, { auth: string }> }
  t.same(Object.keys(auths), ['registry.home:5000'])
  t.equal(Buffer.from(auths['registry.home:5000']?.auth ?? '', 'base64').toString(), 'USER:it\'s "secret"')
  t.notMatch(execFileSync('cat', [join(folder, 'arguments')], { encoding: 'utf8' }), 'secret"')
  t.end()
})

const image = 'ghcr.io/me/airflow:1'
const turnedAway = `rpc error: code = Unknown desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized`
const unseen = `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`
const loginless = pod({ spec: { containers: [{ name: 'scheduler', image }], imagePullSecrets: [{ name: 'reg' }] }, status: { phase: 'Pending', containerStatuses: [container({ image, state: { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } } })] } })
const tried = (text: string, more: KubernetesObject[] = []): KubernetesObject[] => [event(loginless, 'Failed', `Failed to pull image "${image}": ${text}`, { lastTimestamp: '2023-08-02T10:29:44Z' }), ...more]
const login = (creationTimestamp: string, written = creationTimestamp): KubernetesObject => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'reg', namespace: 'airflow', creationTimestamp, managedFields: [{ manager: 'controller', operation: 'Update', time: written, fieldsV1: { 'f:data': {} } }] } })

void t.test('a login that was written since the last try may be what it lacked, so the next try decides', (t) => {
  const look = (logins: KubernetesObject[], events = tried(turnedAway)) => observePod(loginless, context({ events, logins }))
  t.match(look([]), { state: 'failed', finding: { id: 'image-pull-denied' } })
  t.match(look([login('2023-08-02T10:29:45Z')]), { state: 'waiting', reason: `scheduler: Secret airflow/reg was written since the last try to pull image ${image}` })
  t.match(look([login('2023-08-02T10:29:45Z')], tried(unseen)), { state: 'waiting' }, 'a registry may hide what it does not show to everybody')
  t.match(look([login('2023-07-01T10:00:00Z', '2023-08-02T10:29:45Z')]), { state: 'waiting' }, 'its password was corrected')
  t.match(look([login('2023-08-02T10:29:43Z')]), { state: 'failed', finding: { id: 'image-pull-denied' } }, 'the last try had it')
  t.match(look([{ ...login('2023-08-02T10:29:45Z'), metadata: { ...login('2023-08-02T10:29:45Z').metadata, name: 'other' } }]), { state: 'failed' }, 'another one is of no use to the pod')
  const again = event(loginless, 'Pulling', `Pulling image "${image}"`, { type: 'Normal', lastTimestamp: '2023-08-02T10:29:56Z' })
  t.match(look([login('2023-08-02T10:29:45Z')], tried(turnedAway, [again])), { state: 'waiting' }, 'while it is being tried with it')
  t.end()
})

void t.test('logins are only read where an image could not be pulled', async (t) => {
  const objects = [...tried(turnedAway), login('2023-08-02T10:29:45Z')]
  t.match((await surroundings(['airflow'], reader({ objects: [loginless, ...objects] }).reader)).logins, [{ metadata: { name: 'reg' } }])
  const runs = { ...loginless, status: { ...placed, phase: 'Running', containerStatuses: [container({ image, state: { running: {} } })] } }
  t.same((await surroundings(['airflow'], reader({ objects: [runs, ...objects] }).reader)).logins, [])
  const mute = { ...reader({ objects: [loginless, ...objects] }).reader, get: () => Promise.reject(new Error('secrets is forbidden')) }
  t.same((await surroundings(['airflow'], mute)).logins, [], 'who may not ask goes by what the registry said')
})
