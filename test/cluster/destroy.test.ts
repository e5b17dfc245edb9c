/** What airstrip made goes and nothing else; then a new apply finds its data and keys again; then all of it goes. */
import t, { type Test } from 'tap'
import { apply, get, kubectl, list, recordsOf, secretsOf, until } from './cluster.ts'
import { audit } from './people.ts'
import { exits, says, site, type Site } from './site.ts'

void t.test('taken down and landed again', async t => {
  const it = await site(t, 'destroy')
  exits(t, await it.airstrip(['apply']), 0)
  const keys = await secretsOf('destroy')
  const claim = (await get('pvc', 'data-airflow-postgresql-0', 'destroy'))?.metadata.uid
  const users = await usersOf('destroy')
  t.match(users, 'admin')

  await t.test('with nobody to ask nothing is touched', async t => {
    const log = audit(it)
    const refused = await it.airstrip(['destroy'])
    exits(t, refused, 1)
    says(t, refused.stderr, '[CONSENT]', 'uninstall Helm release destroy/airflow', 'Secret destroy/airflow-airstrip-fernet-key')
    t.same(log.writes(), [])
  })

  await t.test('destroy keeps claims, volumes and keys, each by name', async t => {
    const run = await it.airstrip(['destroy', '--yes'])
    exits(t, run, 0)
    says(t, run.stderr, /stays +PersistentVolumeClaim destroy\/data-airflow-postgresql-0/, /stays +Secret destroy\/airflow-airstrip-fernet-key/, /stays +PersistentVolume destroy-local-dags-pv/, `${it.base}/dags and ${it.base}/logs on the node`)
    t.same(await recordsOf('destroy'), [])
    t.same(await list('deployments,statefulsets,jobs,leases,ingressroutes,middlewares', 'destroy'), [])
    // Pods of a Job are collected after it, which a busy cluster once took more than a minute for.
    let left: string[] = []
    await until(() => `no pod is left, but ${left.join(', ')}`, async () => {
      left = (await list('pods', 'destroy')).map(({ metadata, status }) => `${metadata.name} ${JSON.stringify(status).slice(0, 200)}`)
      return left.length === 0
    }, 180_000)
    t.same((await list('pvc', 'destroy')).map(({ metadata }) => metadata.name).sort(), ['airflow-local-dags-folder', 'airflow-local-logs-folder', 'data-airflow-postgresql-0'])
    t.same(await secretsOf('destroy'), keys)
    t.equal(it.state().steps.helm?.status, 'pending')
    exits(t, await it.airstrip(['destroy', '--yes']), 0, 'and again there is nothing to do')
  })

  await t.test('a new apply has the same keys and the same database', async t => {
    exits(t, await it.airstrip(['apply']), 0)
    t.same(await secretsOf('destroy'), keys)
    t.equal((await get('pvc', 'data-airflow-postgresql-0', 'destroy'))?.metadata.uid, claim)
    t.equal(await usersOf('destroy'), users)
  })

  await t.test('with the data nothing of ours is left, and a stranger\'s object keeps its namespace', async t => {
    await withData(t, it)
  })
})

async function usersOf(namespace: string): Promise<string> {
  return kubectl(['-n', namespace, 'exec', 'deployment/airflow-scheduler', '-c', 'scheduler', '--', '/entrypoint', 'users', 'list'])
}

async function withData(t: Test, it: Site): Promise<void> {
  const keys = await secretsOf('destroy')
  const stranger = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'stranger', namespace: 'destroy' }, data: { a: 'b' } }
  await apply(stranger)
  const before = await get('configmap', 'stranger', 'destroy')
  exits(t, await it.airstrip(['destroy', '--yes', '--dangerous-delete-data']), 1, 'which data must be written out')
  t.same(await secretsOf('destroy'), keys)
  const run = await it.airstrip(['destroy', '--yes', '--dangerous-delete-data=destroy'])
  exits(t, run, 0)
  says(t, run.stderr, /stays +Namespace destroy \(it also holds ConfigMap stranger\)/)
  t.same(await get('configmap', 'stranger', 'destroy'), before)
  t.same((await list('pvc,pods,deployments,statefulsets,jobs,services,leases', 'destroy')).map(({ kind, metadata }) => `${kind} ${metadata.name}`), [])
  t.same((await list('secrets', 'destroy')).filter(({ type }) => type !== 'kubernetes.io/service-account-token'), [])
  const volumes = await list('pv')
  t.same(volumes.filter(({ metadata, spec }) => metadata.name.startsWith('destroy-') || (spec as { claimRef?: { namespace?: string } }).claimRef?.namespace === 'destroy'), [])
  await kubectl(['delete', 'configmap', 'stranger', '-n', 'destroy'])
  exits(t, await it.airstrip(['destroy', '--yes', '--dangerous-delete-data=destroy']), 0)
  t.equal(await get('namespace', 'destroy'), undefined, 'without it the namespace goes, too')
}
