import t from 'tap'
import type { KubernetesObject, Release } from '../../../lib/access.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { collect } from '../../../lib/doctor/collect/index.ts'
import { keepers } from '../../../lib/doctor/collect/keep.ts'
import { collectSecrets, factsOf } from '../../../lib/doctor/collect/release.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { mask } from '../../../lib/doctor/redact.ts'
import { sparingNames } from '../../../lib/doctor/sweep.ts'
import { container, deployment, event, inManifest, now, pod, release } from '../observe/objects.ts'
import { reader } from './evidence.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

void t.test('of a route the value that a header or a query must have is not kept', (t) => {
  const matchOf = (match: string): unknown => keepers({}).plain({ apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRoute', metadata: { name: 'r' }, spec: { match } }).spec
  t.same(matchOf('Headers(`X-Token`, `ab"cdefgh`) && Query(`token=ab"cdefgh`)'), { match: `Headers(\`X-Token\`, \`${mask}\`) && Query(\`token=${mask}\`)` }, 'with the other sign within')
  t.same(matchOf('Host(`x`) && Headers(`X-Auth-Token`, `Hunter9xyz`) && PathPrefix(`/airflow`)'), { match: `Host(\`x\`) && Headers(\`X-Auth-Token\`, \`${mask}\`) && PathPrefix(\`/airflow\`)` })
  for (const name of ['HeadersRegexp', 'HeaderRegexp', 'Header', 'Query', 'QueryRegexp']) t.same(matchOf(`${name}("x-token", "Hunter9xyz")`), { match: `${name}("x-token", "${mask}")` })
  t.same(matchOf('Query(`token=Hunter9xyz`)'), { match: `Query(\`token=${mask}\`)` })
  t.same(matchOf('Host(`x`) && PathPrefix(`/`)'), { match: 'Host(`x`) && PathPrefix(`/`)' })
  t.end()
})

void t.test('of a probe neither a login nor a header of one\'s own is kept, and of a flag no number', (t) => {
  const probe = { httpGet: { path: '/', port: 80, host: 'joe:Hunter9xyz@10.0.0.1', httpHeaders: [{ name: 'X-Forwarded-Auth', value: 'Hunter9xyz' }, { name: 'X-Forwarded-Proto', value: 'https' }] } }
  const kept = keepers({}).pod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { containers: [{ livenessProbe: probe, args: ['users', 'create', '-p', '83461927', '-v', '4', 'sleep', '3600'] }] } })
  t.match(kept, { spec: { containers: [{
    livenessProbe: { httpGet: { host: `${mask}@10.0.0.1`, httpHeaders: [{ value: mask }, { value: 'https' }] } },
    args: ['users', 'create', '-p', mask, '-v', '4', 'sleep', '3600'],
  }] } })
  t.match(keepers({}).pod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { containers: [{ env: [{ name: 'GIT_SYNC_WAIT', value: '60' }, { name: 'GITSYNC_PERIOD', value: 'Hunter9xyz' }], args: ['--wait', 'Hunter9xyz', '--wait=Hunter9xyz', '--period=5m0s', '--wait=60', '--period=1m30s'] }] } }), { spec: { containers: [{ env: [{ value: '60' }, { value: undefined }], args: ['--wait', mask, `--wait=${mask}`, '--period=5m0s', '--wait=60', '--period=1m30s'] }] } })
  t.end()
})

async function look(objects: KubernetesObject[], more: { release?: Release } = {}) {
  const redactor = createRedactor()
  const { reader: scripted } = reader({ objects, ...more })
  return collect(scripted, { namespace: 'airflow', release: 'airflow', redact: redactor.redact, learn: redactor.add })
}

void t.test('the login in the name of an image is masked, alike in the image and in the event', async (t) => {
  for (const [image, shown] of [['joe:Hunter9xyz@registry.example.org/airflow:1', `joe:${mask}@registry.example.org/airflow:1`], ['https://joe:swordfish@registry.example.org/airflow:1', `https://joe:${mask}@registry.example.org/airflow:1`]] as const) {
    const message = `Failed to apply default image tag "${image}": couldn't parse image reference "${image}": invalid reference format`
    const one = pod({ spec: { containers: [{ name: 'scheduler', image }] }, status: { phase: 'Pending', containerStatuses: [container({ name: 'scheduler', image, ready: false, state: { waiting: { reason: 'InvalidImageName', message } } })] } })
    const scheduler = { ...deployment('airflow-scheduler', 0), spec: { replicas: 1, template: { spec: { containers: [{ name: 'scheduler', image }] } } } }
    const found = await look([one, scheduler, event(one, 'InspectFailed', message)], { release: release({ objects: [inManifest(scheduler)] }) })
    t.notMatch(JSON.stringify(found), /Hunter9xyz|swordfish/)
    t.match(found.pods, [{ spec: { containers: [{ image: shown }] } }])
    t.match(found.events, [{ message: `Failed to apply default image tag "${shown}": couldn't parse image reference "${shown}": invalid reference format` }])
    t.ok(diagnose(found).findings.some(({ id, title }) => id === 'invalid-image-name' && title.includes(shown)), 'and told')
  }
  const plain = ['localhost:5000/apache/airflow:2.6.2', 'apache/airflow@sha256:e3b0', 'localhost:5000/x:1@sha256:e3b0', 'docker-pullable://localhost:5000/x@sha256:e3b0']
  const pods = plain.map((image, index) => pod({ name: `p${index}`, spec: { containers: [{ name: 'x', image }] } }))
  t.same((await look(pods)).pods.map(({ spec }) => (spec as { containers: { image: string }[] }).containers[0]?.image), plain, 'any other is as it was')
})

void t.test('a Secret that names a registry, an object or a database does not take them out of what is said', async (t) => {
  const names = { registry: 'registry.example.org', claim: 'airflow-logs-claim', secret: 'airflow-metadata', host: 'airflow-postgresql', password: 'Hunter-9xyz' }
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x', namespace: 'airflow' }, data: Object.fromEntries(Object.entries(names).map(([key, value]) => [key, base64(value)])) }
  const one = pod({ spec: { containers: [{ name: 'scheduler', image: 'registry.example.org/airflow:1', env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'airflow-metadata', key: 'connection' } } }] }], volumes: [{ name: 'logs', persistentVolumeClaim: { claimName: 'airflow-logs-claim' } }] } })
  const message = 'registry.example.org/airflow:1 from airflow-postgresql: persistentvolumeclaim "airflow-logs-claim" not found, secret "airflow-metadata" not found, and'
  const found = await look([one, secret, event(one, 'Failed', `${message} Hunter-9xyz`)])
  t.match(found.events, [{ message: `${message} ${mask}` }])
})

void t.test('a name with digits is kept wherever it stands though a Secret holds it, and what is no name is not', async (t) => {
  const [digest, chance] = ['0a'.repeat(32), '9f8e7d6c'.repeat(4)]
  const image = `registry.corp.org:5000/airflow@sha256:${digest}`
  const files = { '.env': `POD_NAMESPACE=airflow-k8s9a\nNODE=worker-3f2a\nREGISTRY=registry.corp.org:5000\nX=${chance}\n`, 'pod.yaml': `image: ${image}\ndigest: "${digest}"\n`, 'node': 'pg14ha', 'registry-2': 'registry.corp.org:5000', 'image-2': image }
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'airflow-k8s9a' }, data: Object.fromEntries(Object.entries(files).map(([key, value]) => [key, base64(value)])) }
  const running = { state: { running: { startedAt: '2023-08-02T10:28:00Z' } } }
  const one = pod({ spec: { nodeName: 'worker-3f2a', containers: [{ name: 'scheduler', image }] }, status: { containerStatuses: [container(running)] } })
  const other = pod({ name: 'other', spec: { nodeName: 'pg14ha' } })
  for (const { metadata } of [one, other]) metadata.namespace = 'airflow-k8s9a'
  const said = `airflow-k8s9a on worker-3f2a and pg14ha: ${image}, sha256:${digest}, registry.corp.org:5000`
  const happened = event(one, 'Failed', `${said}, ${chance}`)
  happened.metadata.namespace = 'airflow-k8s9a'
  const redactor = createRedactor()
  const { reader: scripted } = reader({ objects: [one, other, secret, happened], logs: () => `${said}, ${chance}` })
  const found = await collect(scripted, { namespace: 'airflow-k8s9a', release: 'airflow', redact: redactor.redact, learn: redactor.add })
  t.match(found, { namespace: 'airflow-k8s9a', pods: [{ metadata: { namespace: 'airflow-k8s9a' }, spec: { nodeName: 'worker-3f2a', containers: [{ image }] } }, {}], events: [{ message: `${said}, ${mask}` }], logs: [{ lines: [`${said}, ${mask}`] }] })
  t.ok(diagnose(found).findings.some(({ title }) => title.includes('airflow-k8s9a/airflow')), 'and told')
  t.equal(sparingNames(redactor.redact, found)(`${said}, ${chance}`), `${said}, ${mask}`, 'where findings are printed too')
})

void t.test('a name that is kept hides no other secret within it', async (t) => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'airflow' }, data: { a: base64('joe-hunter9xyz'), b: base64('hunter9xyz') } }
  const found = await look([secret, event(pod({ name: 'joe-hunter9xyz' }), 'Failed', 'joe-hunter9xyz'), pod({ name: 'joe-hunter9xyz' })])
  t.notMatch(JSON.stringify(found), /hunter9xyz/)
})

void t.test('a Secret that cannot be looked through leaves the others known', async (t) => {
  const secrets = ['one', 'two'].map((name) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'airflow' }, data: { password: base64(`Hunter-${name}`) } }))
  const learned: string[] = []
  const learn = (value: string): void => {
    if (value === 'Hunter-one') throw new RangeError('Hunter-one')
    learned.push(value)
  }
  const found = await collectSecrets(reader({ objects: secrets }).reader, { namespace: 'airflow', learn })
  t.same(learned.includes('Hunter-two'), true)
  t.match(found, { secrets: { length: 2 }, unknown: ['Secret airflow/one could not be looked through'] })
})

void t.test('what everybody knows is told by where it stands', async (t) => {
  const hook = { ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-create-user', namespace: 'airflow' }, events: [], deletePolicies: [], phase: 'Succeeded' }
  const found = await look([], { release: release({ values: { webserver: { defaultUser: { password: 'admin' } } }, hooks: [hook] }) })
  t.same(found.knownPasswords, ['webserver.defaultUser.password'])
})

void t.test('a page is cut after its secrets are out of it', async (t) => {
  const wanted = { chart: 'x', executor: 'KubernetesExecutor', storagePath: '/srv/airflow', host: 'x', path: '/', prefix: 'strip' as const, certResolver: 'le', entryPoint: 'websecure', family: 'official-2' as const, healthPath: '/health', route: 'a', service: 'a', bundledDatabase: true, fernetSecretName: 'f', address: '10.0.0.1' }
  const redactor = createRedactor()
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'airflow' }, data: { password: base64('Hunter-9xyz-Long') } }
  const { reader: scripted } = reader({ objects: [secret] })
  const answer = { status: 500, headers: {}, body: `${'x'.repeat(390)}Hunter-9xyz-Long` }
  const found = await collect({ ...scripted, now: () => now, https: () => Promise.resolve(answer), resolve: () => Promise.resolve(['10.0.0.1']), folder: () => Promise.resolve(undefined), dagLogs: () => Promise.resolve(undefined), dagEntries: () => Promise.resolve(undefined) }, { namespace: 'airflow', release: 'airflow', wanted, redact: redactor.redact, learn: redactor.add })
  t.notMatch(JSON.stringify(found), /Hunter/)
  t.match(found.answered, { answer: { body: `${'x'.repeat(390)}${mask}` } })
})

void t.test('of an address that is none of a database nothing is said', (t) => {
  const remarkOf = (value: string) => factsOf([{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one' }, data: { connection: base64(value) } }])[0]?.remarks.connection
  for (const value of ['postgresql://joe:x@db:5432/airflow;password=swordfish', 'postgresql://joe:12345/Hunt?er9xyz@db:5432/airflow', 'https://hooks.example.org/swordfish', 'postgresql://db/airflow?x=joe@swordfish']) t.equal(remarkOf(value), 'is not the address of a database', value)
  t.equal(remarkOf('db+postgresql://joe:x@db:5432/airflow?sslmode=disable'), 'leads to db:5432/airflow with sslmode=disable')
  t.end()
})
