/** A site as the lab has it after a whole run: Traefik 2.9 that answers, the route that airstrip wrote, a webserver behind its Service. */
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { diagnose, type Diagnosis } from '../../../lib/doctor/diagnose.ts'
import { networkRules } from '../../../lib/doctor/rules/network.ts'
import { ingressRules } from '../../../lib/doctor/rules/ingress.ts'
import { ingressObjects } from '../../../lib/manifest/ingress.ts'
import type { HttpsAnswer, KubernetesObject } from '../../../lib/access.ts'
import { inManifest, pod, ready, release, workload } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const host = 'home.example.org'
export const service = 'airflow-webserver'
export const wanted: NonNullable<Evidence['wanted']> = {
  chart: 'apache-airflow/airflow', executor: 'KubernetesExecutor', storagePath: '/srv/airflow', host, path: '/airflow', prefix: 'strip',
  certResolver: 'letsencrypt', entryPoint: 'websecure', family: 'official-2', healthPath: '/health', route: service, service, bundledDatabase: true, fernetSecretName: 'airflow-airstrip-fernet-key',
}

export const group = 'traefik.containo.us'
/** Of a group: IngressRoute and Middleware. */
export const definitions = (of: string): KubernetesObject[] => ['ingressroutes', 'middlewares'].map((kind) => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${kind}.${of}` } }))

export function routes(edit: Record<string, unknown> = {}, of = group): KubernetesObject[] {
  return ingressObjects({ ...wanted, namespace: 'airflow' }, of).map((object) => ({
    ...object, metadata: { ...object.metadata, creationTimestamp: long }, ...(object.kind === 'IngressRoute' ? { spec: { ...(object.spec as object), ...edit } } : {}),
  }))
}

/** One rule of a route, as airstrip writes it but for what is edited. */
export const rule = (edit: Record<string, unknown>): Record<string, unknown> => ({
  routes: [{ kind: 'Rule', match: `Host(\`${host}\`) && PathPrefix(\`/airflow\`)`, middlewares: [{ name: service }], services: [{ name: service, port: 8080 }], ...edit }],
})

export function traefik({ image = 'docker.io/library/traefik:v2.9.10', replicas = 1, available, args = ['--entrypoints.web.address=:80', '--entrypoints.websecure.address=:443', '--providers.kubernetescrd', '--certificatesresolvers.letsencrypt.acme.storage=/data/acme.json'] }: { image?: string; replicas?: number; available?: number; args?: string[] } = {}): KubernetesObject {
  const deployment = workload('Deployment', 'traefik', { replicas, updatedReplicas: replicas, readyReplicas: available ?? replicas, availableReplicas: available ?? replicas }, { replicas, template: { metadata: { labels: { app: 'traefik' } }, spec: { containers: [{ name: 'traefik', image, args }] } } })
  return { ...deployment, metadata: { ...deployment.metadata, namespace: 'traefik' } }
}

export function traefikPod(status: Record<string, unknown> = ready, image = 'docker.io/library/traefik:v2.9.10'): KubernetesObject {
  const object = pod({ name: 'traefik-7d9f-abcde', owner: { kind: 'ReplicaSet', name: 'traefik-7d9f' }, labels: { 'pod-template-hash': '7d9f', 'app': 'traefik' }, spec: { containers: [{ name: 'traefik', image }] }, status })
  return { ...object, metadata: { ...object.metadata, namespace: 'traefik' } }
}

const labels = { tier: 'airflow', component: 'webserver', release: 'airflow' }

export const makeService = (spec: Record<string, unknown> = {}): KubernetesObject => ({
  apiVersion: 'v1', kind: 'Service', metadata: { name: service, namespace: 'airflow' },
  spec: { type: 'ClusterIP', selector: labels, ports: [{ name: 'airflow-ui', port: 8080, protocol: 'TCP', targetPort: 8080 }], ...spec },
})

export const makeEndpoints = (subsets?: unknown[]): KubernetesObject => ({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: service, namespace: 'airflow' }, ...(subsets === undefined ? {} : { subsets }) })

const readySince = { ...ready, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: long }] }

export function webPod(fields: { status?: Record<string, unknown>; container?: Record<string, unknown> } = {}): KubernetesObject {
  return pod({
    name: 'airflow-webserver-6f8-web01', owner: { kind: 'ReplicaSet', name: 'airflow-webserver-6f8' }, labels: { ...labels, 'pod-template-hash': '6f8' },
    spec: { containers: [{ name: 'webserver', image: 'apache/airflow:2.6.2', readinessProbe: { httpGet: { path: '/health', port: 8080 } }, ...fields.container }] }, status: fields.status ?? readySince,
  })
}

export const webserver = (container: Record<string, unknown> = {}): KubernetesObject =>
  workload('Deployment', service, { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 }, { template: { metadata: { labels }, spec: { containers: [{ name: 'webserver', readinessProbe: { httpGet: { path: '/health', port: 8080 } }, ...container }] } } })

export const healthy: HttpsAnswer = {
  status: 200, headers: {}, body: '{"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}}',
  certificate: { subject: host, issuer: 'R3', validTo: '2023-10-20T00:00:00.000Z', names: [host] },
}
export const byDefault = { subject: 'TRAEFIK DEFAULT CERT', issuer: 'TRAEFIK DEFAULT CERT', validTo: '2024-08-01T00:00:00.000Z', names: [] }
export const unrouted: HttpsAnswer = { status: 404, headers: {}, body: '404 page not found\n', certificate: byDefault }

export const answers = (answer: Partial<HttpsAnswer>): Evidence['answered'] => ({ url: `https://${host}/airflow/health`, answer: { ...healthy, ...answer } })
export const silent = (reason: string): Evidence['answered'] => ({ url: `https://${host}/airflow/health`, reason })

export const saysTraefik = (...lines: string[]): Evidence['logs'] => [{ namespace: 'traefik', pod: 'traefik-7d9f-abcde', container: 'traefik', previous: false, lines }]

export function site(parts: Partial<Evidence> = {}): Evidence {
  return evidence({
    wanted, definitions: definitions(group), routes: routes(), system: [traefik(), traefikPod()], pods: [webPod()], workloads: [webserver()],
    services: [makeService()], endpoints: [makeEndpoints([{ addresses: [{ ip: '10.244.0.9' }], ports: [{ name: 'airflow-ui', port: 8080 }] }])],
    record: release({ objects: [inManifest(webserver()), makeService()], updatedAt: long }), answered: answers({}), networkPolicies: [], ...parts,
  })
}

/** Only these two areas, so that a test says what they alone find. */
export function judged(parts: Partial<Evidence> = {}): Diagnosis {
  return diagnose(site(parts), [], [...networkRules, ...ingressRules])
}

/** `id severity`, roots only. */
export function roots(parts: Partial<Evidence> = {}): string[] {
  return judged(parts).findings.filter(({ causes = [] }) => causes.length === 0).map(({ id, severity }) => `${id} ${severity}`)
}
