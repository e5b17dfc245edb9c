/** The community chart has other Secrets and other values than the official one, and nothing is wrong with that. */
import t from 'tap'
import { communityValues } from '../../../lib/airflow/community.ts'
import { secretNames } from '../../../lib/airflow/keys.ts'
import { airflowSpec } from '../../../lib/airflow/spec.ts'
import { wantedOf } from '../../../lib/commands/examination.ts'
import { parseConfig } from '../../../lib/config/load.ts'
import { familyById } from '../../../lib/airflow/families.ts'
import { readableValues } from '../../../lib/doctor/collect/values.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { ContainerLog, Evidence, SecretFacts } from '../../../lib/doctor/evidence.ts'
import { claim, container, crashed, deployment, inManifest, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const config = parseConfig('storage: {path: /srv/airflow}\ningress: {host: home.example.org, certResolver: le}\n', 'airstrip.yaml')
const wanted = { ...wantedOf(config, familyById('community')), host: '', certResolver: '' }
const values = communityValues(airflowSpec(config).release.values, 'CeleryExecutor')
const good = [statefulSet('airflow-postgresql', 1), statefulSet('airflow-redis-master', 1), deployment('airflow-scheduler', 1)]
const bound = claim({ volumeName: 'database' }, { phase: 'Bound' })
const names = secretNames('airflow')

const secret = (name: string, keys: string[], fields: Partial<SecretFacts> = {}): SecretFacts => ({ name, type: 'Opaque', createdAt: '2023-08-02T10:00:00Z', labels: { 'app.kubernetes.io/managed-by': 'airstrip' }, keys, same: {}, remarks: {}, ...fields })
const ours = [secret(names.communityPostgresql, ['postgresql-password', 'postgresql-postgres-password']), secret(names.fernetKey, ['fernet-key']), secret(names.redis, ['password'])]

const of = (parts: Partial<Evidence> = {}, record: Record<string, unknown> = values) =>
  evidence({ wanted, workloads: good, autoscalers: [], claims: [bound], secrets: ours, record: release({ values: record, objects: good.map(inManifest), updatedAt: long }), ...parts })
const found = (one: Evidence) => diagnose(one).findings.filter(({ id }) => /password|release-not|fernet/.test(id))

const worker = pod({ name: 'airflow-worker-0', owner: { kind: 'StatefulSet', name: 'airflow-worker' }, labels: {}, status: { ...ready, containerStatuses: [container({ name: 'airflow-worker', ready: true, state: { running: { startedAt: '2023-08-02T10:05:00Z' } } })] } })
const says = (line: string): ContainerLog => ({ namespace: 'airflow', pod: 'airflow-worker-0', container: 'airflow-worker', previous: false, lines: [line] })

void t.test('its own Secret has the password of the database, and its variable the Fernet key', (t) => {
  t.same(found(of()), [])
  t.end()
})

void t.test('without that Secret nobody knows the password of the volume', (t) => {
  t.match(found(of({ secrets: ours.slice(1) })), [{ id: 'postgres-pvc-old-password', severity: 'error', evidence: [/./, /airflow-airstrip-community-postgresql/] }])
  t.end()
})

void t.test('a release that was made by other means is told with its own key, and how it is taken over', (t) => {
  const own = [secret('airflow-postgresql', ['postgresql-password']), secret('airflow-config-envs', ['AIRFLOW__CORE__FERNET_KEY'])]
  t.match(found(of({ secrets: own }, {})), [{ id: 'release-not-airstrips', evidence: ['its Fernet key is in no Secret that its values name, airstrip\'s is in Secret airflow-airstrip-fernet-key'], fix: [/run.ts adopt/] }])
  const named = { airflow: { extraEnv: [{ name: 'AIRFLOW__CORE__FERNET_KEY', valueFrom: { secretKeyRef: { name: 'mine', key: 'value' } } }] } }
  t.match(found(of({ secrets: own }, named)), [{ id: 'release-not-airstrips', evidence: [/in Secret mine,/] }])
  t.end()
})

void t.test('a password that the database refuses is put back where this chart has it', (t) => {
  const crashing = { ...worker, status: { containerStatuses: [crashed(4, {}, { name: 'airflow-worker' })] } }
  const [finding] = found(of({ pods: [crashing], logs: [says('FATAL:  password authentication failed for user "airflow"')] }))
  t.match(finding, { id: 'postgres-pvc-old-password', fix: [/delete secret airflow-airstrip-community-postgresql && npx/, /./] })
  t.end()
})

void t.test('of a Redis that refuses its password both sides are started again, by their names here', (t) => {
  t.match(found(of({ pods: [worker], logs: [says('[CRITICAL/MainProcess] Unrecoverable error: AuthenticationError(\'WRONGPASS invalid username-password pair\')')] })), [{ id: 'redis-password-drift', fix: [/rollout restart statefulset\/airflow-redis-master && /] }])
  t.end()
})

void t.test('of its variables a reference can be read, since it only names, and a value cannot', (t) => {
  const reference = { name: 'A', valueFrom: { secretKeyRef: { name: 'mine', key: 'value' } } }
  t.same(readableValues({ extraEnv: [reference] }), { extraEnv: [reference] })
  t.notMatch(JSON.stringify(readableValues({ extraEnv: [{ name: 'A', value: 'canary' }] })), /canary/)
  for (const odd of [{ name: 'mine', key: 'value', password: 'canary' }, { name: { password: 'canary' } }, 'canary', ['canary']]) {
    t.notMatch(JSON.stringify(readableValues({ extraEnv: [{ name: 'A', valueFrom: { secretKeyRef: odd } }] })), /canary/, 'what is no reference is not taken for one')
  }
  t.end()
})

void t.test('what says where pods may go is read, and taken for no secret that is masked elsewhere', (t) => {
  const placed = {
    tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'airflow-only', effect: 'NoSchedule' }], nodeSelector: { disktype: 'ssd-of-home' },
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchExpressions: [{ key: 'tier', operator: 'In', values: ['airflow-tier'] }] } }] } },
  }
  const learned: string[] = []
  const learn = (value: string): void => { learned.push(value) }
  t.same(readableValues({ scheduler: placed, dags: { gitSync: { credentialsSecret: 'git-login', sshKeySecret: 'git-key' } } }, { learn }), { scheduler: placed, dags: { gitSync: { credentialsSecret: 'git-login', sshKeySecret: 'git-key' } } })
  t.same(learned, [])
  t.notMatch(JSON.stringify(readableValues({ nodeSelector: { password: 'canary' }, key: 'canary', gitSync: { sshSecret: 'ghp_canary' }, httpSecret: 'canary' })), /canary/)
  t.end()
})

void t.test('a login where the name of its Secret is to be is masked', (t) => {
  const hex = '0123456789abcdef0123456789abcdef01234567'
  t.notMatch(JSON.stringify(readableValues({ dags: { gitSync: { credentialsSecret: hex, env: [{ name: 'tolerations', value: 'canary' }] } }, env: [{ name: 'affinity', value: 'canary' }] })), new RegExp(`canary|${hex}`))
  t.end()
})

void t.test('its users are made by a Deployment, and a webserver that began before it says nothing of them', (t) => {
  const web = pod({ name: 'airflow-web-5c9-abcde', owner: { kind: 'ReplicaSet', name: 'airflow-web-5c9' }, labels: { 'pod-template-hash': '5c9' }, status: { ...ready, containerStatuses: [container({ name: 'airflow-web', ready: true, state: { running: { startedAt: '2023-08-02T10:27:00Z' } } })] } })
  const workloads = [...good, deployment('airflow-web', 1), deployment('airflow-sync-users', 1)]
  const lines = ['[2023-08-02T10:28:00.000+0000] {manager.py:1173} WARNING - No user yet created, use flask fab command to do it.']
  const one = of({ workloads, pods: [web], logs: [{ ...says(''), pod: web.metadata.name, container: 'airflow-web', lines }], record: release({ values, objects: workloads.map(inManifest), updatedAt: long }) })
  t.same(diagnose(one).findings.filter(({ id }) => id === 'admin-login-missing'), [])
  t.end()
})
