/** From nothing to the reference setup; then once more, and nothing happens. */
import { request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { at, bareCluster, get, kubectl, lab, list, recordsOf } from './cluster.ts'
import { audit, watchProcesses } from './people.ts'
import { exits, site, type Run, type Site } from './site.ts'

interface Diagnosis { healthy: boolean; findings: { id: string; severity: string; title: string }[]; unknown: string[] }

void t.test('a fresh install and a second run', async t => {
  await bareCluster()
  const it = await site(t, 'airflow')
  const running = it.start(['apply'])
  const looks = await doctorsWhile(it, running.ended)
  const first = await running.ended

  await t.test('runs to the end', t => { ran(t, it, first); t.end() })

  await t.test('no false alarm while it starts', t => { calm(t, looks); t.end() })

  await t.test('every object of the reference, exactly', t => objects(t, it))
  await t.test('answers over HTTPS with the prefix stripped', t => requests(t, it))
  await t.test('the running programs are the wanted ones', async t => {
    const names = (await list('deployments,statefulsets', 'airflow')).map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()
    t.same(names, ['Deployment airflow-scheduler', 'Deployment airflow-statsd', 'Deployment airflow-webserver', 'StatefulSet airflow-postgresql', 'StatefulSet airflow-triggerer'])
    const scheduler = await get('deployment', 'airflow-scheduler', 'airflow')
    t.equal(scheduler?.metadata.labels?.executor, 'KubernetesExecutor')
    t.same(await recordsOf('airflow'), ['deployed'])
    t.notOk(await get('ingress', 'airflow-ingress', 'airflow'), "the chart's own ingress stays off")
  })

  await t.test('a second run changes nothing', t => secondRun(t, it))

  await t.test('healthy', t => healthy(t, it))

  await t.test('--json: every line of stdout is an event', async t => {
    const { code, stdout, stderr } = await it.airstrip(['apply', '--json'])
    t.equal(code, 0)
    t.equal(stderr, '')
    const types = stdout.trimEnd().split('\n').map(line => (JSON.parse(line) as { type: string }).type)
    t.same([types[0], types.at(-1)], ['run-started', 'run-ended'])
  })
})

function ran(t: Test, it: Site, first: Run): void {
  exits(t, first, 0)
  const { steps, run } = it.state()
  t.same(Object.entries(steps).map(([name, { status }]) => `${name} ${status}`), ['prereq', 'provisioner', 'storage', 'helm', 'ingress', 'executor'].map(name => `${name} done`))
  t.equal(run?.result, 'done')
  t.match(first.stdout, /^https:\/\/airflow\.lab\.test\/airflow {2}user admin, password:\nkubectl -n airflow get secret \S+ -o jsonpath=\S+ \| base64 -d\n$/, 'stdout: where it is and how to get in, no progress')
}

function calm(t: Test, looks: Look[]): void {
  t.ok(looks.length > 3, `doctor looked ${looks.length} times`)
  for (const { code, diagnosis, stderr, installed } of looks) {
    const errors = diagnosis?.findings.filter(({ severity }) => severity === 'error') ?? []
    const wrong = errors.filter(({ id }) => installed || id !== 'release-not-installed')
    t.same([wrong, diagnosis?.unknown], [[], []], `no error and nothing unknown ${stderr}`)
    t.ok(installed ? [0, 4].includes(code) : [0, 3, 4].includes(code), `doctor: ${code}`)
  }
}

async function secondRun(t: Test, it: Site): Promise<void> {
  const log = audit(it)
  const processes = watchProcesses()
  const detailed = await it.airstrip(['apply', '--detailed-exitcode'])
  const quiet = await it.airstrip(['--quiet'])
  const upgrades = processes().filter(line => line.includes('helm upgrade') && line.includes(it.kubeconfig))
  exits(t, detailed, 0)
  t.same(quiet, { ...quiet, code: 0, stdout: '', stderr: '' }, 'quiet says nothing at all')
  t.ok(log.all().length > 5, 'it did look')
  t.same(log.writes(), [], 'no write reached the API server')
  t.same(upgrades, [], 'Helm was not asked to upgrade')
  t.same(await recordsOf('airflow'), ['deployed'], 'no second revision')
}

async function healthy(t: Test, it: Site): Promise<void> {
  const log = audit(it)
  const { code, stdout, stderr } = await it.airstrip(['doctor', '--json'])
  const diagnosis = JSON.parse(stdout) as Diagnosis
  t.ok([0, 4].includes(code), `${code} ${stderr}`)
  t.equal(diagnosis.healthy, true)
  t.same(diagnosis.findings.filter(({ severity }) => severity === 'error'), [])
  const status = await it.airstrip(['status'])
  exits(t, status, 0)
  t.equal(status.stdout.match(/now: as wanted/g)?.length, 6, 'six steps are as wanted', { said: status.stdout })
  t.same(log.writes(), [], 'neither writes')
}

interface Look { code: number; installed: boolean; diagnosis: Diagnosis | undefined; stderr: string }

async function doctorsWhile(it: Site, ended: Promise<Run>): Promise<Look[]> {
  const looks: Look[] = []
  let over = false
  void ended.then(() => { over = true })
  while (!over) {
    const installed = (await kubectl(['get', 'secrets', '-n', 'airflow', '-l', 'owner=helm', '-o', 'name'])) !== ''
    const { code, stdout, stderr } = await it.airstrip(['doctor', '--json'])
    looks.push({ code, installed, stderr, diagnosis: stdout === '' ? undefined : JSON.parse(stdout) as Diagnosis })
    await sleep(1500)
  }
  return looks
}

async function objects(t: Test, it: Site): Promise<void> {
  t.match(await get('storageclass', 'local-path'), {
    provisioner: 'rancher.io/local-path', volumeBindingMode: 'WaitForFirstConsumer', reclaimPolicy: 'Delete',
    metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  })
  t.match(await get('storageclass', 'airflow-storage'), { provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' })
  await pair(t, it, 'dags', '1Gi', 'ReadOnlyMany')
  await pair(t, it, 'logs', '10Gi', 'ReadWriteMany')
  t.match(await get('pvc', 'data-airflow-postgresql-0', 'airflow'), { spec: { storageClassName: 'local-path' }, status: { phase: 'Bound' } })
  const middleware = await get('middleware.traefik.containo.us', 'airflow-webserver', 'airflow')
  t.equal(middleware?.apiVersion, 'traefik.containo.us/v1alpha1')
  t.same(middleware?.spec, { stripPrefix: { prefixes: ['/airflow'] } })
  const route = await get('ingressroute.traefik.containo.us', 'airflow-webserver', 'airflow')
  t.same(route?.spec, {
    entryPoints: ['websecure'],
    routes: [{ kind: 'Rule', match: `Host(\`${it.host}\`) && PathPrefix(\`/airflow\`)`, middlewares: [{ name: 'airflow-webserver' }], services: [{ name: 'airflow-webserver', port: 8080 }] }],
    tls: { certResolver: 'letsencrypt' },
  })
}

async function pair(t: Test, it: Site, folder: string, size: string, mode: string): Promise<void> {
  const claimName = `airflow-local-${folder}-folder`
  const volume = await get('pv', `airflow-local-${folder}-pv`)
  t.match(volume, {
    metadata: { labels: { type: `airflow-${folder}` } },
    spec: { storageClassName: 'airflow-storage', capacity: { storage: size }, hostPath: { path: `${it.base}/${folder}` }, persistentVolumeReclaimPolicy: 'Retain', claimRef: { namespace: 'airflow', name: claimName } },
    status: { phase: 'Bound' },
  })
  t.same(at(volume, 'spec/accessModes'), [mode])
  const claim = await get('pvc', claimName, 'airflow')
  t.match(claim, { spec: { storageClassName: 'airflow-storage', resources: { requests: { storage: size } }, volumeName: `airflow-local-${folder}-pv` }, status: { phase: 'Bound' } })
  t.same(at(claim, 'spec/accessModes'), [mode])
  t.same(at(claim, 'spec/selector'), { matchLabels: { type: `airflow-${folder}` } })
}

async function requests(t: Test, it: Site): Promise<void> {
  const health = await ask(it.host, '/airflow/health')
  t.equal(health.status, 200)
  t.match(JSON.parse(health.body), { metadatabase: { status: 'healthy' }, scheduler: { status: 'healthy' } })
  const first = await ask(it.host, '/airflow/')
  t.equal(first.status, 302)
  t.match(new URL(first.location, `https://${it.host}`), { pathname: '/airflow/home', host: it.host }, first.location)
  const login = await ask(it.host, '/airflow/login/')
  t.equal(login.status, 200)
  t.match(login.body, 'action="/airflow/login/"', 'links carry the prefix, once')
  t.equal((await ask(it.host, '/health')).status, 404, 'nothing outside the prefix')
  t.equal((await ask('other.lab.test', '/airflow/health')).status, 404, 'nothing under another name')
}

/** As a browser would, whatever the certificate. */
function ask(host: string, path: string): Promise<{ status: number; body: string; location: string }> {
  return new Promise((resolve, reject) => {
    request({ host: lab.nodeIP, port: 443, servername: host, headers: { host }, path, rejectUnauthorized: false, agent: false }, answer => {
      let body = ''
      answer.on('data', (chunk: Buffer) => { body += chunk.toString() })
      answer.on('end', () => { resolve({ status: answer.statusCode ?? 0, body, location: answer.headers.location ?? '' }) })
    }).on('error', reject).end()
  })
}
