import t from 'tap'
import { databaseOf } from '../../../lib/airflow/database.ts'
import { airflowSpec } from '../../../lib/airflow/spec.ts'
import { config } from '../../steps/config.ts'
import { release } from '../observe/objects.ts'

const set = (name: string, container: string, env: { name: string; value?: string }[]) => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name }, spec: { template: { spec: { containers: [{ name: container, env }] } } } })
const bundled = airflowSpec(config())
const external = airflowSpec(config({ airflow: 'database: {external: db.example.org, user: joe, name: meta, password: {env: X}}' }))

void t.test('the chart\'s own PostgreSQL is found by what it is given, whatever it is called', (t) => {
  const official = set('airflow-postgresql', 'postgresql', [{ name: 'POSTGRES_PASSWORD' }, { name: 'POSTGRES_DB', value: 'airflow' }])
  t.same(databaseOf(bundled, release({ objects: [set('airflow-redis', 'redis', [{ name: 'REDIS_PASSWORD' }]), official] })), { namespace: 'airflow', release: 'airflow', database: 'airflow', pod: 'airflow-postgresql-0', container: 'postgresql' })
  const community = set('flow-postgresql', 'flow-postgresql', [{ name: 'POSTGRES_PASSWORD_FILE', value: '/x' }, { name: 'POSTGRES_DB', value: 'meta' }])
  t.match(databaseOf(bundled, release({ objects: [community] })), { database: 'meta', pod: 'flow-postgresql-0', container: 'flow-postgresql' })
  t.equal(databaseOf(bundled, release({ objects: [] })), undefined)
  t.end()
})

void t.test('one elsewhere is reached from a pod that has its password by reference', (t) => {
  const place = databaseOf(external, release({ objects: [] }))
  t.match(place, { database: 'meta', pod: 'airstrip-database-airflow', container: 'client' })
  t.match(place?.client?.spec, { terminationGracePeriodSeconds: 1 }, 'with 0 the next one of this name would be made while this one still ends')
  const spec = place?.client?.spec as { containers: { image: string; env: { name: string; value?: string; valueFrom?: unknown }[] }[] }
  const env = Object.fromEntries(spec.containers[0]?.env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom]) ?? [])
  t.match(env, { PGHOST: 'db.example.org', PGUSER: 'joe', PGPASSWORD: { secretKeyRef: { name: 'airflow-airstrip-postgresql', key: 'password' } } })
  t.equal(spec.containers[0]?.image, 'docker.io/library/postgres:16')
  t.end()
})
