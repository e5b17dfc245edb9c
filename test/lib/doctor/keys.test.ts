/** Keys and passwords by their facts. The texts are of cryptography, kombu and redis-py, from the failure catalogue (E); none was produced here. */
import t from 'tap'
import { factsOf } from '../../../lib/doctor/collect/release.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { ContainerLog, Evidence, SecretFacts } from '../../../lib/doctor/evidence.ts'
import { claim, container, crashed, deployment, inManifest, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const good = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const of = (parts: Partial<Evidence> = {}, record: Parameters<typeof release>[0] = {}) =>
  evidence({ workloads: good, autoscalers: [], record: release({ objects: (parts.workloads ?? good).map(inManifest), updatedAt: long, ...record }), ...parts })
const found = (one: Evidence) => diagnose(one).findings
const ids = (one: Evidence) => [...diagnose(one).unknown, ...found(one).map(({ id, severity, causes = [] }) => `${id} ${severity}${causes.length > 0 ? ' explained' : ''}`)]

const secret = (name: string, keys: string[], fields: Partial<SecretFacts> = {}): SecretFacts => ({ name, type: 'Opaque', createdAt: '2023-08-02T10:00:00Z', labels: {}, keys, same: {}, remarks: {}, ...fields })
const webserver = pod({ name: 'airflow-webserver-5c9-abcde', owner: { kind: 'ReplicaSet', name: 'airflow-webserver-5c9' }, labels: { 'pod-template-hash': '5c9' }, status: { ...ready, containerStatuses: [container({ name: 'webserver', ready: true, state: { running: { startedAt: '2023-08-02T10:05:00Z' } } })] } })
const says = (line: string, about = webserver, name = 'webserver'): ContainerLog => ({ namespace: 'airflow', pod: about.metadata.name, container: name, previous: false, lines: ['first', line, 'last'] })
const bound = (creationTimestamp = '2023-08-02T10:00:00Z') => {
  const one = claim({ volumeName: 'database' }, { phase: 'Bound' })
  return { ...one, metadata: { ...one.metadata, creationTimestamp } }
}

const fernet = (fields: Partial<SecretFacts> = {}, name = 'airflow-fernet-key') => secret(name, ['fernet-key'], fields)
const invalid = '  File "/home/airflow/.local/lib/python3.7/site-packages/cryptography/fernet.py", line 113, in _get_unverified_token_data: cryptography.fernet.InvalidToken'

void t.test('what another Fernet key encrypted is an error once somebody tries to read it', (t) => {
  t.match(found(of({ pods: [webserver], secrets: [fernet()], logs: [says(invalid)] })), [{
    id: 'fernet-key-rotated', severity: 'error', evidence: [/^airflow-webserver-5c9-abcde\/webserver: .*InvalidToken/],
    fix: [/^test -s FILE && .*get secret airflow-fernet-key -o yaml > airflow-fernet-key-before-\$\(date \+%s\)\.yaml\) && .*create secret generic airflow-fernet-key .*--dry-run=client -o json \| kubectl -n airflow apply --server-side --force-conflicts -f - && .*label secret airflow-fernet-key airstrip\/restored=true/, /lost/],
  }])
  const crashing = pod({ status: { containerStatuses: [crashed(4, {})] } })
  const down = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)]
  t.same(ids(of({ workloads: down, pods: [crashing], secrets: [fernet()], logs: [says(invalid, crashing, 'scheduler')] })), ['fernet-key-rotated error', 'crash-loop error explained'])
  t.same(ids(of({ pods: [webserver], secrets: [fernet()], logs: [says('jwt.exceptions.InvalidTokenError: Signature verification failed'), says('INFO - Connection my_db saved')] })), [], 'a token of the web is no Fernet token')
  t.same(ids(of({ pods: [webserver], secrets: [fernet()], logs: [says('botocore.exceptions.ClientError: An error occurred (InvalidToken) when calling the PutObject operation')] })), [], 'nor is one of AWS')
  t.same(ids(of({ pods: [webserver], secrets: [fernet()], logs: [says('telegram.error.InvalidToken: The token `x` was rejected by the server.'), says('InvalidToken: no such bot')] })), [], 'nor one of Telegram')
  // As Airflow's command line draws a traceback.
  const drawn = ['│ /home/airflow/.local/lib/python3.7/site-packages/cryptography/fernet.py:119 in                   │', '╰──────────────────────────────────────────────────────────────────────────────────────────────────╯', 'InvalidToken']
  t.match(found(of({ pods: [webserver], secrets: [fernet()], logs: [{ ...says(''), lines: drawn }] })), [{ id: 'fernet-key-rotated', severity: 'error' }])
  t.match(found(of({ pods: [webserver], secrets: [fernet()], logs: [says('ERROR - Can\'t decrypt _val for key=home, invalid token or value')] })), [{ id: 'fernet-key-rotated' }])
  t.end()
})

void t.test('a part with another key than the others is told, of this release alone and where the keys differ', (t) => {
  const part = (name: string, env: object[] | null) => ({ ...deployment(name, 1), spec: { replicas: 1, template: { spec: { containers: [{ name: 'main', env }, null] } } } })
  const from = (variable: string, name: string) => ({ name: `AIRFLOW__${variable}`, valueFrom: { secretKeyRef: { name, key: 'key' } } })
  const odd = [part('airflow-scheduler', [from('CORE__FERNET_KEY', 'a')]), part('airflow-triggerer', [from('CORE__FERNET_KEY', 'a')]), part('airflow-webserver', [from('CORE__FERNET_KEY', 'b')])]
  t.match(found(of({ workloads: odd })), [{ id: 'fernet-key-rotated', severity: 'error', title: 'Deployment airflow/airflow-webserver has another Fernet key than the other parts of Airflow', evidence: [/from Secret b\/key/, /from Secret a\/key/] }])
  t.same(found(of({ workloads: odd, secrets: [secret('b', ['key'], { same: { key: ['a/key'] } })] })), [], 'two Secrets with the same key')
  t.same(found(of({ workloads: odd }, { objects: odd.slice(0, 2).map(inManifest) })), [], 'one of another release')
  t.match(found(of({ workloads: [...odd.slice(0, 2), part('airflow-webserver', [{ name: 'AIRFLOW__CORE__FERNET_KEY' }])] })), [{ severity: 'warning' }], 'a value of its own may be the same')
  t.same(found(of({ workloads: [part('airflow-scheduler', null)] })), [])
  t.end()
})

void t.test('a key that is younger than the database is a doubt, unless somebody has brought the old one back', (t) => {
  const look = (keyFrom: string, databaseFrom: string, fields: Partial<SecretFacts> = {}) => of({ claims: [bound(databaseFrom)], secrets: [fernet({ createdAt: keyFrom, ...fields })] })
  t.match(found(look('2023-08-02T10:00:00Z', '2023-07-01T10:00:00Z')), [{ id: 'fernet-key-rotated', severity: 'warning', evidence: ['Secret airflow/airflow-fernet-key is from 2023-08-02T10:00:00Z, PersistentVolumeClaim airflow/data-airflow-postgresql-0 from 2023-07-01T10:00:00Z'] }])
  t.same(ids(look('2023-08-02T10:00:00Z', '2023-08-02T09:55:00Z')), [], 'made by one install')
  t.same(ids(look('2023-07-01T10:00:00Z', '2023-08-02T10:00:00Z')), [], 'a database that is younger has nothing of before')
  t.same(ids(look('2023-08-02T10:00:00Z', '2023-07-01T10:00:00Z', { labels: { 'airstrip/restored': 'true' } })), [])
  t.end()
})

void t.test('a key that somebody made or wrote by hand is a doubt at once', (t) => {
  const values = { fernetKeySecretName: 'airflow-airstrip-fernet-key' }
  const ours = { 'app.kubernetes.io/managed-by': 'airstrip' }
  const look = (fields: Partial<SecretFacts>) => of({ claims: [bound('2023-08-02T10:00:00Z')], secrets: [fernet({ createdAt: '2023-08-02T09:59:58Z', labels: ours, ...fields }, 'airflow-airstrip-fernet-key')] }, { values })
  t.same(ids(look({})), [])
  t.match(found(look({ createdAt: '2023-08-02T10:20:00Z', labels: {} })), [{ id: 'fernet-key-rotated', severity: 'warning', title: 'The Fernet key was changed by hand', evidence: ['Secret airflow/airflow-airstrip-fernet-key was made at 2023-08-02T10:20:00Z, and not by airstrip', /^Secret .* from 2023-08-02T10:20:00Z, PersistentVolumeClaim .* from 2023-08-02T10:00:00Z$/] }])
  const changed = { by: 'kubectl-patch', at: '2023-08-02T10:20:00Z' }
  t.match(found(look({ changed })), [{ id: 'fernet-key-rotated', evidence: [/the data of Secret airflow\/airflow-airstrip-fernet-key was written by kubectl-patch at 2023-08-02T10:20:00Z/] }])
  t.same(ids(look({ changed, labels: { ...ours, 'airstrip/restored': 'true' } })), [], 'until the old one is back')
  t.match(found(look({ changed }))[0]?.fix.at(-1), /^Where the old one was put back by hand, where it was rotated \(airflow rotate-fernet-key\).*kubectl -n airflow label secret airflow-airstrip-fernet-key airstrip\/restored=true$/, 'or its new one is known to be right')
  t.same(ids(look({ createdAt: '2023-08-01T10:00:00Z', labels: {} })), [], 'one that was there before the database was given on purpose')
  t.end()
})

void t.test('who wrote into a Secret after it was made is told by the API server', (t) => {
  // As kubectl get secret -o json --show-managed-fields has it on Kubernetes 1.20 after kubectl create and kubectl patch.
  const owns = { 'f:data': { '.': {}, 'f:fernet-key': {} }, 'f:type': {} }
  const made = { apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: owns, manager: 'kubectl-create', operation: 'Update', time: '2026-11-24T19:21:23Z' }
  const patched = { ...made, fieldsV1: { 'f:data': { 'f:fernet-key': {} } }, manager: 'kubectl-patch', time: '2026-11-24T19:40:02Z' }
  const labelled = { ...made, fieldsV1: { 'f:metadata': { 'f:labels': { 'f:airstrip/restored': {} } } }, manager: 'kubectl-label', time: '2026-11-24T19:41:00Z' }
  const look = (managedFields: unknown[]) => factsOf([{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name: 'one', namespace: 'airflow', creationTimestamp: '2026-11-24T19:21:23Z', managedFields }, data: { 'fernet-key': 'QQ==' } }])[0]?.changed
  t.same(look([made, patched, labelled]), { by: 'kubectl-patch', at: '2026-11-24T19:40:02Z' })
  t.equal(look([made, labelled]), undefined)
  t.end()
})

void t.test('of a connection it is kept where it leads, and neither its password nor its user', (t) => {
  const remarkOf = (value: string) => factsOf([{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name: 'one', namespace: 'airflow' }, data: { connection: Buffer.from(value).toString('base64') } }])[0]?.remarks.connection
  t.equal(remarkOf('postgresql://airflow:hunter2@airflow-postgresql.airflow:5432/airflow?sslmode=disable'), 'leads to airflow-postgresql.airflow:5432/airflow with sslmode=disable')
  t.equal(remarkOf('postgresql://airflow:hunter2@airflow-postgresql.airflow:5432/airflow?application_name=hunter2'), 'leads to airflow-postgresql.airflow:5432/airflow')
  for (const end of ['\n', ' ', '?sslmode=disable ', '?sslmode=disable\r\n']) t.match(remarkOf(`postgresql://airflow:hunter2@airflow-postgresql:5432/airflow${end}`), /^leads to airflow-postgresql:5432\/airflow( with sslmode=disable)?, with a space or a line break around it$/)
  t.equal(remarkOf('postgresql://airflow:hunter2@airflow-postgresql:5432/airflow?sslmode=disable\n'), 'leads to airflow-postgresql:5432/airflow with sslmode=disable', 'of a query one line is read')
  t.equal(remarkOf('postgresql://hunter2@[fd00::1]/db'), 'leads to [fd00::1]:/db')
  t.equal(remarkOf('postgresql://airflow:4711/hunter2@airflow-postgresql:5432/airflow'), 'is not the address of a database', 'a password with a slash that was not encoded')
  t.equal(remarkOf('postgres@airflow'), 'is not the address of a database')
  t.equal(remarkOf(''), 'is empty')
  t.end()
})

void t.test('the key is looked for where the release has it', (t) => {
  const values = { fernetKeySecretName: 'mine' }
  const remarks = { 'fernet-key': 'is not a Fernet key' }
  t.match(found(of({ secrets: [fernet(), fernet({ remarks }, 'mine')] }, { values })), [{ id: 'fernet-key-rotated', severity: 'error', title: 'What is in Secret airflow/mine is not a Fernet key', evidence: ['mine/fernet-key is not a Fernet key'], fix: [/secret mine/, /delete secret mine/] }])
  t.same(ids(of({ secrets: [fernet({ remarks }), fernet({}, 'mine')] }, { values })), [], 'one that nobody uses')
  const written = fernet({ remarks, changed: { by: 'kubectl-patch', at: '2023-08-02T10:25:00Z' } }, 'airflow-airstrip-fernet-key')
  const claims = [claim({ volumeName: 'database' }, { phase: 'Bound' })]
  t.equal(found(of({ secrets: [written], claims }, { values: { fernetKeySecretName: 'airflow-airstrip-fernet-key' } })).filter(({ id }) => id === 'fernet-key-rotated').length, 1, 'what is no key is not told as another key besides')
  t.match(found(of({ pods: [webserver], secrets: [fernet()], logs: [says('ValueError: Fernet key must be 32 url-safe base64-encoded bytes.')] })), [{ id: 'fernet-key-rotated', title: /airflow-fernet-key/ }])
  t.end()
})

const inRelease = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } })

void t.test('a key of the web that the chart makes anew is told, one that the values name is not', (t) => {
  const look = (name: string, values: Record<string, unknown> = {}) => of({}, { objects: [...good.map(inManifest), inRelease(name)], values })
  t.match(found(look('airflow-webserver-secret-key')), [{ id: 'webserver-secret-dynamic', severity: 'warning', evidence: [/^Secret airflow\/airflow-webserver-secret-key/], fix: [/^openssl rand -hex 32 \| tr -d '\\n' \| .*--from-file=webserver-secret-key=\/dev\/stdin.*webserverSecretKeySecretName: webserver-key/] }])
  t.match(found(look('airflow-api-secret-key')), [{ id: 'webserver-secret-dynamic', evidence: [/apiSecretKeySecretName/], fix: [/--from-file=api-secret-key=\/dev\/stdin.*apiSecretKeySecretName: api-key/] }], 'of Airflow 3 it has another name')
  t.match(found(look('airflow-api-secret-key', { webserverSecretKeySecretName: 'mine' })), [{ id: 'webserver-secret-dynamic' }], 'which the old one does not set')
  t.match(found(look('airflow-webserver-secret-key', { webserverSecretKey: null, webserverSecretKeySecretName: '' })), [{ id: 'webserver-secret-dynamic' }])
  t.same(ids(look('airflow-webserver-secret-key', { webserverSecretKey: 'a-key-of-its-own' })), [])
  t.same(ids(of({}, { values: { webserverSecretKeySecretName: 'mine' } })), [])
  t.end()
})

void t.test('a key that everybody knows is told with its Secret', (t) => {
  const remark = 'is one that stands in a documentation'
  t.match(found(of({ secrets: [secret('airflow-web', ['webserver-secret-key'], { remarks: { 'webserver-secret-key': remark } })] })), [{ id: 'webserver-secret-dynamic', severity: 'warning', evidence: [/Secret airflow\/airflow-web, webserver-secret-key/], fix: [/^Give the values of the release another webserverSecretKey/] }])
  t.match(found(of({ secrets: [secret('airflow-airstrip-webserver-secret-key', ['webserver-secret-key'], { remarks: { 'webserver-secret-key': remark } })] })), [{ fix: [/delete secret airflow-airstrip-webserver-secret-key/] }], 'of those that airstrip makes again')
  t.match(found(of({ secrets: [fernet({ remarks: { 'fernet-key': remark } })] })), [{ id: 'default-credentials', title: /Fernet/, evidence: [/Secret airflow\/airflow-fernet-key/], fix: [/rotate-fernet-key`, then NEW alone and kubectl -n airflow label secret airflow-fernet-key airstrip\/restored=true # /] }])
  t.same(ids(of({ secrets: [fernet(), secret('airflow-web', ['webserver-secret-key'])] })), [])
  t.end()
})

void t.test('a login that everybody knows is told with where it stands, and never with the password', (t) => {
  const path = 'webserver.defaultUser.password'
  t.match(found(of({ knownPasswords: [path] })), [{ id: 'default-credentials', severity: 'warning', evidence: [`${path} of Helm release airflow/airflow is one that everybody knows`], fix: [/^kubectl -n airflow exec -it deploy\/airflow-webserver -- sh -c 'airflow users reset-password .*flask fab reset-password/] }])
  const admin = (remarks: Record<string, string> = {}) => of({ secrets: [secret('airflow-airstrip-admin', ['username', 'password'], { remarks })] })
  t.match(found(admin({ password: 'is a password that everybody knows' })), [{ id: 'default-credentials', evidence: [/^Secret airflow\/airflow-airstrip-admin/] }])
  t.same(ids(admin()), [])
  t.same(ids(of({ knownPasswords: [] })), [])
  t.end()
})

const celery = [...good, statefulSet('airflow-redis', 1), statefulSet('airflow-worker', 1)]
const redisSecrets = (same: string[], broker = 'airflow-airstrip-broker-url', password = 'airflow-airstrip-redis-password') => [secret(broker, ['connection'], { same: { connection: same } }), secret(password, ['password'])]
const ours = { values: { data: { brokerUrlSecretName: 'airflow-airstrip-broker-url' }, redis: { passwordSecretName: 'airflow-airstrip-redis-password' } } }
const agree = ['airflow-airstrip-redis-password/password']
const worker = (status: Record<string, unknown>) => pod({ name: 'airflow-worker-0', owner: { kind: 'StatefulSet', name: 'airflow-worker' }, labels: {}, status })
const wrongPass = '[2023-08-02 10:29:40,123: ERROR/MainProcess] consumer: Cannot connect to redis://:**@airflow-redis:6379/0: WRONGPASS invalid username-password pair or user is disabled..'

void t.test('Secrets that differ on Redis are told before anybody is refused', (t) => {
  t.match(found(of({ workloads: celery, secrets: redisSecrets([]) }, ours)), [{
    id: 'redis-password-drift', severity: 'warning', title: 'Secrets airflow-airstrip-broker-url and airflow-airstrip-redis-password have different passwords for Redis',
    fix: [/ && kubectl -n airflow delete secret airflow-airstrip-broker-url && kubectl -n airflow rollout restart statefulset\/airflow-redis && npx tsx run.ts apply && kubectl -n airflow rollout restart statefulset\/airflow-worker/],
  }])
  const charts = found(of({ workloads: celery, secrets: redisSecrets([], 'airflow-broker-url', 'airflow-redis-password') }))
  t.match(charts, [{ id: 'redis-password-drift', fix: [/^Put the password of Secret airflow-redis-password into the connection of Secret airflow-broker-url/] }], 'of the chart\'s own nothing is deleted')
  t.same(ids(of({ workloads: celery, secrets: redisSecrets(agree) }, ours)), [])
  t.same(ids(of({ secrets: redisSecrets([]) }, ours)), [], 'nobody uses them without a Redis')
  t.same(ids(of({ workloads: celery }, ours)), [], 'nobody looked')
  t.end()
})

void t.test('a Redis that runs with another password is told by who is refused', (t) => {
  const refused = worker({ containerStatuses: [crashed(4, {}, { name: 'worker' })] })
  const down = [...celery.slice(0, 3), statefulSet('airflow-worker', 0)]
  const look = (line: string) => of({ workloads: down, pods: [refused], secrets: redisSecrets(agree), logs: [says(line, refused, 'worker')] }, ours)
  for (const line of [wrongPass, 'consumer: Cannot connect to redis://:**@airflow-redis:6379/0: invalid username-password pair.', 'redis.exceptions.AuthenticationError: NOAUTH Authentication required.',
    // Redis 6 and later, and before it, where it was started without one
    'consumer: Cannot connect to redis://:**@airflow-redis:6379/0: AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?.', 'redis.exceptions.ResponseError: Client sent AUTH, but no password is set']) {
    t.match(found(look(line))[0], { id: 'redis-password-drift', severity: 'error', title: /^Redis runs with another password/, evidence: [/^airflow-worker-0\/worker: /], fix: [/^kubectl -n airflow rollout restart statefulset\/airflow-redis/] }, line)
  }
  t.same(ids(look(wrongPass)), ['redis-password-drift error', 'crash-loop error explained'])
  t.same(ids(look('consumer: Cannot connect to redis://:**@airflow-redis:6379/0: Error 111 connecting to airflow-redis:6379. Connection refused..')), ['crash-loop error'], 'a Redis that is not there is another thing')
  t.end()
})

void t.test('and what was said in the run before is over where the present one says nothing of it', (t) => {
  const mended = worker({ ...ready, containerStatuses: [container({ name: 'worker', ready: true, restartCount: 4, state: { running: { startedAt: '2023-08-02T10:20:00Z' } } })] })
  const logs = [{ ...says(wrongPass, mended, 'worker'), previous: true }, says('celery@airflow-worker-0 ready.', mended, 'worker')]
  t.same(ids(of({ workloads: celery, pods: [mended], secrets: redisSecrets(agree), logs }, ours)), [])
  t.end()
})
