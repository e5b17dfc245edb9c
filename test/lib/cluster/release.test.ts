import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { asFailed, decodeRecord, newestRecord, parseManifest, readRelease } from '../../../lib/cluster/release.ts'
import type { KubernetesObject } from '../../../lib/access.ts'

const manifest = `---
# Source: airflow/templates/scheduler/scheduler-serviceaccount.yaml
kind: ServiceAccount
apiVersion: v1
metadata:
  name: airflow-scheduler
---
# Source: airflow/templates/rbac/cluster.yaml
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata:
  name: airflow-pods
---
# Source: airflow/templates/empty.yaml
---
kind: ConfigMap
apiVersion: v1
metadata:
  name: elsewhere
  namespace: other
`

/** As Helm 3.9 writes it, with the fields that airstrip does not read. */
const record = {
  name: 'airflow',
  info: { first_deployed: '2023-08-02T10:00:00.123456789+02:00', last_deployed: '2023-08-02T10:05:00.5+02:00', deleted: '', description: 'Preparing upgrade', status: 'pending-upgrade', notes: 'Thank you' },
  chart: { metadata: { name: 'airflow', version: '1.10.0', appVersion: '2.6.2', apiVersion: 'v2' }, lock: null, templates: [{ name: 'templates/x', data: 'e30=' }], values: { a: 1 }, schema: 'e30=', files: null },
  config: { executor: 'KubernetesExecutor', dags: { persistence: { enabled: true } } },
  manifest,
  hooks: [{
    name: 'airflow-run-airflow-migrations', kind: 'Job', path: 'airflow/templates/jobs/migrate-database-job.yaml', manifest: 'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: airflow-run-airflow-migrations\n',
    events: ['post-install', 'post-upgrade'], last_run: { started_at: '', completed_at: '', phase: 'Running' }, weight: 1, delete_policies: ['before-hook-creation', 'hook-succeeded'],
  }],
  version: 3,
  namespace: 'airflow',
}

function secret(content: unknown = record, version = '3'): KubernetesObject {
  const inner = gzipSync(JSON.stringify(content)).toString('base64')
  return {
    apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1',
    metadata: { name: `sh.helm.release.v1.airflow.v${version}`, namespace: 'airflow', resourceVersion: '77', labels: { name: 'airflow', owner: 'helm', status: 'pending-upgrade', version } },
    data: { release: Buffer.from(inner).toString('base64') },
  }
}

void t.test('a record tells status, chart, values, objects and hooks', (t) => {
  t.match(readRelease(secret()), {
    name: 'airflow', namespace: 'airflow', revision: 3, status: 'pending-upgrade', description: 'Preparing upgrade', updatedAt: '2023-08-02T10:05:00.5+02:00',
    chart: { name: 'airflow', version: '1.10.0', appVersion: '2.6.2' },
    values: record.config,
    hooks: [{ ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-run-airflow-migrations', namespace: 'airflow' }, events: ['post-install', 'post-upgrade'], deletePolicies: ['before-hook-creation', 'hook-succeeded'], phase: 'Running' }],
    record: { apiVersion: 'v1', kind: 'Secret', name: 'sh.helm.release.v1.airflow.v3', namespace: 'airflow' },
  })
  t.end()
})

void t.test('a record that cannot be unpacked is named, with the way past it that keeps a copy', (t) => {
  for (const release of ['H4sIrubbish', '', 'rubbish']) {
    const broken = { ...secret(), data: { release: Buffer.from(release).toString('base64') } }
    t.throws(() => readRelease(broken), { code: 'BLOCKED', message: new RegExp(`Secret \\S+/${secret().metadata.name} cannot be unpacked`), next: /get secret \S+ -o yaml > \S+-before-\$\(date \+%s\)\.yaml\) && kubectl -n \S+ delete secret \S+ && npx tsx run.ts apply/ })
  }
  t.end()
})

void t.test('a record that is cut says nothing of what is in it', (t) => {
  const cut = { ...secret(), data: { release: Buffer.from(gzipSync('{"config":{"password":"canary-4711').toString('base64')).toString('base64') } }
  try {
    readRelease(cut)
    t.fail('it was read')
  } catch (error) {
    t.match(error, { code: 'BLOCKED', message: /what is packed in it is no JSON/ })
    t.notMatch(inspect(error, { depth: 5 }), /canary/)
  }
  t.end()
})

void t.test('a record without values, hooks and description is read as well', (t) => {
  t.match(readRelease(secret({ ...record, config: null, hooks: null, info: { status: 'deployed' } })), { values: {}, hooks: [], description: '', updatedAt: '' })
  t.end()
})

void t.test('objects get the namespace of the release, unless they have one or cannot', (t) => {
  const objects = parseManifest(manifest, 'airflow')
  t.same(objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? '-'}`), ['ServiceAccount airflow', 'ClusterRole -', 'ConfigMap other'])
  t.end()
})

void t.test('a manifest means what it means to Kubernetes: octal modes, and yes and on as booleans', (t) => {
  const text = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  mode: 0644\n  enabled: yes\n  disabled: off\n  day: 2023-08-02\n  time: 12:30\n  size: 1_000\n  text: "0644"\n`
  t.match(parseManifest(text, 'airflow')[0]?.spec, { mode: 420, enabled: true, disabled: false, day: '2023-08-02', time: '12:30', size: 1000, text: '0644' })
  t.end()
})

void t.test('a field with nothing after it is none, as Bitnami\'s chart of PostgreSQL writes initContainers', (t) => {
  const text = 'apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: airflow-postgresql, annotations: }\nspec:\n  template:\n    spec:\n      initContainers:\n      containers:\n        - {name: postgresql, resources: , command: [a, b]}\n'
  t.same(parseManifest(text, 'airflow'), [{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'airflow-postgresql', namespace: 'airflow' }, spec: { template: { spec: { containers: [{ name: 'postgresql', command: ['a', 'b'] }] } } } }])
  t.end()
})

void t.test('marked failed it is the same record in every other way', (t) => {
  const { release, status } = asFailed(secret(), 'Interrupted; recovered by airstrip')
  t.equal(status, 'failed')
  t.strictSame(decodeRecord(release), { ...record, info: { ...record.info, status: 'failed', description: 'Interrupted; recovered by airstrip' } })
  t.end()
})

void t.test('the newest record is the one with the highest revision, not the last by name', (t) => {
  t.equal(newestRecord(['9', '10', '2'].map((version) => secret(record, version)))?.metadata.name, 'sh.helm.release.v1.airflow.v10')
  t.equal(newestRecord([]), undefined)
  t.end()
})

void t.test('a list in a manifest is taken apart, as Helm does', (t) => {
  const list = 'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n- {apiVersion: v1, kind: Secret, metadata: {name: two}}\n'
  t.same(parseManifest(list, 'airflow').map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace]), [['ConfigMap', 'one', 'airflow'], ['Secret', 'two', 'airflow']])
  t.end()
})
