/** A cluster with a secret wherever one can lie, and the forms in which they turn up. */
import type { HttpsAnswer, KubernetesObject, Reader } from '../../../lib/access.ts'
import { claim, crashed, deployment, event, job, node, pod, release, statefulSet, storageClass, volume } from '../observe/objects.ts'
import { reader } from './evidence.ts'

export interface Planted {
  reader: Reader
  /** By place. */
  canaries: Map<string, string>
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const object = (apiVersion: string, kind: string, name: string, rest: object): KubernetesObject => ({ apiVersion, kind, metadata: { name, namespace: 'airflow' }, ...rest })

/** `c` gives each place a value of its own. */
function workloads(c: (place: string) => string): KubernetesObject[] {
  const variables = [
    { name: 'DB_PASSWORD', value: c('variable') },
    { name: 'SMTP_PASS', value: c('variable *_PASS') },
    { name: 'MY_SETTING', value: c('variable that only looks made by chance') },
    { name: 'AIRFLOW_CONN_WAREHOUSE', value: `mysql://joe:${c('password in the address of a variable')}@db/x` },
    { name: 'REFERRED', valueFrom: { secretKeyRef: { name: 'planted', key: 'password' } } },
  ]
  const container = {
    name: 'scheduler', image: 'apache/airflow:2.6.2', env: variables,
    command: ['bash', '-c', `exec airflow users create -p ${c('shell command')}`],
    args: ['--password', c('argument after its flag'), `--token=${c('argument in its flag')}`, '-x', c('argument of another flag'), c('argument')],
    livenessProbe: { httpGet: { path: `/health?token=${c('token in the path of a probe')}`, httpHeaders: [{ name: 'Authorization', value: c('header of a probe') }] } },
    readinessProbe: { exec: { command: ['redis-cli', '-a', c('command of a probe')] } },
    lifecycle: { preStop: { exec: { command: [c('command of a hook')] } } },
  }
  const volumes = [
    { name: 'a', csi: { driver: 'x', volumeAttributes: { secretKey: c('attribute of a volume') } } },
    { name: 'b', flexVolume: { driver: 'x', options: { something: c('option of a volume') } } },
  ]
  const spec = { containers: [container], initContainers: [{ ...container, name: 'init', env: [{ name: 'APP_TOKEN', value: c('variable of an init container') }] }], volumes }
  const crash = crashed(5, { message: `died of token=${c('last words')}` }, { state: { waiting: { reason: 'CrashLoopBackOff', message: `bearer ${c('reason of waiting')}` } } })
  const talking = pod({ name: 'talking', spec, status: { containerStatuses: [crash], conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: `api_key: ${c('condition')}` }] } })
  talking.metadata.annotations = { 'example.org/note': c('annotation of a pod') }
  const deployed = deployment('airflow-scheduler', 0)
  deployed.metadata.annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec: { env: [{ name: 'OLD_SECRET', value: c('last applied') }] } }) }
  const template = (name: string) => ({ template: { metadata: { annotations: { 'vault/role': c(`annotation of the template of ${name}`) } }, spec: { containers: [{ name: 'x', env: [{ name: 'A_SECRET', value: c(`variable of ${name}`) }] }] } } })
  return [
    talking,
    { ...deployed, spec: { replicas: 1, ...template('a Deployment') } },
    { ...statefulSet('airflow-postgresql', 1), spec: { replicas: 1, ...template('a StatefulSet') } },
    { ...job({}), spec: { ...template('a Job') } },
    event(talking, 'Unhealthy', `HTTP probe: Authorization: Bearer ${c('event')}`),
    event(talking, 'FailedMount', `mount -o username=joe,password=${c('event, of a mount')} failed`),
    event(talking, 'Echo', `said ${c('variable')} and ${c('ConfigMap')}`),
  ]
}

function others(c: (place: string) => string): KubernetesObject[] {
  const noted = (one: KubernetesObject, place: string): KubernetesObject => ({ ...one, metadata: { ...one.metadata, annotations: { ...one.metadata.annotations, 'example.org/x': c(`annotation of ${place}`) } } })
  const cfg = `[core]\nfernet_key = ${c('airflow.cfg in a ConfigMap')}\n[database]\nsql_alchemy_conn = postgresql://joe:${c('address in airflow.cfg')}@db/airflow\n`
  return [
    object('v1', 'ConfigMap', 'settings', { data: { db_password: c('ConfigMap'), 'airflow.cfg': cfg }, binaryData: { x: base64(c('binary data of a ConfigMap')) } }),
    object('v1', 'Secret', 'planted', { type: 'Opaque', data: { password: base64(c('Secret')), connection: base64(`redis://:${c('address in a Secret')}@redis/0`), '.dockerconfigjson': base64(JSON.stringify({ auths: { r: { password: c('registry login in a Secret') } } })) } }),
    noted(claim(), 'a claim'), noted(node(), 'a node'),
    noted(storageClass('class', { parameters: { restuserkey: c('parameter of a class'), server: 'nfs' }, mountOptions: [`username=joe,password=${c('mount option of a class')}`] }), 'a class'),
    noted(volume({ csi: { driver: 'x', volumeAttributes: { token: c('attribute of a PersistentVolume') } } }), 'a PersistentVolume'),
    noted({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'airflow' } }, 'the namespace'),
    noted(object('v1', 'Service', 'airflow-webserver', { spec: { type: 'ClusterIP' } }), 'a Service'),
    object('traefik.io/v1alpha1', 'Middleware', 'm', { spec: { headers: { customRequestHeaders: { Authorization: c('header of a Middleware') } }, plugin: { p: { anything: c('plugin of a Middleware') } } } }),
    object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'w', { webhooks: [{ clientConfig: { url: `https://u:${c('address of a webhook')}@h/`, caBundle: c('authority of a webhook') } }] }),
  ]
}

/** Nobody told of these: each is known by its looks alone. */
export const logShapes: Record<string, (value: string) => string> = {
  'address': (v) => `postgresql+psycopg2://postgres:${v}@db:5432/postgres`,
  'address without a user': (v) => `redis://:${v}@airflow-redis:6379/0`,
  'address with a slash and an @ in the password': (v) => `amqp://joe:/@${v}@rabbit//`,
  'JDBC': (v) => `jdbc:postgresql://db/airflow?user=joe&password=${v}`,
  'libpq': (v) => `host=db user=joe password=${v} dbname=airflow`,
  'ADO': (v) => `Server=db;Uid=joe;Pwd=${v};`,
  'environment': (v) => `AIRFLOW__WEBSERVER__SECRET_KEY=${v}`,
  'exported, with blanks': (v) => `export SMTP_PASSWORD = one two ${v}`,
  'INI': (v) => `smtp_password = ${v}`,
  'YAML': (v) => `  password: ${v}`,
  'YAML block': (v) => `  password: |\n    ${v}\n    more-${v}`,
  'YAML variable': (v) => `- name: DB_PASSWORD\n  value: ${v}`,
  'JSON': (v) => `{"user": "joe", "password": "one two ${v}"}`,
  'JSON in JSON': (v) => JSON.stringify({ log: JSON.stringify({ api_token: `x ${v}` }) }),
  'JSON pass': (v) => `{"pass":"${v}"}`,
  'Python': (v) => `{'login': 'joe', 'password': '${v}', 'port': 1}`,
  'keyword': (v) => `connect(host='db', password='${v}')`,
  'flag': (v) => `airflow connections add --conn-password ${v} x`,
  'flag with =': (v) => `--db-password=${v}`,
  'flags in a list': (v) => `["--password", "${v}"]`,
  'users create': (v) => `airflow users create -u admin -p ${v} -r Admin`,
  'mysql': (v) => `mysql -h db -p${v} airflow`,
  'curl': (v) => `curl -u joe:${v} http://x`,
  'sentence': (v) => `the password is ${v}`,
  'sentence for a user': (v) => `Password for admin is: ${v}`,
  'word in brackets': (v) => `login failed: password [${v}]`,
  'word in parentheses': (v) => `login failed: password(${v})`,
  'element': (v) => `<user>a</user><password>${v}</password>`,
  'Telegram': (v) => `GET https://api.telegram.org/bot123456789:${v}${v}/sendMessage`,
  'Discord': (v) => `POST https://discord.com/api/webhooks/123456789/${v}${v}`,
  'word after with': (v) => `could not connect to db with password ${v}`,
  'quoted word': (v) => `login with password '${v}' failed`,
  'bearer': (v) => `Authorization: Bearer ${v}`,
  'basic': (v) => `sent Basic ${base64(`joe:${v}`)}`,
  'cookie': (v) => `Set-Cookie: session=${v}; Path=/`,
  'token in an address': (v) => `GET https://api.example.org/x?access_token=${v}&y=1`,
  'signature in an address': (v) => `https://s3/x?X-Amz-Signature=${v}`,
  'token as user': (v) => `git clone https://${v}abcdefgh@github.com/x`,
  'Slack': (v) => `https://hooks.slack.com/services/T0/B0/${v}`,
  'AWS': (v) => `aws_secret_access_key=${v}`,
  'JWT': (v) => `got eyJhbGciOiJIUzI1NiJ9.${base64(v).replace(/=+$/, '')}.c2ln`,
  'GitHub': (v) => `ghp_${v}0123456789abcdefghij`,
  'hash': (v) => `$2b$12$${v}abcdefghijkl`,
  'private key': (v) => `-----BEGIN RSA PRIVATE KEY-----\n${v}\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----`,
  'end of a private key': (v) => `${v}\n-----END OPENSSH PRIVATE KEY-----`,
  'private key in JSON': (v) => JSON.stringify({ k: `-----BEGIN PRIVATE KEY-----\n${v}\n-----END PRIVATE KEY-----` }),
}

/** Known values, as programs print them. */
const knownShapes: ((value: string) => string)[] = [
  (v) => `plain ${v}`, (v) => `base64 ${base64(v)}`, (v) => `twice ${base64(base64(v))}`, (v) => `login ${base64(`joe:${v}`)}`, (v) => `url ${encodeURIComponent(v)}`, (v) => `json ${JSON.stringify(v)}`,
]

export function planted(): Planted {
  const canaries = new Map<string, string>()
  const c = (place: string): string => {
    const value = canaries.get(place) ?? `Canary${String(canaries.size).padStart(3, '0')}Zq${(canaries.size * 7919 + 104_729).toString(36)}`
    canaries.set(place, value)
    return value
  }
  const objects = [...workloads(c), ...others(c)]
  const inRelease = [
    ...workloads((place) => c(`${place}, in the manifest`)).slice(1, 4),
    object('v1', 'ConfigMap', 'settings', { data: { token: c('ConfigMap in the manifest') } }),
    object('v1', 'Secret', 'chart', { stringData: { pass: c('Secret in the manifest, as text') }, data: { pass2: base64(c('Secret in the manifest')) } }),
  ]
  const values = { data: { metadataConnection: { pass: c('chart value') } }, env: [{ name: 'X_TOKEN', value: c('variable among the chart values') }], config: { smtp: { smtp_password: c('configuration among the chart values') } }, note: `see https://joe:${c('address among the chart values')}@x/`, webserver: { extra: [c('list among the chart values')] } }
  const hook = { ref: { apiVersion: 'v1', kind: 'Secret', name: 'h', namespace: 'airflow' }, events: ['pre-install'], deletePolicies: [], phase: 'Succeeded', object: object('v1', 'Secret', 'h', { data: { k: base64(c('Secret of a Helm hook')) } }) }
  const record = release({ values, objects: inRelease, hooks: [hook], description: `failed: password=${c('what Helm said')}` })
  const known = [...canaries].filter(([place]) => /^(Secret|variable|ConfigMap|chart value|address in|argument (after|in)|password in|shell|parameter of a class)/.test(place))
  const log = [
    ...Object.entries(logShapes).map(([name, shape]) => shape(c(`log: ${name}`))),
    ...known.flatMap(([, value]) => knownShapes.map((shape) => shape(value))),
  ].join('\n')
  const answer: HttpsAnswer = { status: 302, headers: { 'set-cookie': `session=${c('cookie')}`, 'x-token': c('header of the answer'), location: `https://x/login?token=${c('location')}` }, body: `<a href="?api_key=${c('body')}">`, certificate: { subject: 'CN=x', issuer: 'CN=y', validTo: '2030-01-01', names: ['x'] } }
  const broken = { file: '/opt/airflow/dags/etl.py', said: `RuntimeError: no login at mysql://joe:${c('exception of a DAG')}@db/x, nor ${'as anybody '.repeat(21)}with ${canaries.get('variable') ?? ''}`, at: '2023-08-02T10:29:00.000Z' }
  const closed = { path: `/srv/airflow/dags/password=${c('name of a DAG')}/etl.py`, folder: false, uid: 0, gid: 0, mode: 0o600 }
  const { reader: scripted } = reader({ objects, release: record, logs: () => log })
  return { canaries, reader: { ...scripted, https: () => Promise.resolve(answer), resolve: () => Promise.resolve(['10.0.0.1']), folder: () => Promise.resolve(undefined), dagLogs: () => Promise.resolve({ read: 1, broken: [broken] }), dagEntries: () => Promise.resolve([closed]) } }
}
