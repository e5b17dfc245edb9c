/** What a configuration wants and cannot have: told by the run that refuses it, or by the doctor where something is wrong for it. */
import { appendFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import type { FaultId } from '../../lib/observe/faults.ts'
import { checkout } from '../../scripts/lab/paths.ts'
import { standinChart } from '../../scripts/lab/standin/fixtures.ts'
import { traefikDefinitions, traefik as traefikObjects } from '../../scripts/lab/standin/traefik.ts'
import { apply, get, kubectl, list, until } from './cluster.ts'
import { faults, look, type Fault } from './faults.ts'
import { deletePods, kube, sql } from './harm.ts'
import { exits, site, type Overrides, type Site } from './site.ts'

async function back(it: Site): Promise<void> {
  it.write({})
  await it.airstrip(['apply'])
}

interface Wish extends Partial<Fault> {
  /** What has to be so before. */
  first?: (it: Site) => Promise<unknown>
  flags?: string[]
}

/** The fix is another configuration: the one from before. */
const wish = (name: string, id: Fault['id'], tells: RegExp, overrides: Overrides | ((it: Site) => Overrides), { first, flags = [], ...more }: Wish = {}): Fault => ({
  name, id, tells, mend: back, undo: back, ...more,
  harm: async it => {
    await first?.(it)
    it.write(typeof overrides === 'function' ? overrides(it) : overrides)
    await it.airstrip(['apply', ...flags])
  },
})

/** The site's own chart with something more in it. */
function chartWith(it: Site, name: string, file: string, text: string): Overrides {
  const { airflow: { chart } } = parse(readFileSync(it.configPath, 'utf8')) as { airflow: { chart: string } }
  const copy = join(it.folder, name)
  cpSync(chart, copy, { recursive: true })
  if (file === 'Chart.yaml') appendFileSync(join(copy, file), text)
  else writeFileSync(join(copy, file), text)
  return { airflow: { chart: copy } }
}

const requirements: Fault[] = [
  wish('another system than the nodes have', 'os-required', /ubuntu 24\.04/, { require: { os: 'ubuntu 24.04' } }),
  wish('another Kubernetes than the cluster is', 'kubernetes-version-required', /1\.22\.8/, { require: { kubernetes: '1.22.8' } }),
  wish('an address where nobody is', 'ingress-unproven', /Nobody answers at 127\.0\.0\.1/, { ingress: { address: '127.0.0.1:1' } }),
]

const charts: Fault[] = [
  wish('an executor that the chart does not take', 'executor-not-supported-by-chart', /SequentialExecutor/, { airflow: { executor: 'SequentialExecutor' } }),
  wish('a request above its own limit', 'object-invalid', /Deployment airflow-webserver.*must be less than or equal to memory limit/s, { airflow: { values: { webserver: { resources: { requests: { memory: '256Mi' }, limits: { memory: '128Mi' } } } } } }),
  wish('a chart that wants a kind that the cluster does not have', 'chart-api-removed', /policy\/v9/, it => chartWith(it, 'kinds', 'templates/more.yaml', 'apiVersion: policy/v9\nkind: PodDisruptionBudget\nmetadata:\n  name: more\n')),
  wish('a chart for a later Helm', 'helm-too-old-for-chart', /fromLaterHelm/, it => chartWith(it, 'functions', 'templates/more.yaml', '{{ fromLaterHelm "x" }}\n')),
]

const widgets = (plural: string): object => ({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.wishes.example.org` },
  spec: { group: 'wishes.example.org', scope: 'Namespaced', names: { kind: 'Widget', plural }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] },
})
const bare = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bare' }, spec: { restartPolicy: 'Never', containers: [{ name: 'once', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', 'exit 3'] }] } }
const tuned = {
  apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'tuned' },
  spec: { replicas: 1, serviceName: 'tuned', selector: { matchLabels: { app: 'tuned' } }, template: { metadata: { labels: { app: 'tuned' } }, spec: {
    terminationGracePeriodSeconds: 0, securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1024' }] },
    containers: [{ name: 'cache', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['sleep', '100000'] }],
  } } },
}
async function widgetsGone(it: Site): Promise<void> {
  await back(it)
  await kubectl(['delete', 'crd', 'widgets.wishes.example.org', 'widgetz.wishes.example.org', '--ignore-not-found'])
}

const readers = (role: string): object => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'readers' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [{ kind: 'ServiceAccount', name: 'default' }] })

const ofCharts: Fault[] = [
  wish('a pod of the chart that fails, and that nobody makes again', 'pod-failed', /Pod \S+bare: once: .*3/, it => chartWith(it, 'bare', 'templates/more.yaml', JSON.stringify(bare)), { mend: async it => {
    await back(it)
    // To Helm it is nobody's, since the revision that made it failed.
    await until('the pod is gone with it', async () => await get('pod', 'bare', it.namespace) === undefined, 5_000)
  } }),
  wish('a StatefulSet of the chart whose pods the kubelet turns away', 'admission-refused', /StatefulSet tuned: SysctlForbidden.*net\.core\.somaxconn/s, it => chartWith(it, 'tuned', 'templates/more.yaml', JSON.stringify(tuned))),
  wish('a definition of the chart whose names another has taken', 'crd-names-conflict', /widgetz\.wishes\.example\.org.*Widget/s, it => chartWith(it, 'names', 'templates/more.yaml', JSON.stringify(widgets('widgetz'))), { first: () => apply(widgets('widgets')), mend: widgetsGone, undo: widgetsGone }),
]

/** Kubernetes deletes the pod of a Job with its last try; seven of them take longer than anybody waits here. Between two tries there must be a pause in which it can be seen. */
function triedThrice(it: Site, name: string): Overrides {
  const { airflow: { chart } } = parse(readFileSync(it.configPath, 'utf8')) as { airflow: { chart: string } }
  const copy = join(it.folder, name)
  cpSync(chart, copy, { recursive: true })
  for (const file of readdirSync(join(copy, 'templates'), { recursive: true, encoding: 'utf8' }).filter(file => /job[^/]*\.yaml$/.test(file))) {
    const path = join(copy, 'templates', file)
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^(kind: Job\n[^]*?^spec:\n)/gm, '$1  backoffLimit: 2\n'))
  }
  return { chart: copy }
}

async function podGone(it: Site, component: string): Promise<void> {
  await until(`no pod of ${component}`, async () => !(await list('pods', it.namespace)).some(({ metadata }) => metadata.labels?.component === component))
}

/** With what happens after the run. */
const after = (fault: Fault, then: (it: Site) => Promise<unknown>): Fault => ({ ...fault, harm: async it => {
  await fault.harm(it)
  await then(it)
} })

const failingUser = (round: string): object => ({ createUserJob: { args: ['bash', '-c', 'echo no such role >&2; exit 1'], env: [{ name: 'ROUND', value: round }] } })
const newerDatabase: Wish = {
  seconds: 120, mend: revisionBack, undo: revisionBack,
  first: it => sql(it, 'CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM alembic_version; UPDATE alembic_version SET version_num = $$99999999abcd$$', 'airflow'),
}
const revision = /99999999abcd/

const data: Fault[] = [
  { name: 'a role binding of the chart that is to lead to another role', id: 'immutable-field-on-upgrade', tells: /RoleBinding \S+readers/, undo: back, harm: async it => {
    for (const role of ['view', 'edit']) {
      it.write(chartWith(it, role, 'templates/more.yaml', JSON.stringify(readers(role))))
      await it.airstrip(['apply'])
    }
  } },
  wish('a first user whose Job fails', 'crash-loop', /create-user/, { airflow: { values: { createUserJob: { args: ['bash', '-c', 'echo no such role >&2; exit 1'] }, env: [{ name: 'ROUND', value: '1' }] } } }, { seconds: 90, flags: ['--timeout', '60s'] }),
  wish('migrations over the database of a newer Airflow', 'db-newer-than-image', revision, { airflow: { values: { env: [{ name: 'ROUND', value: '2' }] } } }, { ...newerDatabase, flags: ['--timeout', '60s'] }),
  after(wish('migrations over the database of a newer Airflow, until they have no tries left', 'db-newer-than-image', revision, it => ({ airflow: { ...triedThrice(it, 'migrations') } }), { ...newerDatabase, explains: ['job-failed'] }), it => podGone(it, 'run-airflow-migrations')),
  after(wish('migrations over the database of a newer Airflow, whose Job is deleted after its last try', 'db-newer-than-image', revision, it => ({ airflow: { ...triedThrice(it, 'deleted') } }), { ...newerDatabase, explains: ['job-failed'] }), it => kube(it, 'delete', 'job', '-l', 'component=run-airflow-migrations')),
  after(wish('migrations that are no hook of Helm\'s over the database of a newer Airflow', 'db-newer-than-image', revision, it => ({ airflow: { ...triedThrice(it, 'ordinary'), values: { migrateDatabaseJob: { useHelmHooks: false } } } }), { ...newerDatabase, explains: ['job-failed'] }), it => podGone(it, 'run-airflow-migrations')),
  after(wish('a first user whose Job has no tries left', 'job-failed', /no such role/, it => ({ airflow: { ...triedThrice(it, 'user'), values: failingUser('3') } }), { seconds: 90 }), it => podGone(it, 'create-user-job')),
]

async function revisionBack(it: Site): Promise<void> {
  await sql(it, 'UPDATE alembic_version SET version_num = kept.version_num FROM kept', 'airflow')
  await deletePods(it, 'scheduler')
  await back(it)
}

/** Before anything is touched: what runs is well, so the doctor has nothing to say of it. */
const guarded: { name: string; id: FaultId; overrides: (it: Site) => Overrides }[] = [
  { name: 'a version of the chart that is not there', id: 'chart-version-missing', overrides: () => ({ airflow: { version: '99.9.9' } }) },
  { name: 'the chart of the other maker', id: 'release-of-another-chart', overrides: () => ({ airflow: { ...standinChart(checkout, 'community'), executor: 'KubernetesExecutor' } }) },
  { name: 'a chart for a later Kubernetes', id: 'kubeversion-refused', overrides: it => chartWith(it, 'later', 'Chart.yaml', '\nkubeVersion: ">=1.40.0-0"\n') },
  { name: 'an older Airflow over a newer database', id: 'airflow-downgrade', overrides: () => ({ airflow: { image: { tag: '2.3.0' } } }) },
  { name: 'another major version of PostgreSQL', id: 'postgres-major-version', overrides: () => ({ airflow: { database: { imageTag: '16.1.0-debian-11-r15' } } }) },
]

const group = 'traefik.containo.us'
const kinds: Fault[] = [
  { name: 'the kinds of Traefik deleted', id: 'traefik-missing', harm: () => kubectl(['delete', 'crd', ...['ingressroutes', 'middlewares'].map(one => `${one}.${group}`)]), mend: kindsBack, undo: kindsBack },
]

async function kindsBack(it: Site): Promise<void> {
  await apply(...traefikDefinitions())
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all'])
  await apply(...traefikObjects())
  await it.airstrip(['apply'])
}

void t.test('what a configuration wants and cannot have', async t => {
  const it = await site(t, 'doctorwishes')
  exits(t, await it.airstrip(['apply']), 0)
  for (const { name, id, overrides } of guarded) {
    await t.test(`the run refuses ${name}, and touches nothing`, async t => {
      it.write(overrides(it))
      exits(t, await it.airstrip(['apply']), 1)
      const { status, error } = it.state().steps.helm ?? {}
      t.match({ status, first: error?.findings?.[0]?.id }, { status: 'failed', first: id })
      t.match((await look(it)).diagnosis, { healthy: true, findings: [] })
      await back(it)
    })
  }
  await t.test('a host that has no address is a note, as long as Traefik answers for it', async t => {
    const config = parse(readFileSync(it.configPath, 'utf8')) as { ingress: object }
    writeFileSync(it.configPath, stringify({ ...config, ingress: { ...config.ingress, host: 'wishes.invalid', address: undefined } }))
    exits(t, await it.airstrip(['apply']), 0)
    const { diagnosis } = await look(it)
    t.match(diagnosis, { healthy: true, findings: [] })
    t.match(diagnosis.notes.find(({ id }) => id === 'host-unresolved')?.title, /^wishes\.invalid does not resolve/)
    await back(it)
  })
  await faults(t, it, [...requirements, ...charts, ...ofCharts, ...data, ...kinds])
})
