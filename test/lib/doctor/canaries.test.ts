import { gunzipSync } from 'node:zlib'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { writeBundle } from '../../../lib/adapters/bundle.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { collect } from '../../../lib/doctor/collect/index.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { mask, redactWith } from '../../../lib/doctor/redact.ts'
import { createTally, swept } from '../../../lib/doctor/sweep.ts'
import { bundleFiles, evidenceFile, parseStored } from '../../../lib/report/bundle.ts'
import { diagnosisJson, diagnosisLines } from '../../../lib/report/diagnosis.ts'
import { claim, crashed, now, pod, release } from '../observe/objects.ts'
import { logShapes, planted } from './canaries.ts'
import { reader } from './evidence.ts'

const wanted = { chart: 'apache-airflow/airflow', executor: 'KubernetesExecutor', storagePath: '/srv/airflow', host: 'x', path: '/', prefix: 'strip' as const, certResolver: 'le', entryPoint: 'websecure', family: 'official-2' as const, healthPath: '/health', route: 'airflow-webserver', service: 'airflow-webserver', bundledDatabase: true, fernetSecretName: 'airflow-airstrip-fernet-key', address: '10.0.0.1' }

function formsOf(value: string): string[] {
  const shifted = [0, 1, 2].map((offset) => Buffer.from(' '.repeat(offset) + value).toString('base64').slice(offset === 0 ? 0 : 4).replace(/.{2}=*$/, ''))
  return [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), Buffer.from(Buffer.from(value).toString('base64')).toString('base64'), ...shifted]
}

void t.test('no secret is in the evidence, the bundle, or what is printed, wherever it lay', async (t) => {
  const { reader: scripted, canaries } = planted()
  const redactor = createRedactor()
  const recorded = { state: { path: 'state/state.json' }, said: [{ source: 'step helm', at: now.toISOString(), text: `helm: password=${canaries.get('chart value') ?? ''}` }] }
  const evidence = await collect(scripted, { namespace: 'airflow', release: 'airflow', wanted, recorded, redact: redactor.redact, learn: redactor.add })
  const diagnosis = diagnose(evidence)
  const path = join(t.testdir(), 'bundle.tar.gz')
  writeBundle(path, bundleFiles({ airstrip: '0', evidence, beside: [] }, diagnosis, redactor.redact), now)
  const texts = { evidence: JSON.stringify(evidence), bundle: gunzipSync(readFileSync(path)).toString(), printed: diagnosisLines(diagnosis, false).join('\n'), json: diagnosisJson(diagnosis) }
  t.ok(canaries.size > 100, `${canaries.size} places`)
  for (const [where, text] of Object.entries(texts)) {
    t.same([...canaries].filter(([, value]) => formsOf(value).some((form) => text.includes(form))).map(([place, value]) => `${place}: …${text.slice(Math.max(0, text.indexOf(value) - 80), text.indexOf(value))}`), [], where)
  }
  t.same(evidence.unknown, [], 'and everything was read')
  const text = bundleFiles({ airstrip: '0', evidence, beside: [] }, diagnosis, redactor.redact).find((file) => file.path === evidenceFile)?.bytes ?? ''
  t.same(diagnose(parseStored(text, path).evidence), diagnosis, 'and says the same when it is judged again')
  t.ok(evidence.logs.length > 0)
  t.match(texts.evidence, /"name":"DB_PASSWORD"/, 'what is secret keeps its name')
})

void t.test('each shape of a log is known by itself', (t) => {
  const redact = redactWith()
  for (const [name, shape] of Object.entries(logShapes)) {
    const [once, line] = [redact(shape('Hunter2xyz')), redact(`[2023-08-02T10:30:00] {x.py:7} INFO - ${shape('Hunter2xyz')} trailing words`)]
    t.notMatch(once, /Hunter2xyz/, name)
    t.ok(once.includes(mask), name)
    t.equal(redact(once), once, `${name}: once is enough`)
    if (!/YAML block|blanks/.test(name)) t.notMatch(line, /Hunter2xyz/, `${name}, within a line`)
  }
  t.notMatch(redact(`key ${'Ab3_'.repeat(10)}xyz= here`), /Ab3_Ab3_/, 'a Fernet key by its shape')
  t.notMatch(redact('token bf2dbc8d4e1a4c6f9b0e7a3d5c8f1e2b4a6d'), /bf2dbc8d/, 'chance in hexadecimal')
  t.notMatch(redact('found kV9zX2mQ8rT4/Lw7Yp3Nb6Hs1Jd5Gf0Ac+Ue2Rt9Q there'), /kV9z/, 'chance in base64')
  t.end()
})

void t.test('what no secret is stays readable', (t) => {
  const redact = redactWith()
  const plain = [
    'FATAL: password authentication failed for user "postgres"', 'secret "airflow-fernet-key" not found', 'the password is required', 'Basic authentication is disabled',
    'couldn\'t find key connection in Secret airflow/airflow-metadata', 'docker.io/apache/airflow@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'Back-off pulling image "localhost:5000/apache/airflow:2.6.2"', 'airflow-scheduler-6d5b9c7f9-x2x4z', 'pod 7b7ec5b5-0c1d-4f4a-9a70-1f7d3f3c8a11 evicted',
    'fernetKeySecretName: airflow-fernet-key', '/home/airflow/.local/lib/python3.7/site-packages/airflow/jobs/SchedulerJobRunner.py', 'containerd://e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'http://10.0.0.1:8080/health', '0/1 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn\'t tolerate.', 'automountServiceAccountToken: false',
    // The kubelet of 1.20, on the lab.
    'MountVolume.SetUp failed for volume "airflow-token-c4kss" : failed to sync secret cache: timed out waiting for the condition',
  ]
  for (const text of plain) t.equal(redact(text), text)
  t.end()
})

void t.test('hostile texts cost no time', (t) => {
  const redact = redactWith()
  const began = process.cpuUsage().user
  for (const part of ['a', 'password', 'password=', 'a:', '://a:', 'name: ', '-----BEGIN PRIVATE KEY-----', '--pass ', '"', '\\"', ' ', 'password:\n', 'eyJ', '$2b$', 'mysql -p ']) redact(part.repeat(30_000 / part.length))
  t.ok(process.cpuUsage().user - began < 5_000_000, `${process.cpuUsage().user - began} µs`)
  t.end()
})

void t.test('a known value that is a word does not take a name with it', (t) => {
  const redactor = createRedactor()
  redactor.add('dragons')
  redactor.add('Str0ng-one')
  const tally = createTally()
  const clean = swept({ metadata: { name: 'dragons', labels: { a: 'dragons', b: 'Str0ng-one' } }, status: { message: 'dragons' } }, redactor.redact, tally.count)
  t.same(clean, { metadata: { name: 'dragons', labels: { a: 'dragons', b: mask } }, status: { message: mask } })
  t.same(tally.counts(), { known: 2 })
  t.end()
})

void t.test('what is left out is counted by kind', async (t) => {
  const one = pod({ spec: { containers: [{ name: 'scheduler', env: [{ name: 'A', value: 'x' }, { name: 'B', value: 'y' }, { name: 'C', valueFrom: {} }, { name: 'AIRFLOW__CORE__EXECUTOR', value: 'CeleryExecutor' }], args: ['scheduler', '--pid', 'one', 'two'] }] }, status: { containerStatuses: [crashed(1, {})] } })
  const noted = { ...claim(), metadata: { ...claim().metadata, annotations: { x: 'y', 'pv.kubernetes.io/bind-completed': 'yes' } } }
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'airflow' }, data: { a: '1', b: '2' } }
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'airflow' }, data: { p: Buffer.from('hunter2hunter2').toString('base64') } }
  const redactor = createRedactor()
  const { reader: scripted } = reader({ objects: [one, noted, map, secret], logs: () => 'token=abc\nhunter2hunter2 hunter2hunter2', release: release({ values: { a: 'text', executor: 'CeleryExecutor', n: 1 } }) })
  const evidence = await collect(scripted, { namespace: 'airflow', release: 'airflow', redact: redactor.redact, learn: redactor.add })
  t.same(evidence.redacted, { variables: 2, arguments: 2, annotations: 1, configMaps: 2, secrets: 1, values: 1, looks: 1, known: 2 })
  t.match(bundleFiles({ airstrip: '0', evidence, beside: [] }, diagnose(evidence), (text) => text)[0], { path: 'airstrip-bundle/MANIFEST', bytes: / 2 {2}values of variables \(variables\)\n/ })
})
