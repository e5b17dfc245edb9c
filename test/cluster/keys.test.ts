/** Keys and passwords are made once: they outlive `helm uninstall`, and the same database opens again. */
import t from 'tap'
import { get, helm, kubectl, recordsOf, secretsOf } from './cluster.ts'
import { exits, site } from './site.ts'

void t.test('helm uninstall by hand, then apply', async t => {
  const it = await site(t, 'keys')
  exits(t, await it.airstrip(['apply']), 0)
  const keys = await secretsOf('keys')
  t.ok(Object.keys(keys).length >= 8, `${Object.keys(keys).length} values`)
  t.equal(Buffer.from(keys['airflow-airstrip-fernet-key/fernet-key'] ?? '', 'base64url').length, 32, 'a Fernet key is 32 bytes')
  const claim = (await get('pvc', 'data-airflow-postgresql-0', 'keys'))?.metadata.uid
  const users = await usersOf('keys')

  await helm(['uninstall', 'airflow', '-n', 'keys'])
  t.same(await recordsOf('keys'), [])
  const again = await it.airstrip([])
  exits(t, again, 0)

  t.same(await secretsOf('keys'), keys, 'the same keys and passwords')
  t.equal((await get('pvc', 'data-airflow-postgresql-0', 'keys'))?.metadata.uid, claim, 'the same volume')
  t.same(await usersOf('keys'), users, 'the same users in the same database')
  t.same(await inPods('keys', 'AIRFLOW__CORE__FERNET_KEY'), keys['airflow-airstrip-fernet-key/fernet-key'], 'the pods have that Fernet key')
  exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')

  await t.test('a database password that is lost for good', async t => {
    await helm(['uninstall', 'airflow', '-n', 'keys'])
    await kubectl(['-n', 'keys', 'delete', 'secret', 'airflow-airstrip-postgresql', 'airflow-airstrip-metadata', 'airflow-airstrip-result-backend'])
    exits(t, await it.airstrip([]), 1, 'refused: a new password would never open the old volume')
    t.match(it.state().steps.helm, { status: 'failed', error: { findings: [{ id: 'postgres-pvc-old-password' }] } })
    t.same(await recordsOf('keys'), [], 'Helm was not asked')
  })
})

async function usersOf(namespace: string): Promise<string> {
  return kubectl(['-n', namespace, 'exec', 'deployment/airflow-scheduler', '-c', 'scheduler', '--', '/entrypoint', 'users', 'list'])
}

async function inPods(namespace: string, variable: string): Promise<string> {
  return kubectl(['-n', namespace, 'exec', 'deployment/airflow-scheduler', '-c', 'scheduler', '--', 'sh', '-c', `printf %s "$${variable}"`])
}
