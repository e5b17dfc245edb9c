/** What ends a run before anything is written. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { apply, kubectl, kubectlMaybe } from './cluster.ts'
import { audit, person, type Person } from './people.ts'
import { exits, says, site, type Site } from './site.ts'

void t.test('what ends a run before anything is written', async t => {
  const it = await site(t, 'prereq')

  await t.test('a viewer', t => viewerIsTold(t, it))

  await t.test('no cluster', t => noCluster(t, it))

  await t.test('two default classes', t => twoDefaults(t, it))

  await t.test('require', async t => {
    it.write({ require: { os: 'ubuntu 20.04', kubernetes: '1.19.7' } })
    const stderr = await refused(t, it, it)
    says(t, stderr, /ubuntu 20\.04/i, '1.19.7')
  })

  await t.test('a configuration with mistakes is not taken to the cluster', async t => {
    const log = audit(it)
    it.write({ airflow: { executor: 'KubernetsExecutor' }, storage: { path: '../up' } })
    const run = await it.airstrip(['apply'])
    exits(t, run, 64)
    says(t, run.stderr, 'KubernetesExecutor', '../up')
    t.same(log.all(), [])
  })
})

async function refused(t: Test, it: Site, by: Person): Promise<string> {
  const log = audit(by)
  const run = await it.airstrip(['apply'])
  exits(t, run, 1)
  says(t, run.stderr, '[BLOCKED]')
  t.same(log.writes(), [], 'nothing is written')
  return run.stderr
}

async function viewerIsTold(t: Test, it: Site): Promise<void> {
  const viewer = await person('prereqviewer', 'view', it.folder)
  const log = audit(viewer)
  const run = await it.airstrip(['apply'], { kubeconfig: viewer.kubeconfig })
  exits(t, run, 1)
  says(t, run.stderr, '[BLOCKED]', '[permissions-denied]')
  says(t, run.stderr, 'create, patch namespaces', 'persistentvolumes', 'secrets', 'storageclasses (storage.k8s.io)', 'leases (coordination.k8s.io)', 'create middlewares, ingressroutes')
  t.same(log.writes(), [])
  t.ok(log.all().length > 0)
  t.match(it.state().steps.prereq, { status: 'failed', error: { code: 'BLOCKED' } })
  exits(t, await it.airstrip(['doctor', '--json'], { kubeconfig: viewer.kubeconfig }), 3, 'doctor names it too')
}

async function noCluster(t: Test, it: Site): Promise<void> {
  const kubeconfig = join(it.folder, 'nowhere.kubeconfig')
  const config = parse(readFileSync(it.kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] }
  for (const { cluster } of config.clusters) cluster.server = 'https://127.0.0.1:1'
  writeFileSync(kubeconfig, stringify(config), { mode: 0o600 })
  for (const command of ['apply', 'status']) {
    const run = await it.airstrip([command], { kubeconfig })
    exits(t, run, 1, command)
    says(t, run.stderr, '[CLUSTER_UNREACHABLE]', 'https://127.0.0.1:1', kubeconfig, 'npm run lab')
    // The record is worth telling all the same.
    if (command === 'status') says(t, run.stdout, /prereq +failed .*the cluster cannot be reached/)
    else t.equal(run.stdout, '')
    t.ok(run.ms < 30_000, `${run.ms} ms`)
  }
  const doctor = await it.airstrip(['doctor'], { kubeconfig })
  exits(t, doctor, 3, 'to the doctor it is a finding')
  says(t, doctor.stdout, '[cluster-unreachable-kubeconfig]', 'https://127.0.0.1:1', kubeconfig)
  const missing = await it.airstrip(['apply'], { kubeconfig: join(it.folder, 'not-there') })
  exits(t, missing, 1)
  says(t, missing.stderr, '[CLUSTER_UNREACHABLE]', join(it.folder, 'not-there'), 'npm run lab')
}

async function twoDefaults(t: Test, it: Site): Promise<void> {
  exits(t, await it.airstrip(['apply', '--to', 'provisioner']), 0)
  const mark = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  await apply({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'second-default', annotations: mark }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' })
  t.teardown(() => kubectlMaybe(['delete', 'storageclass', 'second-default']))
  const stderr = await refused(t, it, it)
  says(t, stderr, /local-path.*second-default|second-default.*local-path/s, '[two-default-storageclasses]')
  await kubectl(['delete', 'storageclass', 'second-default'])
}
