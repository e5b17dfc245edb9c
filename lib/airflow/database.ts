import type { Container } from 'kubernetes-types/core/v1.js'
import type { DatabasePlace, KubernetesObject, Release } from '../access.ts'
import { mainContainersOf } from '../observe/template.ts'
import { familyOfRelease, type Family } from './families.ts'
import { secretNames, type KeySpec } from './keys.ts'
import type { AirflowSpec } from './spec.ts'

/** What every chart of Bitnami's PostgreSQL tells its container, under one of two names. */
const marks = ['POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD', 'POSTGRES_PASSWORD_FILE', 'POSTGRESQL_PASSWORD_FILE']
const databases = ['POSTGRES_DB', 'POSTGRES_DATABASE', 'POSTGRESQL_DATABASE']

/**
 * Where the metadata database of a release is reached: in the pod of the PostgreSQL that the chart
 * brought, told by what its container is given, whatever the chart calls it; else, for a database
 * elsewhere, from a pod of ours. Undefined where there is neither.
 */
export function databaseOf({ keys, release: { name, namespace, values }, client }: AirflowSpec, release: Release): DatabasePlace | undefined {
  const { database } = keys
  const base = { namespace, release: name, database: database.name }
  if (values.database.external !== undefined) return client === undefined ? undefined : { ...base, pod: clientName(name), container: 'client', client: clientPod(client, keys, familyOfRelease(release)) }
  const bundled = bundledDatabase(release)
  if (bundled === undefined) return undefined
  const { set, container } = bundled
  const told = container.env?.find((one) => databases.includes(one.name))?.value
  return { ...base, database: told ?? database.name, pod: `${set.metadata.name}-0`, container: container.name }
}

/** The PostgreSQL that the chart brought, as Helm's record has it. */
function bundledDatabase({ objects }: Pick<Release, 'objects'>): { set: KubernetesObject; container: Container } | undefined {
  for (const set of objects.filter(({ kind }) => kind === 'StatefulSet')) {
    const container = mainContainersOf(set).find(({ env = [] }) => env.some((one) => marks.includes(one.name)))
    if (container !== undefined) return { set, container }
  }
  return undefined
}

/** The tag of its image. */
export function databaseTag(release: Pick<Release, 'objects'>): string | undefined {
  return /:([^:/@]+)(?:@|$)/.exec(bundledDatabase(release)?.container.image ?? '')?.[1]
}

function clientName(release: string): string {
  return `airstrip-database-${release}`
}

/** In seconds. A run that was killed leaves it behind; it then ends by itself, and the next run takes it away. */
const clientSeconds = 6 * 3600

/** Has the password by reference, as all of Airflow has it. */
function clientPod(image: string, { namespace, release, database }: KeySpec, { maker }: Pick<Family, 'maker'>): KubernetesObject {
  const env = [
    ...Object.entries({ PGHOST: database.host, PGPORT: String(database.port), PGUSER: database.user, PGSSLMODE: database.sslmode, HOME: '/tmp' }).map(([name, value]) => ({ name, value })),
    { name: 'PGPASSWORD', valueFrom: { secretKeyRef: maker === 'community' ? { name: secretNames(release).communityPostgresql, key: 'postgresql-password' } : { name: secretNames(release).postgresql, key: 'password' } } },
  ]
  const labels = { 'app.kubernetes.io/managed-by': 'airstrip', 'app.kubernetes.io/component': 'database-client', 'app.kubernetes.io/instance': release }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: clientName(release), namespace, labels },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: clientSeconds,
      // Not 0: the API server would forget it at once, and the kubelet run the next one's commands in what is still ending of this.
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65_534, runAsGroup: 65_534 },
      containers: [{ name: 'client', image, command: ['sleep', String(clientSeconds)], env, securityContext: { allowPrivilegeEscalation: false } }],
    },
  }
}
