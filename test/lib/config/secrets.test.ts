/** Secrets are refused, with what to write instead, and never repeated. */
import t, { type Test } from 'tap'
import { allSaid, errorOf, placesIn, smallest } from './fixtures.ts'

const canary = 'Tr0ub4dor-canary'

function refused(t: Test, text: string, place?: string): void {
  const error = errorOf(text)
  t.ok(error, text)
  if (place !== undefined) t.strictSame(placesIn(text), [place], text)
  t.notMatch(allSaid(error), new RegExp(canary.slice(0, 8), 'iu'), text)
}

void t.test('a password in the file', (t) => {
  for (const owner of ['admin', 'database']) {
    const at = (value: string) => `airflow:\n  ${owner}:\n    password: ${value}\n${smallest}`
    const place = `3:15 airflow.${owner}.password`
    refused(t, at(canary), place)
    refused(t, at(`"${canary}"`), place)
    refused(t, at(`[${canary}]`), place)
    refused(t, at('12345'), place)
    refused(t, at(`\${${canary}}`), place)
    t.match(errorOf(at(canary))?.seen[0], /\{ env: NAME \} or \{ file: .* left? ?.*generated|one is generated/u)
    refused(t, at(`{${canary}: x}`), `3:16 airflow.${owner}.password`)
    refused(t, at(`{${canary}}`), `3:16 airflow.${owner}.password`)
    refused(t, at(`{value: ${canary}}`), `3:16 airflow.${owner}.password`)
    refused(t, at(`{env: "${canary}"}`), `3:21 airflow.${owner}.password.env`)
    refused(t, at(`{file: "${canary}!"}`), `3:22 airflow.${owner}.password.file`)
    refused(t, at('{}'), place)
    refused(t, at('{env: A, file: b}'), place)
    refused(t, at(`{${canary}: x, ${canary}: x}`))
    refused(t, at(`|\n      ${canary}`), place)
  }
  t.end()
})

void t.test('a password where the syntax is broken', (t) => {
  const lines = [`"${canary}`, `a: ${canary}: b`, `!${canary}`, `*${canary}`, `&${canary}`, `@${canary}`, `%${canary}`, `\`${canary}`, `"\\q${canary}"`, `- ${canary}`, `{${canary}`, `>${canary}`, `&a &${canary} b`, `!!binary ${canary}`, `!!int ${canary}`]
  for (const line of lines) refused(t, `airflow:\n  admin:\n    password: ${line}\n${smallest}`)
  refused(t, `airflow:\n  admin:\n    password ${canary}\n${smallest}`)
  refused(t, `airflow:\n  admin:\n    username: joe\n      password ${canary}\n${smallest}`)
  refused(t, `airflow:\n  namespace: joe\n    password ${canary}\n${smallest}`)
  refused(t, `airflow:\n  admin:\n    ? password ${canary}\n${smallest}`)
  refused(t, `airflow:\n  admin:\n    passwort: ${canary}\n${smallest}`)
  refused(t, `password: ${canary}\n${smallest}`)
  refused(t, canary)
  t.end()
})

void t.test('a password in an address', (t) => {
  for (const address of [`postgres://joe:${canary}@db/airflow`, `joe:${canary}@db`, `postgres://db/airflow?password=${canary}`, `postgres://joe:${canary}/@db/x`]) {
    refused(t, `airflow:\n  database:\n    external: "${address}"\n${smallest}`, '3:15 airflow.database.external')
    refused(t, `airflow:\n  chart: "${address}"\n${smallest}`, '2:10 airflow.chart')
  }
  t.end()
})

void t.test('a password in the command that tells somebody', (t) => {
  const told = (value: string) => `notify:\n  command: ${value}\n${smallest}`
  refused(t, told(`"curl -u joe:${canary}"`), '2:12 notify.command')
  refused(t, told(`curl -u joe:${canary} http://x`), '2:12 notify.command')
  refused(t, told(`{curl: ${canary}}`), '2:12 notify.command')
  refused(t, told(`[curl, -u, "joe:${canary}", {}]`), '2:47 notify.command[3]')
  refused(t, told(`[curl, "joe:${canary}\\n"]`), '2:19 notify.command[1]')
  refused(t, told('[curl, 48291734]'), '2:19 notify.command[1]')
  t.notMatch(errorOf(told('[curl, 48291734]'))?.seen.join(), /48291734/)
  refused(t, `notify: command "curl -u joe:${canary}"\n${smallest}`, '1:9 notify')
  refused(t, `notify:\n  command curl -u joe:${canary}\n${smallest}`)
  t.end()
})

const inValues = [
  'webserver.defaultUser.password',
  'createUserJob.defaultUser.password',
  'fernetKey',
  'webserverSecretKey',
  'data.metadataConnection.pass',
  'data.resultBackendConnection.pass',
  'data.brokerUrl',
  'postgresql.postgresqlPassword',
  'postgresql.auth.password',
  'postgresql.auth.postgresPassword',
  'postgresql.auth.replicationPassword',
  'redis.password',
  'registry.connection.pass',
  'config.core.fernet_key',
  'config.webserver.secret_key',
  'airflow.fernetKey',
  'airflow.webserverSecretKey',
  'airflow.config.AIRFLOW__CORE__FERNET_KEY',
  'externalDatabase.password',
  'externalRedis.password',
]

void t.test('a plain secret in the values', (t) => {
  for (const path of inValues) {
    const keys = path.split('.')
    const lines = keys.map((key, depth) => `${'  '.repeat(depth + 2)}${key}:`).join('\n')
    const column = (keys.length + 1) * 2 + (keys.at(-1)?.length ?? 0) + 3
    const text = `airflow:\n  values:\n${lines} ${canary}\n${smallest}`
    refused(t, text)
    t.match(placesIn(text)[0], `${2 + keys.length}:${column} airflow.values.${keys[0] ?? ''}`)
    t.match(errorOf(text)?.seen[0], /is a secret in plain text; (?:write|leave|put) /u)
  }
  t.end()
})

void t.test('a plain secret in lists, behind an alias, as a number', (t) => {
  const values = (text: string) => `airflow:\n  values:\n    ${text}\n${smallest}`
  refused(t, values(`env: [{name: AIRFLOW__CORE__FERNET_KEY, value: ${canary}}]`), '3:52 airflow.values.env[0].value')
  refused(t, values(`env: [{name: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN, value: "a:${canary}@b"}]`))
  refused(t, values(`airflow: {extraEnv: [{name: AIRFLOW__CORE__FERNET_KEY, value: ${canary}}]}`), '3:67 airflow.values.airflow.extraEnv[0].value')
  refused(t, values(`airflow: {users: [{username: joe, password: ${canary}}]}`), '3:49 airflow.values.airflow.users[0].password')
  refused(t, values(`a: &a ${canary}\n    fernetKey: *a`), '4:16 airflow.values.fernetKey')
  refused(t, values('redis: {password: 12345}'), '3:23 airflow.values.redis.password')
  t.end()
})

void t.test('the right way is not refused', (t) => {
  const right = [
    'fernetKeySecretName: mine',
    'webserverSecretKeySecretName: mine',
    'data: {metadataSecretName: mine}',
    'redis: {passwordSecretName: mine, password: null}',
    'fernetKey: ""',
    'webserver: {defaultUser: {enabled: false, password: }}',
    'airflow: {users: [{username: joe, password: "${JOE_PASSWORD}"}], usersTemplates: {JOE_PASSWORD: {kind: secret, name: joe, key: password}}}',
    'airflow: {extraEnv: [{name: AIRFLOW__CORE__FERNET_KEY, valueFrom: {secretKeyRef: {name: mine, key: value}}}]}',
    'env: [{name: AIRFLOW__CORE__LOAD_EXAMPLES, value: "false"}]',
    'secret: [{envName: A, secretName: b, secretKey: c}]',
  ]
  for (const line of right) t.equal(errorOf(`airflow:\n  values:\n    ${line}\n${smallest}`), undefined, line)
  t.end()
})
