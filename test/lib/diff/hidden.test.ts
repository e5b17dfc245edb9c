/** Secrets that only a whole text shows: a diff goes line by line, so they are taken out before it is made. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { unifiedDiff } from '../../../lib/diff/view.ts'

const object = (kind: string, fields: Record<string, unknown>): KubernetesObject => ({ apiVersion: 'v1', kind, metadata: { name: 'x', namespace: 'airflow' }, ...fields })
const map = (text: string): KubernetesObject => object('ConfigMap', { data: { file: text } })
const changed = (diff: string): string[] => diff.split('\n').filter((line) => /^[-+](?![-+])/.test(line)).map((line) => line.replace(/\s+/g, ' '))

const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDWHJTXZk7rxKs0'
const texts: Record<string, (value: string) => string> = {
  'a private key': (v) => `-----BEGIN RSA PRIVATE KEY-----\n${body}\n${v}==\n-----END RSA PRIVATE KEY-----`,
  'a block of YAML': (v) => `password: |\n  ${v}\nhost: db`,
  'a value in the next line': (v) => `password:\n  ${v}\nhost: db`,
  'a list': (v) => `passwords:\n  - ${v}\nhost: db`,
  'the document of a Secret': (v) => `kind: Secret\ndata:\n  anything: ${v}`,
  'a table': (v) => `user,password,host\napp,${v},db`,
  'netrc': (v) => `machine x\nlogin app\npassword ${v}`,
  'a heredoc': (v) => `password = <<EOT\n${v}\nEOT`,
  'a setting of two words': (v) => `[smtp]\nsmtp_password = two ${v}`,
  'a variable': (v) => `env:\n- name: SMTP_PASS\n  value: ${v}`,
}

void t.test('a secret in a text of several lines shows that it changes, and neither what it was nor what it becomes', (t) => {
  for (const [name, text] of Object.entries(texts)) {
    const diff = unifiedDiff('x', map(text('Hunter9xyz')), map(text('Sommer8abc')))
    t.notMatch(diff, /Hunter9xyz|Sommer8abc|MIIE/, name)
    t.match(changed(diff), [/^- .*••••••/, /^\+ .*••••••/], name)
    t.equal(changed(diff).length, 2, name)
    t.equal(changed(unifiedDiff('x', map(text('Hunter9xyz')), map(text('Hunter9xyz')))).length, 0, `${name}: what is the same stays so`)
  }
  t.end()
})

void t.test('a text below the name of a secret is hidden whole', (t) => {
  const diff = unifiedDiff('x', undefined, object('ConfigMap', { data: { 'admin-password.txt': 'first\nsecond', 'plain.txt': 'third\nfourth' } }))
  t.notMatch(diff, /first|second/)
  t.match(diff, /third\n.*fourth/)
  t.end()
})

const pod = (fields: Record<string, unknown>): KubernetesObject => object('Pod', { spec: { containers: [{ name: 'a', ...fields }] } })

void t.test('a variable is known by the words that a log is searched for', (t) => {
  for (const name of ['DB_PASSWORD', 'SMTP_PASS', 'DB_PWD', 'PGPASS', 'DB_PW', 'API_KEY', 'REDIS_AUTH', 'AIRFLOW_CONN_X', 'SIGNATURE', 'JWT', 'DB_PASSWORT']) {
    t.notMatch(unifiedDiff('x', undefined, pod({ env: [{ name, value: 'Hunter9xyz' }] })), /Hunter9xyz/, name)
  }
  t.match(unifiedDiff('x', undefined, pod({ env: [{ name: 'LOG_LEVEL', value: 'visible' }] })), /visible/)
  t.end()
})

void t.test('a word of a command is known by the words before it', (t) => {
  const hidden = [['-p', 'Hunter9xyz'], ['--password', 'Hunter9xyz'], ['--pass', 'Hunter9xyz'], ['users', 'create', '-u', 'admin', '-p', 'Hunter9xyz'], ['redis-cli', '-a', 'Hunter9xyz', 'ping'], ['curl', '-u', 'joe:Hunter9xyz', 'http://x']]
  // What is taken out here ends in the next word.
  hidden.push(['x', 'password: "a', 'Hunter9xyz', 'b"'])
  for (const args of hidden) t.notMatch(unifiedDiff('x', undefined, pod({ args })), /Hunter9xyz/, args.join(' '))
  const plain = ['-p', '8080', '-p', '/opt/airflow', '-p', '--verbose', '-p', '$(PORT)', '--config', 'airflow.cfg', '-c', 'exec airflow scheduler']
  const diff = unifiedDiff('x', undefined, pod({ args: plain }))
  for (const word of plain) t.ok(diff.includes(word), word)
  t.end()
})

void t.test('a quote within a word breaks no list', (t) => {
  const hidden = [
    ['kubectl', 'create', 'secret', 'generic', 'x', '--from-literal=a="tulip garden"'], ['kubectl', 'create', 'secret', 'generic', 'x', '--from-literal=a=tulip garden'], ['kubectl', 'create', 'secret', 'generic', 'x', '--from-literal=a=it\'s tulip'],
    ['x', '--db-password="tulip garden"'], ['x', '--token', 'tulip "garden'], ['redis-cli', '-a', 'tulip garden', 'ping'], ['redis-cli', '-a', '"tulip" garden'], ['curl', '-u', 'joe:tulip \'garden', 'http://x'],
    ['sh', '-c', 'redis-cli -a "tulip garden" ping'], ['mysql', '-h', 'db', '-ptulip" garden'], ['x', '--set', 'credentials.json=tulip garden'],
  ]
  for (const args of hidden) t.notMatch(unifiedDiff('x', undefined, pod({ args })), /tulip|garden/, args.join(' '))
  const plain = [
    ['sh', '-c', 'redis-cli -a "${REDIS_PASSWORD}" ping | grep PONG'], ['bash', '-ec', 'psql "$URL" -c \'select 1\' && echo "token: none"'], ['kubectl', 'create', 'secret', 'generic', 'x', '--from-file=a="b c"'], ['airflow', 'db', 'check', '--say', 'it\'s "fine"'],
    ['sh', '-c', 'test "$(cat /run/secrets/token)" = "" || exit 1', '--', 'run'],
  ]
  for (const args of plain) t.notMatch(unifiedDiff('x', undefined, pod({ args })), /••/, args.join(' '))
  t.match(unifiedDiff('x', undefined, pod({ args: ['sh', '-c', 'redis-cli -a "tulip" ping | grep PONG'] })), /••.*ping \| grep PONG/)
  t.match(unifiedDiff('x', undefined, pod({ args: ['kubectl', 'create', 'secret', 'generic', 'x', '--from-literal=a="tulip garden"', '--dry-run'] })), /kubectl\n.*create\n.*secret\n.*generic\n.*x\n.*--from-literal=a=••••••\n.*--dry-run/)
  t.equal(changed(unifiedDiff('x', pod({ args: hidden[0] }), pod({ args: hidden[1] }))).length, 2)
  t.end()
})

void t.test('one line below the name of a secret is hidden whole, and the name of a Secret is not', (t) => {
  const data = { secret: 'tulip garden', 'credentials.json': 'tulip', 'token.json': 'one tulip', signature: 'no tulip garden', connection_string: 'AccountName=a;Key=tulip x', clientSecret: 'tulip # old' }
  for (const fields of [{ data }, { values: { flower: { oauth: data, ...data } } }]) t.notMatch(unifiedDiff('x', undefined, object('values' in fields ? 'HelmRelease' : 'ConfigMap', fields)), /tulip|garden/)
  const plain = { webserverSecretKeySecretName: 'visible-1', secretName: 'visible-2', passwordSecretName: 'visible-3', tokenUrl: 'https://login.example.org/visible-4', token: 'none', secretKeyRef: { name: 'visible-5' } }
  const diff = unifiedDiff('x', undefined, object('HelmRelease', { values: plain }))
  for (const number of [1, 2, 3, 4, 5]) t.ok(diff.includes(`visible-${number}`), String(number))
  t.end()
})

void t.test('the values of a release are searched as its objects are', (t) => {
  const release = object('HelmRelease', { values: { extraConfigMaps: { x: { data: 'password: |\n  Hunter9xyz\n' } }, args: ['-p', 'Hunter8xyz'], flower: { secret: 'one\nHunter7xyz' }, extraEnv: '- name: DB_PW\n  value: Hunter6xyz\n' } })
  t.notMatch(unifiedDiff('x', undefined, release), /Hunter\dxyz/)
  t.end()
})
