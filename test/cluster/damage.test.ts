/** What somebody broke by hand: one run mends it, touches nothing else, and the next finds nothing to do. */
import { statSync } from 'node:fs'
import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { get, kubectl, list, secretsOf, until } from './cluster.ts'
import { exits, says, site, type Site } from './site.ts'

interface Damage {
  name: string
  /** Objects that the mending may change or make anew; a pattern over `Kind/name`. */
  mends: RegExp
  harm: (it: Site) => Promise<unknown>
  /** What must hold afterwards, beyond "as it was". */
  proof: (it: Site) => Promise<unknown>
  expected: unknown
}

const n = 'damage'
const kube = (...args: string[]): Promise<string> => kubectl(['-n', n, ...args])
const json = (path: string) => (...args: string[]): Promise<string> => kube('get', ...args, '-o', `jsonpath={${path}}`)
const isDefault = async (): Promise<unknown> => (await get('storageclass', 'local-path'))?.metadata.annotations?.['storageclass.kubernetes.io/is-default-class']

/** The scheduler, webserver and triggerer hold both claims; with none of them the claims can be deleted. */
async function stopPods(): Promise<void> {
  await kube('scale', 'deployment/airflow-scheduler', 'deployment/airflow-webserver', 'statefulset/airflow-triggerer', '--replicas=0')
  await until('the pods are gone', async () => (await kube('get', 'pods', '-l', 'component in (scheduler,webserver,triggerer)', '-o', 'name')) === '')
}

const table: Damage[] = [
  {
    name: 'deleted, scaled, another image, an edited label: four objects of the release',
    mends: /^(Deployment\/airflow-(scheduler|statsd|webserver)|Service\/airflow-webserver)$/,
    harm: async () => {
      await kube('delete', 'deployment', 'airflow-webserver')
      await kube('scale', 'deployment/airflow-scheduler', '--replicas=2')
      await kube('set', 'image', 'deployment/airflow-statsd', 'statsd=docker.io/library/busybox:latest')
      await kube('label', 'service', 'airflow-webserver', 'component=mine', '--overwrite')
    },
    proof: async () => [
      await json('.status.availableReplicas')('deployment', 'airflow-webserver'),
      await json('.spec.replicas')('deployment', 'airflow-scheduler'),
      await json('.spec.template.spec.containers[0].image')('deployment', 'airflow-statsd'),
      await json('.metadata.labels.component')('service', 'airflow-webserver'),
    ],
    expected: ['1', '1', 'quay.io/prometheus/statsd-exporter:v0.22.8', 'webserver'],
  },
  {
    name: 'claims deleted that no pod used',
    mends: /^(PersistentVolumeClaim\/airflow-local-.*|PersistentVolume\/damage-local-.*|(Deployment|StatefulSet)\/airflow-(scheduler|webserver|triggerer))$/,
    harm: async () => {
      await stopPods()
      await kube('delete', 'pvc', 'airflow-local-dags-folder', 'airflow-local-logs-folder')
      await until('the volumes are Released', async () => (await json('.status.phase')('pv', `${n}-local-logs-pv`)) === 'Released')
    },
    proof: async () => [
      await json('.status.phase')('pvc', 'airflow-local-dags-folder'),
      await json('.status.phase')('pvc', 'airflow-local-logs-folder'),
      await json('.status.availableReplicas')('deployment', 'airflow-scheduler'),
    ],
    expected: ['Bound', 'Bound', '1'],
  },
  {
    name: 'something of every step at once',
    mends: /^((IngressRoute|Middleware)\/airflow-webserver|StorageClass\/local-path|Job\/airstrip-folders-.*|folder|Deployment\/airflow-statsd)$/,
    harm: async ({ base }) => {
      await kubectl(['delete', 'storageclass', 'local-path'])
      await rm(join(base, 'logs'), { recursive: true })
      await kube('delete', 'deployment', 'airflow-statsd')
      await kube('delete', 'ingressroute', 'airflow-webserver')
      await kube('patch', 'middleware', 'airflow-webserver', '--type=merge', '-p', '{"spec":{"stripPrefix":{"prefixes":["/wrong"]}}}')
    },
    proof: async ({ base }) => [
      await isDefault(), statSync(join(base, 'logs')).uid, await json('.status.availableReplicas')('deployment', 'airflow-statsd'),
      await json('.spec.stripPrefix.prefixes[0]')('middleware', 'airflow-webserver'), await json('.spec.tls.certResolver')('ingressroute', 'airflow-webserver'),
    ],
    expected: ['true', 50000, '1', '/airflow', 'letsencrypt'],
  },
  {
    name: 'Middleware deleted, IngressRoute edited',
    mends: /^(IngressRoute|Middleware)\/airflow-webserver$/,
    harm: async () => {
      await kube('delete', 'middleware', 'airflow-webserver')
      await kube('patch', 'ingressroute', 'airflow-webserver', '--type=json', '-p', '[{"op":"remove","path":"/spec/routes/0/middlewares"}]')
    },
    proof: async () => [await json('.spec.stripPrefix.prefixes[0]')('middleware', 'airflow-webserver'), await json('.spec.routes[0].middlewares[0].name')('ingressroute', 'airflow-webserver')],
    expected: ['/airflow', 'airflow-webserver'],
  },
  {
    name: 'the static class deleted, and the mark of the default class removed',
    mends: /^StorageClass\/(local-path|airflow-storage)$/,
    harm: async () => {
      await kubectl(['delete', 'storageclass', 'airflow-storage'])
      await kubectl(['annotate', 'storageclass', 'local-path', 'storageclass.kubernetes.io/is-default-class-'])
    },
    proof: async () => [await isDefault(), (await get('storageclass', 'airflow-storage'))?.provisioner],
    expected: ['true', 'kubernetes.io/no-provisioner'],
  },
  {
    name: 'Secrets of ours that can be derived from others',
    mends: /^Secret\/airflow-airstrip-(metadata|result-backend)$/,
    harm: () => kube('delete', 'secret', 'airflow-airstrip-metadata', 'airflow-airstrip-result-backend'),
    proof: async () => {
      const all = await secretsOf(n)
      const password = all['airflow-airstrip-postgresql/password'] ?? ''
      return [all['airflow-airstrip-metadata/connection'], all['airflow-airstrip-result-backend/connection']].map(text => password !== '' && text?.includes(`:${password}@`))
    },
    expected: [true, true],
  },
  {
    name: 'the password Secret, known from the connection',
    mends: /^Secret\/airflow-airstrip-postgresql$/,
    harm: () => kube('delete', 'secret', 'airflow-airstrip-postgresql'),
    proof: async () => {
      const all = await secretsOf(n)
      return all['airflow-airstrip-metadata/connection']?.includes(`:${all['airflow-airstrip-postgresql/password'] ?? 'none'}@`)
    },
    expected: true,
  },
  {
    name: 'the logs folder closed with chmod 000',
    mends: /^(Job\/airstrip-folders-|folder$)/,
    harm: ({ base }) => chmod(join(base, 'logs'), 0),
    proof: ({ base }) => Promise.resolve((statSync(join(base, 'logs')).mode & 0o770).toString(8)), expected: '770',
  },
  {
    name: 'a volume deleted, by force',
    mends: /^(PersistentVolume\/damage-local-logs-pv|PersistentVolumeClaim\/airflow-local-logs-folder)$/,
    harm: async () => {
      await kubectl(['delete', 'pv', `${n}-local-logs-pv`, '--wait=false'])
      await kubectl(['patch', 'pv', `${n}-local-logs-pv`, '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
      await until('the claim is Lost', async () => (await json('.status.phase')('pvc', 'airflow-local-logs-folder')) === 'Lost')
    },
    proof: async () => [await json('.status.phase')('pvc', 'airflow-local-logs-folder'), await json('.status.phase')('pv', `${n}-local-logs-pv`)], expected: ['Bound', 'Bound'],
  },
]

void t.test('hand-made damage', async t => {
  const it = await site(t, n)
  const first = await it.airstrip(['apply'])
  exits(t, first, 0)

  for (const { name, mends, harm, proof, expected } of table) {
    await t.test(name, async t => {
      const before = await picture(it)
      await harm(it)
      t.not(differing(before, await picture(it)).length, 0, 'something is broken')
      const mended = await it.airstrip(['apply', '--detailed-exitcode'])
      exits(t, mended, 2, 'changed, and says so')
      t.same(await proof(it), expected)
      const after = await picture(it)
      t.same(differing(before, after).filter(key => !mends.test(key)), [], 'nothing else was touched')
      t.same(Object.keys(before).filter(key => after[key] === undefined), [], 'nothing is missing')
      await clean(t, it)
    })
  }

  await t.test('a deleted namespace', async t => {
    const keys = await secretsOf(n)
    await kubectl(['delete', 'namespace', n, '--wait=false'])
    const again = await it.airstrip(['apply', '--detailed-exitcode'])
    exits(t, again, 2)
    const made = await secretsOf(n)
    t.same(Object.keys(made).sort(), Object.keys(keys).sort(), 'all Secrets are there again')
    t.not(made['airflow-airstrip-fernet-key/fernet-key'], keys['airflow-airstrip-fernet-key/fernet-key'], 'made anew, for the old ones went with the namespace')
    t.equal(await json('.status.phase')('pv', `${n}-local-logs-pv`), 'Bound', 'the Released volume is bound again')
    await clean(t, it)
  })

  await t.test('a volume that was deleted and cannot go while it is used', async t => {
    await kubectl(['delete', 'pv', `${n}-local-dags-pv`, '--wait=false'])
    const run = await it.airstrip(['apply'])
    exits(t, run, 0, 'all works, and only the person can decide when it is made again')
    says(t, run.stderr, `PersistentVolume ${n}-local-dags-pv was deleted, and only its claim still keeps it`)
  })
})

async function clean(t: Test, it: Site): Promise<void> {
  const run = await it.airstrip(['apply', '--detailed-exitcode', '--quiet'])
  exits(t, run, 0, 'the next run changes nothing')
  t.equal(run.stdout + run.stderr, '', 'and has nothing to say')
}

/** What identifies an object and what is wanted of it; Helm's and airstrip's own notes come and go. */
async function picture({ base }: Site): Promise<Record<string, string>> {
  const ours = await list('deploy,sts,svc,cm,secret,sa,role,rolebinding,pvc,middlewares.traefik.containo.us,ingressroutes.traefik.containo.us,jobs', n)
  const wide = await list('pv,storageclass')
  const kept = [...ours, ...wide].filter(({ kind, type, metadata }) => type !== 'helm.sh/release.v1' && (kind !== 'PersistentVolume' || metadata.name.startsWith(n)) && (kind !== 'Job' || metadata.name.startsWith('airstrip-')))
  const entries = kept.map(({ kind, metadata, spec, data, status, provisioner }) => {
    const { phase } = (status ?? {}) as { phase?: string }
    const { uid, labels, annotations } = metadata
    const marks = kind === 'StorageClass' ? annotations : undefined
    return [`${kind}/${metadata.name}`, JSON.stringify({ uid, labels, marks, spec: kind === 'Job' ? undefined : spec, data, phase, provisioner })] as const
  })
  const logs = statSync(join(base, 'logs'), { throwIfNoEntry: false })
  return Object.fromEntries([...entries, ['folder', logs === undefined ? 'none' : `${logs.uid} ${logs.mode.toString(8)}`]])
}

function differing(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(key => before[key] !== after[key])
}
