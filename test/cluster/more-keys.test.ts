/** Keys from one cluster in the first apply on another: what was encrypted there is read here. */
import { join } from 'node:path'
import t from 'tap'
import { kubectl, secretsOf } from './cluster.ts'
import { watchProcesses } from './people.ts'
import { exits, says, secretFile, site } from './site.ts'

void t.test('exported, and imported where there is nothing yet', async t => {
  const it = await site(t, 'carried')
  const [file, passphrase] = [join(it.folder, 'keys.age'), 'four words that belong']
  const given = ['--passphrase-file', secretFile(it.folder, 'passphrase', passphrase)]
  const seen = watchProcesses()
  exits(t, await it.airstrip(['apply', '--to', 'helm']), 0)
  const keys = await secretsOf('carried')
  exits(t, await it.airstrip(['keys', 'export', file, ...given]), 0)
  exits(t, await it.airstrip(['destroy', '--yes', '--dangerous-delete-data=carried']), 0)

  exits(t, await it.airstrip(['keys', 'import', file, ...given, '--yes']), 0)
  t.same(await secretsOf('carried'), keys)
  exits(t, await it.airstrip(['apply', '--to', 'helm']), 0)
  t.same(await secretsOf('carried'), keys, 'the first apply takes them as they are')
  const used = await kubectl(['-n', 'carried', 'exec', 'deployment/airflow-scheduler', '-c', 'scheduler', '--', 'sh', '-c', 'printf %s "$AIRFLOW__CORE__FERNET_KEY"'])
  t.equal(used, keys['airflow-airstrip-fernet-key/fernet-key'])

  await kubectl(['-n', 'carried', 'delete', 'secret', 'airflow-airstrip-fernet-key'])
  await kubectl(['-n', 'carried', 'create', 'secret', 'generic', 'airflow-airstrip-fernet-key', '--from-literal=fernet-key=another'])
  const refused = await it.airstrip(['keys', 'import', file, ...given, '--yes'])
  exits(t, refused, 1)
  says(t, refused.stderr, '[KEYS_DIFFER]', 'airflow-airstrip-fernet-key')
  const lines = seen()
  for (const value of [passphrase, ...Object.values(keys).filter(one => one.length > 12)]) t.notOk(lines.some(line => line.includes(value)), 'no secret was in any process\'s arguments')
})
