/** No secret value in any output, file, Helm record or process, on good days and bad ones. */
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { emptyRegistry, helm, list, secretsOf } from './cluster.ts'
import { watchProcesses } from './people.ts'
import { exits, secretFile, site, writtenBy, type Overrides, type Run } from './site.ts'

// With what a URL, a shell and JSON treat specially, so that each encoding of it differs.
const canary = (): string => `Can@ry:${randomBytes(6).toString('hex')}/%20 "$x'`

void t.test('canaries', async t => {
  const registry = await emptyRegistry(t)
  const [adminPassword, databasePassword] = [canary(), canary()]
  const env = { AIRSTRIP_CANARY: adminPassword }
  const it = await site(t, 'secrets')
  const wanted = (more: Overrides): Overrides => ({
    airflow: { admin: { password: { env: 'AIRSTRIP_CANARY' } }, database: { password: { file: secretFile(it.folder, 'database-password', databasePassword) } }, ...more },
  })
  const runs: Run[] = []
  const processes = watchProcesses()

  it.write(wanted({}))
  const installed = await it.airstrip(['apply'], { env })
  exits(t, installed, 0)
  const secrets = await secretsOf('secrets')
  t.equal(secrets['airflow-airstrip-admin/password'], adminPassword, 'the admin password is the given one')
  t.equal(secrets['airflow-airstrip-postgresql/password'], databasePassword, 'the database password too')
  runs.push(installed, await it.airstrip(['apply', '--json'], { env }), await it.airstrip(['status', '--json'], { env }), await it.airstrip(['doctor'], { env }))

  it.write(wanted({ image: { repository: `${registry}/apache/airflow`, tag: 'no-such-tag' } }))
  const failed = await it.airstrip(['apply'], { env })
  exits(t, failed, 1)
  runs.push(failed, await it.airstrip(['status'], { env }), await it.airstrip(['doctor', '--json'], { env }))
  const lines = processes()

  const values = [...new Set([adminPassword, databasePassword, ...Object.entries(secrets).filter(([name]) => !name.endsWith('/username')).map(([, value]) => value)])]
  const records = await Promise.all(['all', 'values', 'notes', 'hooks', 'manifest'].map(what => helm(['get', what, 'airflow', '-n', 'secrets'])))
  const events = JSON.stringify(await list('events', 'secrets'))
  const kept = (await list('configmaps,deployments,statefulsets,jobs,leases', 'secrets')).map(object => JSON.stringify(object))
  none(t, values, 'stdout', runs.map(({ stdout }) => stdout))
  none(t, values, 'stderr', runs.map(({ stderr }) => stderr))
  none(t, values, 'state, history and backups', [writtenBy(it)])
  none(t, values, "Helm's record", records)
  none(t, values, 'events', [events])
  none(t, values, 'other objects', kept)
  none(t, values, `any of ${lines.length} command lines`, lines)
})

/** Plain, in base64 at any offset that text around it may cause, URL-encoded, in JSON. */
function formsOf(value: string): string[] {
  const shifted = [0, 1, 2].map(offset => Buffer.from(' '.repeat(offset) + value).toString('base64').slice(offset === 0 ? 0 : 4).replace(/.{2}=*$/, ''))
  return [value, encodeURIComponent(value), encodeURIComponent(encodeURIComponent(value)), JSON.stringify(value).slice(1, -1), ...shifted].filter(form => form.length >= 6)
}

function none(t: Test, values: string[], where: string, texts: string[]): void {
  const found = values.flatMap((value, index) => formsOf(value).flatMap(form => texts.filter(text => text.includes(form)).map(text => `secret ${index}: …${text.slice(Math.max(0, text.indexOf(form) - 60), text.indexOf(form))}<here>`)))
  t.same(found.slice(0, 5), [], `no secret in ${where}`)
}
