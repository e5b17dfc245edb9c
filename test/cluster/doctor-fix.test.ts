/** `doctor --fix`: what is broken by hand is found, shown, agreed to, mended, and not found again. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { parseHistory } from '../../lib/engine/history.ts'
import { apply, at, get, kubectl, kubectlMaybe, list, until } from './cluster.ts'
import { audit } from './people.ts'
import { exits, says, site, type Run, type Site } from './site.ts'

const n = 'doctorfix'
const kube = (...args: string[]): Promise<string> => kubectl(['-n', n, ...args])
const second = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: `${n}-second`, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'example.org/nobody' }
const isMarked = async (name: string): Promise<unknown> => (await get('storageclass', name))?.metadata.annotations?.['storageclass.kubernetes.io/is-default-class']
const volume = (): Promise<Awaited<ReturnType<typeof get>>> => get('pv', `${n}-local-logs-pv`)

interface Harm {
  name: string
  /** The finding. */
  id: string
  /** Everything that is written, as the audit log has it. */
  writes: RegExp
  harm: (it: Site) => Promise<unknown>
  proof: () => Promise<unknown>
  expected: unknown
}

const table: Harm[] = [
  {
    name: 'two default classes', id: 'two-default-storageclasses', writes: /^patch \/apis\/storage\.k8s\.io\/v1\/storageclasses\/doctorfix-second/,
    harm: () => apply(second),
    proof: async () => [await isMarked('local-path'), await isMarked(second.metadata.name)],
    expected: ['true', 'false'],
  },
  {
    name: 'every node cordoned', id: 'node-cordoned', writes: /^patch \/api\/v1\/nodes\/[^/]+$/,
    harm: async () => { for (const { metadata } of await list('nodes')) await kubectl(['cordon', metadata.name]) },
    proof: async () => (await list('nodes')).map((node) => at(node, 'spec/unschedulable')),
    expected: [undefined],
  },
  {
    name: 'a scheduler scaled to nothing', id: 'scaled-to-zero', writes: /^patch \/apis\/apps\/v1\/namespaces\/doctorfix\/deployments\/airflow-scheduler/,
    harm: () => kube('scale', 'deployment/airflow-scheduler', '--replicas=0'),
    proof: async () => at(await get('deployment', 'airflow-scheduler', n), 'spec/replicas'),
    expected: 1,
  },
  {
    name: 'a volume whose claim was deleted and made again', id: 'pv-released-not-rebinding', writes: /^patch \/api\/v1\/persistentvolumes\/doctorfix-local-logs-pv/,
    harm: claimMadeAgain,
    // Its class binds for the next pod that comes, so until one does the volume is only free.
    proof: async () => {
      await until('the volume is free', async () => at(await volume(), 'status/phase') !== 'Released', 30_000)
      return ['Available', 'Bound'].includes(String(at(await volume(), 'status/phase')))
    },
    expected: true,
  },
  {
    name: 'a deleted route, for which a step is run', id: 'route-missing', writes: /\/ingressroutes\/airflow-webserver/,
    harm: () => kube('delete', 'ingressroute', 'airflow-webserver'),
    proof: async () => (await get('ingressroute', 'airflow-webserver', n))?.metadata.name,
    expected: 'airflow-webserver',
  },
]

/** Another claim of that name does not get the volume. */
async function claimMadeAgain(): Promise<void> {
  const claim = await get('pvc', 'airflow-local-logs-folder', n)
  if (claim === undefined) throw new Error('there is no claim for the logs')
  // Its pods use it, so it is let go by hand; done before it is asked to go, the finalizer would be put back.
  await kube('delete', 'pvc', 'airflow-local-logs-folder', '--wait=false')
  await kube('patch', 'pvc', 'airflow-local-logs-folder', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
  await until('the volume is Released', async () => at(await volume(), 'status/phase') === 'Released')
  const { volumeName, ...spec } = claim.spec as Record<string, unknown>
  if (volumeName === undefined) throw new Error('the claim was not bound')
  await apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: claim.metadata.name, namespace: n, labels: claim.metadata.labels }, spec })
}

void t.test('doctor --fix', async t => {
  const it = await site(t, n)
  t.teardown(() => kubectlMaybe(['delete', 'storageclass', second.metadata.name, '--ignore-not-found']))
  t.teardown(async () => { for (const { metadata } of await list('nodes')) await kubectlMaybe(['uncordon', metadata.name]) })
  exits(t, await it.airstrip(['apply']), 0)

  await t.test('of a healthy cluster it changes nothing', async t => {
    const run = await quietly(t, it, ['doctor', '--fix', '--yes'])
    exits(t, run, 0)
    t.notMatch(run.stderr, 'mend')
  })
  await t.test('consent', t => consent(t, it))
  for (const one of table) await t.test(one.name, t => mended(t, it, one))

  await t.test('another run keeps its turn', async t => {
    await apply(second)
    const asking = it.start(['doctor', '--fix'], { terminal: true })
    await until('the question', () => asking.stdout().includes('[d]iff: '))
    const other = await it.airstrip(['doctor', '--fix', '--yes'])
    exits(t, other, 75)
    asking.types('n\n')
    exits(t, await asking.ended, 1)
  })
})

async function mended(t: Test, it: Site, { id, writes, harm, proof, expected }: Harm): Promise<void> {
  await harm(it)
  await until(`${id} is found`, async () => (await it.airstrip(['doctor', '--json'])).stdout.includes(`"id": "${id}"`), 120_000)
  const log = audit(it)
  const run = await it.airstrip(['doctor', '--fix', '--yes', '--json'])
  says(t, run.stderr, /(patch|create|update) +\w+ /)
  t.same((JSON.parse(run.stdout) as { findings: { id: string }[] }).findings.filter((finding) => finding.id === id), [], 'it is not found again')
  t.same(await proof(), expected)
  t.same(log.writes().filter(line => !writes.test(line)), [], 'and nothing else was written')
  const history = join(dirname(it.statePath), 'history.ndjson')
  t.match(existsSync(history) ? parseHistory(readFileSync(history, 'utf8')).at(-1) : undefined, { command: /doctor --fix/, result: 'done', changed: 1 })
}

async function consent(t: Test, it: Site): Promise<void> {
  await apply(second)
  await t.test('with nobody to ask nothing is done', async t => {
    const run = await quietly(t, it, ['doctor', '--fix'])
    exits(t, run, 1)
    says(t, run.stderr, '[CONSENT]', `patch StorageClass ${second.metadata.name}`, '--yes')
    t.equal(run.stdout, '')
  })
  await t.test('at a terminal it is shown line by line, and No leaves it as it is', async t => {
    const log = audit(it)
    const run = it.start(['doctor', '--fix'], { terminal: true })
    await until('the question', () => run.stdout().includes('[d]iff: '))
    run.types('d\n')
    await until('the lines and the question again', () => /-\s+storageclass\S+is-default-class: "true"\s+\+\s+storageclass\S+is-default-class: "false"[^]*\[d\]iff: /.test(run.stdout()))
    run.types('n\n')
    const ended = await run.ended
    exits(t, ended, 1)
    says(t, ended.stdout, '[CONSENT]', 'two-default-storageclasses')
    t.same(log.writes(), [])
  })
  await kubectl(['delete', 'storageclass', second.metadata.name])
}

/** A run after which the cluster is as it was. */
async function quietly(t: Test, it: Site, ...run: Parameters<Site['airstrip']>): Promise<Run> {
  const log = audit(it)
  const ended = await it.airstrip(...run)
  t.same(log.writes(), [], 'nothing was written')
  return ended
}
