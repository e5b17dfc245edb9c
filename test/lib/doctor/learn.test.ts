import t from 'tap'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { keepers, learnBytes, learnSecret } from '../../../lib/doctor/collect/keep.ts'
import { learnFromText, learnSetting, type Learn } from '../../../lib/doctor/learn.ts'
import { mask, redactWith } from '../../../lib/doctor/redact.ts'
import { isTelling } from '../../../lib/doctor/telling.ts'

const base64 = (text: string | Buffer): string => Buffer.from(text as string).toString('base64')

/** What is left of a text once something was learned. */
function after(teach: (learn: Learn) => void, text: string): string {
  const { add, redact } = createRedactor()
  teach(add)
  return redactWith(redact)(text)
}

const secret = (key: string, value: string) => (learn: Learn) => { learnSecret(learn, key, value) }
const setting = (name: string, value: string) => (learn: Learn) => { learnSetting(learn, name, value) }

void t.test('a password with slashes is one, and no path', (t) => {
  for (const [name, value] of [['AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'], ['DB_PASSWORD', 'Hunter9/xyzAb']] as const) t.equal(after(setting(name, value), `signs with ${value} now`), `signs with ${mask} now`)
  for (const path of ['/run/secrets/token', './secrets/token', '~/.ssh/token']) t.equal(after(setting('API_TOKEN', path), `reads ${path}`), `reads ${path}`)
  t.equal(after((learn) => { learnFromText(learn, 'smtp_password = Hunter9/xyzAb') }, 'says Hunter9/xyzAb'), `says ${mask}`)
  t.end()
})

void t.test('of the address of a Secret the password is known, whatever sign is in it', (t) => {
  for (const password of ['it\'s9Hunter', 'it"s9Hunter', 'it<s9Hunter', 'it s9Hunter', '12/9Hunter', 'Hunter9/xyz', 'a@b:c9Hunter', 'swordfish']) {
    const found = secret('connection', `postgresql://joe:${password}@db:5432/airflow?sslmode=disable`)
    t.equal(after(found, `says ${password} here`), `says ${mask} here`, password)
    t.equal(after(found, 'joe at db:5432, database airflow'), 'joe at db:5432, database airflow')
  }
  t.equal(after(secret('connection', 'redis://:sword%20fish9@redis:6379/0'), 'says sword fish9 here'), `says ${mask} here`, 'as it is meant')
  t.equal(after(setting('AIRFLOW_CONN_X', 'postgres://joe:swordfish@h/x'), 'says swordfish'), `says ${mask}`)
  t.end()
})

void t.test('of base64 what is in it is known', (t) => {
  const login = base64('joe:S3cretPull-9')
  t.equal(after(secret('.dockerconfigjson', JSON.stringify({ auths: { 'r.example.org': { auth: login } } })), 'joe with S3cretPull-9'), `joe with ${mask}`)
  t.equal(after(secret('headers', JSON.stringify({ Authorization: `Basic ${login}` })), 'joe with S3cretPull-9'), `joe with ${mask}`)
  t.equal(after(secret('password', base64('Hunter9xyz')), 'says Hunter9xyz'), `says ${mask}`, 'where somebody encoded once too often')
  t.equal(after(setting('DB_PASSWORD_B64', base64('Hunter9xyz')), 'says Hunter9xyz'), `says ${mask}`)
  const bytes = Buffer.from('00ff8090a1b2c3d4e5f60718293a4b5c', 'hex')
  const binary = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data: { key: base64(bytes) } }
  t.equal(after((learn) => { learnBytes(learn, binary) }, `key ${base64(bytes)} or ${bytes.toString('hex')}`), `key ${mask} or ${mask}`)
  t.end()
})

void t.test('of a file in a Secret each login is known by itself', (t) => {
  const files: Record<string, [file: string, said: string]> = {
    'users.txt': ['"joe" "Hunter9xyz"\n"ann" "Sommer-8abc"\n', 'Sommer-8abc'],
    'auth': ['joe:Hunter9xyz\n', 'Hunter9xyz'],
    '.pgpass': ['airflow-postgresql:5432:airflow:joe:Hunter9xyz\n', 'Hunter9xyz'],
    '.env': ['A=Hunter9xyz\nB=Sommer-8abc\n', 'Sommer-8abc'],
    'app.conf': ['alpha = Hunter-9xyz\nbeta = x\n', 'Hunter-9xyz'],
    'list': ['correct-Horse-1!\nbattery-Staple-22x\n', 'battery-Staple-22x'],
    '.git-credentials': ['https://joe:swordfish@github.com\nhttps://ann:x@gitlab.com\n', 'swordfish'],
    'any.json': [JSON.stringify({ a: { b: ['Hunter-9xyz'] } }), 'Hunter-9xyz'],
    'sa.json': [JSON.stringify({ password: 'Hunter 9xyz yes' }, null, 2), 'Hunter 9xyz yes'],
  }
  for (const [key, [file, said]] of Object.entries(files)) t.equal(after(secret(key, file), `says ${said} here`), `says ${mask} here`, key)
  t.end()
})

void t.test('what says where to and as whom is not hunted', (t) => {
  const file = 'conn_type: postgres\nhost: airflow-postgresql\nport: 5432\nlogin: airflow_user\nschema: analytics\nsslmode=verify-full\nimage = registry.example.org/airflow:2.6.2\nmail: joe@example.org\nzone: us-east-1a\nenabled: true\n'
  const said = 'postgres airflow-postgresql 5432 airflow_user analytics verify-full registry.example.org/airflow:2.6.2 joe@example.org us-east-1a true'
  t.equal(after(secret('connections.yaml', file), said), said)
  t.equal(after(secret('connections.json', JSON.stringify(Object.fromEntries(file.trim().split('\n').map((line) => line.split(/[:=]\s*/) as [string, string])))), said), said)
  for (const [key, value] of [['host', 'airflow-postgresql'], ['registry', 'registry.example.org'], ['user', 'analytics'], ['dbname', 'warehouse'], ['username', 'analytics'], ['image', 'registry.example.org/airflow']] as const) t.equal(after(secret(key, value), `says ${value}`), `says ${value}`, key)
  t.equal(after(secret('user', 'v9Xk2mQ8rT4Lw7Yp'), 'says v9Xk2mQ8rT4Lw7Yp'), `says ${mask}`, 'but what is made by chance is')
  t.end()
})

void t.test('an address under a key that holds no secret may have one in it', (t) => {
  t.equal(after(secret('AIRFLOW__ELASTICSEARCH__HOST', 'https://elastic:Hunter-9xyz@es:9200'), 'says Hunter-9xyz to es'), `says ${mask} to es`)
  t.end()
})

void t.test('a variable is known to hold a secret in more languages, and by the value where its name says where one is', (t) => {
  for (const [name, value] of [['DB_PW', 'Hunter2.x'], ['PASSWORT', 'Hunter2.x'], ['LDAP_BINDPW', 'Hunter2.x'], ['REDIS_AUTH', 'Hunter9xyz'], ['DB_PASSWORD_FILE', 'Hunter9xyz'], ['PASSWORDS', 'other,Hunter9xyz']] as const) {
    const password = value.replace('other,', '')
    t.equal(after(setting(name, value), `says ${password}`), `says ${mask}`, name)
  }
  t.equal(after(setting('BASIC_AUTH', 'joe:Hunter2.x'), 'joe says Hunter2.x'), `joe says ${mask}`)
  for (const [name, value] of [['KERBEROS_AUTH', 'required'], ['TLS_KEY_FILE', 'tls-1.key'], ['SECRET_FILE', 'secrets/token'], ['SECRET_NAME', 'airflow-metadata']] as const) t.equal(after(setting(name, value), `says ${value}`), `says ${value}`, name)
  t.end()
})

void t.test('a percent sign and an escape are known as they are meant', (t) => {
  t.equal(after(setting('airflow.cfg', '[smtp]\nsmtp_password = Hun%%ter9xyz\n[database]\nsql_alchemy_conn = postgresql://joe:Som%%40mer8abc@db/x\n'), 'says Hun%ter9xyz and Som@mer8abc'), `says ${mask} and ${mask}`)
  t.end()
})

void t.test('what was applied, bytes of a ConfigMap, and a flag with its value are learned from', (t) => {
  const applied = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec: { containers: [{ env: [{ name: 'OLD_PASSWORD', value: 'Hun"ter9xyz' }] }] } }) }
  const spec = { containers: [{ name: 'x', command: ['mysql', '-uroot', '-pHunter8xyz', 'x'], args: ['curl', '-u', 'joe:Hunter7xyz', 'https://x'] }] }
  const { add, redact } = createRedactor()
  const keep = keepers({ learn: add })
  const kept = keep.pod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', annotations: applied }, spec })
  t.notMatch(JSON.stringify(kept), /Hun/)
  keep.keysOnly({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, binaryData: { x: base64('password=Hunter6xyz') } })
  t.equal(redact('Hun"ter9xyz Hunter8xyz Hunter7xyz Hunter6xyz'), Array(4).fill(mask).join(' '))
  t.end()
})

// Where it is searched in the square of its size, the file does not end in its time.
// Where a pattern tries each way to cut these, the file does not end in its time.
void t.test('a long row of versions or digits is judged as well', (t) => {
  t.ok(isTelling(`1.2${'-abc123'.repeat(300)}-0x1b`))
  const { add, redact } = createRedactor()
  learnSetting(add, 'SOMETHING', `${'1'.repeat(8000)} a`)
  t.equal(redact('1 a'), '1 a')
  t.end()
})

void t.test('a large Secret is learned like any other', (t) => {
  for (const text of ['0123456789abcdef'.repeat(65_536), `${'Ab3+'.repeat(16)}\n`.repeat(16_000), '{"a":"b"},'.repeat(100_000)]) {
    const { add, redact } = createRedactor()
    learnSecret(add, 'x', text)
    t.equal(redact(`a ${text.trimEnd()} b`), `a ${mask} b`)
  }
  t.end()
})

void t.test('of a document a word under a key that only sounds so stays, and a password under one does not', (t) => {
  const token = JSON.stringify({ token_type: 'Bearer', token_use: 'access', secretType: 'volume', auth_method: 'plainly', passwort: 'swordfish', access_token: 'dragonfly', licenceKey: 'Hunter-9xyz' })
  t.equal(after(secret('token.json', token), 'cannot access volume, plainly'), 'cannot access volume, plainly')
  t.equal(after(secret('token.json', token), 'says swordfish, dragonfly and Hunter-9xyz'), `says ${mask}, ${mask} and ${mask}`)
  const pod = JSON.stringify({ tolerations: [{ key: 'dedicated' }, { key: 'node-role.kubernetes.io/control-plane' }] })
  const said = 'untolerated taint dedicated, node-role.kubernetes.io/control-plane'
  t.equal(after(secret('pod.json', pod), said), said)
  t.end()
})

void t.test('a plain path is where a secret lies, unless it is called a password', (t) => {
  for (const [name, path] of [['SM_SECRET_ID', 'data/airflow'], ['TLS_SECRET', 'airflow/airflow-tls'], ['GIT_CREDENTIALS_REPO', 'github.com/joe/dags']] as const) t.equal(after(setting(name, path), `has registry.corp/${path}:1`), `has registry.corp/${path}:1`, name)
  t.equal(after(setting('DB_PASSWORD', 'correct/horse'), 'says correct/horse'), `says ${mask}`)
  t.equal(after(setting('API_TOKEN', 'hunter/9xyz'), 'says hunter/9xyz'), `says ${mask}`)
  t.end()
})

void t.test('of a program or its settings in a Secret the words are not hunted, what is quoted in it is', (t) => {
  const cfg = '[logging]\n[webserver]\n[celery]\n[kubernetes]\n'
  const python = 'raise Error("a ImagePullBackOff")\nImagePullBackOff")\nUserWrapper(\nairflow.www.security.AirflowSecurityManager\nWORDS = [\n\'Hunter-9xyz\',\n(Sommer-8abc)\n]\n'
  const said = '[logging] [webserver] [celery] [kubernetes] "ImagePullBackOff") UserWrapper( airflow.www.security.AirflowSecurityManager'
  t.equal(after(secret('airflow.cfg', cfg), said), said)
  t.equal(after(secret('config.py', python), said), said)
  t.equal(after(secret('config.py', python), 'says \'Hunter-9xyz\', Sommer-8abc'), `says '${mask}', ${mask}`)
  t.end()
})

void t.test('a document however deep is learned from', (t) => {
  const deep = `${'['.repeat(4000)}"Hunter-9xyz"${']'.repeat(4000)}`
  t.equal(after(secret('x', deep), 'says Hunter-9xyz'), `says ${mask}`)
  t.end()
})

void t.test('a user whose place holds a password is hunted, and what follows the colon', (t) => {
  for (const [key, value, part] of [['user', 'app:Passw0rd!', 'Passw0rd!'], ['user', 'app:swordfish', 'swordfish'], ['user', 'Sup3r.S3cret', 'Sup3r.S3cret'], ['type', 'a1!b2@c3', 'a1!b2@c3'], ['user', 'wJalrXUtnFEMI/K7MDENG', 'wJalrXUtnFEMI/K7MDENG']] as const) t.equal(after(secret(key, value), `says ${value} or ${part}`), `says ${mask} or ${mask}`, value)
  t.end()
})

void t.test('what looks chosen for a password is told from what names something', (t) => {
  for (const text of ['Hunter9xyz', 'Hunter-9xyz', 'Hunter2.x!', 'correct-Horse-1!', 'a1b2c3d4e5', 'Hunter9/xyzAb', 'admin@k3s', 'Sup3r.S3cret', '0a'.repeat(32)]) t.ok(isTelling(text), text)
  for (const text of ['postgresql', 'KubernetesExecutor', 'airflow-logs-claim', 'us-east-1a', 'postgres_15', '2.6.2', 'db.example.org:5432', 'redis:6379/0', 'quay.io/x/y:1', 'joe@example.org', '/opt/airflow', 'AUTH_DB', 'os.path.join(x1)', '$HOME/x1', '2023-08-02T10:29:40Z', 'lib/python3.7/site', 'airflow-k8s', 'k8s-prod', 'v1.27.4+k3s1', 'm5.2xlarge', 'kubernetes-admin@kubernetes', `quay.io/x/y@sha256:${'0a'.repeat(32)}`, '[logging]', 'a.b.CamelCase']) t.notOk(isTelling(text), text)
  t.end()
})
