import t from 'tap'
import { explained } from '../../../lib/doctor/explains.ts'
import type { FaultId } from '../../../lib/observe/faults.ts'
import type { Finding } from '../../../lib/step.ts'
import { evidence } from './evidence.ts'

const found = (id: FaultId, title: string, seen: string[] = [], severity: Finding['severity'] = 'error'): Finding => ({ id, severity, title, evidence: seen, why: '', fix: [''] })

/** What the second is explained by. */
const causes = (cause: Finding, symptom: Finding): string[] => (explained([cause, symptom], evidence())[1]?.causes ?? []).map(({ id }) => id)

const refused = found('database-unreachable', 'PostgreSQL has no database airflow')
const silent = found('database-unreachable', 'Airflow gets no connection to its database, which is ready')
const crash = found('crash-loop', 'Container webserver of Deployment airflow-webserver keeps crashing', ['Pod airflow/airflow-webserver-1, container webserver: exit code 1', 'ModuleNotFoundError: No module named authlib'])

void t.test('what is only a warning explains no error', (t) => {
  t.same(causes(found('node-cordoned', 'A node is cordoned', [], 'warning'), silent), [])
  t.same(causes(found('scaled-to-zero', 'The rollout of Deployment airflow/airflow-statsd is paused', [], 'warning'), crash), [])
  t.same(causes(found('node-cordoned', 'Every node is cordoned'), silent), ['node-cordoned'])
  t.same(causes(found('fernet-key-rotated', 'Another key', [], 'warning'), found('not-ready-unexplained', 'It is not ready', [], 'warning')), ['fernet-key-rotated'])
  t.end()
})

void t.test('whom the database answered has reached it, whatever else is broken', (t) => {
  const causesOfSilence: [FaultId, string, string[]?][] = [
    ['node-not-ready', 'Node second is not ready'], ['node-pressure-evicted', 'A pod was evicted'], ['pod-network-broken', 'Pods get no network'],
    ['release-object-missing', 'Objects are missing', ['Service airflow/airflow-postgresql does not exist']],
  ]
  for (const [id, title, seen] of causesOfSilence) {
    t.same(causes(found(id, title, seen), silent), [id])
    t.same(causes(found(id, title, seen), refused), [], id)
  }
  t.end()
})

void t.test('a key or password explains the crashes that speak of it', (t) => {
  const dies = (container: string, words: string) => found('crash-loop', 'It keeps crashing', [`Pod airflow/x, container ${container}: exit code 1`, words])
  const fernet = found('fernet-key-rotated', 'Another key')
  t.same([causes(fernet, dies('scheduler', 'cryptography.fernet.InvalidToken')), causes(fernet, crash)], [['fernet-key-rotated'], []])
  const redis = found('redis-password-drift', 'Another password')
  t.same([causes(redis, dies('worker', 'exit')), causes(redis, dies('scheduler', 'kombu.exceptions.OperationalError: invalid username-password pair')), causes(redis, crash)], [['redis-password-drift'], ['redis-password-drift'], []])
  t.end()
})

void t.test('a part that nobody needs explains nobody else\'s crash', (t) => {
  const none = (name: string) => found('scaled-to-zero', `${name} is scaled to no pod`, [`${name}: spec.replicas is 0, the release has 1`])
  for (const name of ['StatefulSet airflow/airflow-triggerer', 'Deployment airflow/airflow-statsd', 'Deployment airflow/airflow-scheduler']) t.same(causes(none(name), crash), [], name)
  t.same(causes(none('StatefulSet airflow/airflow-postgresql'), crash), ['scaled-to-zero'])
  const gone = (name: string) => found('release-object-missing', 'An object is missing', [`${name} does not exist`])
  t.same(causes(gone('Service airflow/airflow-statsd'), crash), [])
  t.same(causes(gone('ServiceAccount airflow/airflow-webserver'), crash), ['release-object-missing'])
  t.end()
})
