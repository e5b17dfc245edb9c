import t from 'tap'
import { judgeClasses } from '../../../lib/preflight/classes.ts'
import { noNode } from '../../../lib/preflight/folders.ts'
import { judgeNodes } from '../../../lib/preflight/nodes.ts'
import { judgePermissions } from '../../../lib/preflight/permissions.ts'
import { judgeDistribution, judgeRuntime } from '../../../lib/preflight/runtime.ts'
import { judgeTraefik, missingTraefik } from '../../../lib/preflight/traefik.ts'
import { judgeVersions } from '../../../lib/preflight/versions.ts'
import { judgeImmutable } from '../../../lib/preflight/volumes.ts'
import { families } from '../../../lib/airflow/families.ts'
import { guardDowngrade, guardRelease } from '../../../lib/airflow/guard.ts'
import { judgeLock } from '../../../lib/airflow/lock.ts'
import { storageObjects } from '../../../lib/manifest/storage.ts'
import { judgeAnswer, judgeRedirect } from '../../../lib/observe/answer.ts'
import { judgeCertificate } from '../../../lib/observe/certificate.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Finding } from '../../../lib/step.ts'
import { program, read } from '../../rules/source.ts'
import { claim, masterTaint, node, now, release, storageClass } from '../observe/objects.ts'

const bad = (fields: Parameters<typeof node>[0], nodeInfo: Record<string, unknown> = {}): KubernetesObject => {
  const object = node(fields)
  return { ...object, spec: { ...(object.spec as object), providerID: 'kind://x' }, status: { ...(object.status as object), nodeInfo: { osImage: 'Debian', kubeletVersion: 'v1.27.4', containerRuntimeVersion: 'docker://24', ...nodeInfo } } }
}
const wish = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1' }, timeoutSeconds: 1, values: { executor: 'DaskExecutor', fernetKeySecretName: 'ours' } }
const made = (version: string, image: string) => release({ chart: { name: 'airflow', version, appVersion: '2.5.3' }, objects: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'airflow-postgresql', namespace: 'airflow' }, spec: { template: { spec: { containers: [{ name: 'postgresql', image, env: [{ name: 'POSTGRES_PASSWORD' }] }] } } } }] })
const intent = { wish, family: families[0], executor: 'DaskExecutor' }
const spec = { namespace: 'airflow', path: '/srv/airflow', dagsSize: '1Gi', logsSize: '10Gi', image: 'x' }
const question = { host: 'home.example.org', path: '/airflow', prefix: 'strip' as const, namespace: 'airflow', route: 'airflow-webserver', healthPath: '/health' }
const answer = (status: number, body: string, headers = {}) => ({ status, body, headers })
const certificate = { subject: 'x', issuer: 'y', validTo: '2030-01-01T00:00:00Z', names: [] }

/** Every finding of the preflight, the guard and the request through the ingress. */
const findings: Finding[] = [
  ...judgeNodes([], {}),
  ...judgeNodes([bad({ conditions: [{ type: 'Ready', status: 'False' }, { type: 'DiskPressure', status: 'True' }], taints: [masterTaint], allocatable: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '1Gi' } })], { os: 'ubuntu' }),
  ...judgeNodes([bad({})], {}),
  ...judgeRuntime([bad({}), bad({}, { kubeletVersion: 'v1.27.4+k3s1' })]),
  ...judgeDistribution([bad({})], '/srv/airflow'),
  ...judgeDistribution([node({ labels: { 'minikube.k8s.io/name': 'x' } })], '/srv/airflow'),
  ...judgeClasses([storageClass('a', {}, true), storageClass('b', {}, true)]),
  ...judgePermissions({ rules: [], incomplete: false }),
  ...judgePermissions({ rules: [], incomplete: true }),
  ...judgeVersions({ server: 'dev', kubectl: '', helm: '' }, '1.10.0', {}),
  ...judgeVersions({ server: 'v1.20.0', kubectl: 'v1.30.0', helm: 'v3.19.0' }, '1.10.0', {}),
  ...judgeVersions({ server: 'v1.20.0', kubectl: 'v1.20.0', helm: 'v3.5.0' }, '1.6.0', { kubernetes: '1.22' }),
  ...judgeTraefik({ groups: [], resolvers: [] }, 'x'),
  ...judgeTraefik({ groups: ['traefik.io'], resolvers: [] }, 'x'),
  ...judgeTraefik({ groups: ['traefik.io'], workload: 'a/b', version: '2.0.0', resolvers: [] }, 'x'),
  ...judgeTraefik({ groups: ['traefik.io'], workload: 'a/b', version: '3.0.0', resolvers: ['y'] }, 'x'),
  missingTraefik({ groups: [], resolvers: [] }),
  noNode([]),
  ...judgeImmutable(storageObjects(spec), storageObjects({ ...spec, path: '/mnt' })),
  ...guardRelease(intent, release(), { secrets: [], databaseClaim: claim(), externalDatabase: false, passwordGiven: false }),
  ...guardRelease(intent, made('8.7.1', ''), { secrets: [], externalDatabase: false, passwordGiven: false }),
  ...guardRelease(intent, made('1.0.0', 'docker.io/bitnami/postgresql:9'), { secrets: [], externalDatabase: false, passwordGiven: false }),
  ...guardDowngrade('2.5.1', release({ chart: { name: 'airflow', version: '1.10.0', appVersion: '2.6.2' } }), { stopped: {} }),
  ...guardRelease(intent, undefined, { secrets: [], externalDatabase: true, passwordGiven: false }),
  ...[judgeLock(release({ status: 'pending-install' }), { leaseDurationSeconds: 90_000 }, true, now)].flatMap((verdict) => (verdict.state === 'held' ? [verdict.finding] : [])),
  ...[answer(404, '404 page not found\n'), answer(404, 'Apache Airflow is not at this location')].flatMap((one) => {
    const look = judgeAnswer(question, one, now)
    return look.state === 'failed' ? look.findings : []
  }),
  ...judgeRedirect(question, answer(302, '', { location: 'http://home.example.org/login' })),
  ...[{ ...certificate, subject: 'TRAEFIK DEFAULT CERT' }, { ...certificate, validTo: '2020-01-01T00:00:00Z' }, certificate].flatMap((one) => judgeCertificate('home.example.org', one, now)),
]

void t.test('every finding has an id, evidence, a reason and a fix', (t) => {
  for (const { id, title, evidence, why, fix } of findings) {
    t.match(id, /^[a-z0-9]+(-[a-z0-9]+)+$/)
    t.ok(title.length > 8 && !/undefined|\[object|NaN/.test(title), `${id}: ${title}`)
    t.ok(evidence.length > 0 && evidence.every((line) => line.trim() !== '' && !/undefined|\[object|NaN/.test(line)), `${id} has evidence: ${evidence.join(' | ')}`)
    t.match(why, /^.{15,}\.$/, `${id} has a reason`)
    t.ok(fix.length > 0 && fix.every((line) => line.trim().length > 8 && !/undefined|\[object|NaN/.test(line)), `${id} has a fix: ${fix.join(' | ')}`)
  }
  t.end()
})

void t.test('no finding of the preflight is left out of the test above', (t) => {
  const known = new Set(findings.map(({ id }) => id))
  // Those of the files that have a test of their own, which hold them against the cluster, the repository or the registry that they are about.
  const elsewhere = ['adopt', 'backup', 'choice', 'fits', 'vet', 'images'].map((name) => `lib/airflow/${name}.ts`)
  const text = program.filter((path) => /^lib\/(preflight|airflow)\//.test(path) && !elsewhere.includes(path)).map(read).join('\n')
  const written = [...text.matchAll(/(?:(?:error|warning)\('|id: ')([a-z0-9-]+)',(?:\s+severity| \{)/g)].map(([, id]) => id ?? '')
  t.ok(written.length > 15)
  t.same(written.filter((id) => !known.has(id)), [])
  t.end()
})
