import t from 'tap'
import type { KubernetesObject } from '../../lib/access.ts'
import { prereq } from '../../steps/01-prereq.ts'
import { clusterReader, type Cluster } from '../fakes/reader.ts'
import { masterTaint, node } from '../lib/observe/objects.ts'
import { config, type Sections } from './config.ts'

function machine(fields: Parameters<typeof node>[0] = {}): KubernetesObject {
  const object = node(fields)
  return { ...object, status: { ...(object.status as object), nodeInfo: { osImage: 'Ubuntu 20.04.6 LTS', kubeletVersion: 'v1.22.8', containerRuntimeVersion: 'containerd://1.6.20' } } }
}

const traefik: KubernetesObject[] = [
  { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'ingressroutes.traefik.io' } },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'traefik', namespace: 'traefik' }, spec: { template: { spec: { containers: [{ name: 'x', image: 'traefik:v2.10' }] } } } },
]
const good: Cluster = {
  objects: [machine(), ...traefik],
  versions: { server: 'v1.22.8', kubectl: 'v1.22.0', helm: 'v3.9.4' },
  permissions: { rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], incomplete: false },
  addresses: ['192.0.2.1'],
}

const check = (cluster: Cluster = {}, sections: Sections = { airflow: 'version: 1.8.0' }) => prereq.check(prereq.spec(config(sections)), clusterReader({ ...good, ...cluster }))

void t.test('a good cluster is satisfied, with its versions as evidence', async (t) => {
  t.strictSame(await check(), { state: 'satisfied', evidence: ['Kubernetes v1.22.8, kubectl v1.22.0, Helm v3.9.4', 'kubernetes, 1 node'], warnings: [] })
})

void t.test('who may not write is told so, whatever else was seen or could not be', async (t) => {
  const reader = clusterReader({ ...good, permissions: { rules: [], incomplete: false } })
  t.match(await prereq.check(prereq.spec(config()), reader), { state: 'blocked', findings: [{ id: 'permissions-denied' }] })
  const blind = { ...reader, list: () => Promise.reject(new Error('forbidden')) }
  t.match(await prereq.check(prereq.spec(config()), blind), { state: 'blocked', findings: [{ id: 'permissions-denied' }] })
})

void t.test('what later steps would stumble over blocks, everything at once, with the warnings beside it', async (t) => {
  const found = await check({ objects: [machine({ taints: [masterTaint] })], addresses: [] }, { require: 'os: debian' })
  t.match(found, { state: 'blocked', findings: [{ id: 'control-plane-taint-single-node' }, { id: 'os-required' }] })
  t.same(found.warnings?.map(({ id }) => id), ['chart-kubernetes-skew', 'traefik-missing', 'host-unresolved'])
})

void t.test('what only warns does not block', async (t) => {
  t.match(await check({ versions: { server: 'v1.24.0', kubectl: 'v1.24.0', helm: 'v3.19.0' } }), { state: 'satisfied', warnings: [{ id: 'kubernetes-not-verified' }, { id: 'helm-kubernetes-skew' }] })
})

void t.test('it has nothing to verify and changes nothing', async (t) => {
  t.match(await prereq.verify(prereq.spec(config()), clusterReader()), { state: 'done' })
  await t.rejects(Promise.resolve(prereq.apply([] as never, {} as never)), /changes nothing/)
})
