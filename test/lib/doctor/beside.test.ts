/** What the prerequisites say, heard beside a release that runs. */
import t from 'tap'
import { ofToday } from '../../../lib/doctor/beside.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { judgeClasses } from '../../../lib/preflight/classes.ts'
import { judgeNodes } from '../../../lib/preflight/nodes.ts'
import { judgePermissions } from '../../../lib/preflight/permissions.ts'
import { judgeDistribution, judgeRuntime } from '../../../lib/preflight/runtime.ts'
import { judgeTraefik } from '../../../lib/preflight/traefik.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Finding } from '../../../lib/step.ts'
import { deployment, inManifest, masterTaint, node, pod, ready, release, storageClass } from '../observe/objects.ts'
import { answers } from './way.ts'
import { evidence, long } from './evidence.ts'

const scheduler = deployment('airflow-scheduler', 1)
const running = release({ objects: [inManifest(scheduler)], updatedAt: long })
const versions = (server: string) => ({ server, kubectl: server, helm: '3.12.0' })

function look(beside: Finding[], parts: Parameters<typeof evidence>[0] = {}) {
  const seen = evidence({ workloads: [scheduler], record: running, versions: versions('1.28.3'), ...parts })
  return diagnose(seen, ofToday(beside, seen))
}

const said = (findings: Finding[]): string[] => findings.map(({ id, severity }) => `${id} ${severity}`)

function of(one: KubernetesObject, info: object): KubernetesObject {
  return { ...one, status: { ...(one.status as object), nodeInfo: { osImage: 'Ubuntu 22.04', kubeletVersion: 'v1.28.3', containerRuntimeVersion: 'containerd://1.7.1', ...info } } }
}

void t.test('advice for an install is past once the release runs', (t) => {
  const kind = of({ ...node(), spec: { providerID: 'kind://docker/kind/kind-control-plane' } }, {})
  const docker = of({ ...node(), metadata: { name: 'minikube', labels: { 'minikube.k8s.io/name': 'minikube' } } }, { containerRuntimeVersion: 'docker://24.0.7' })
  const small = of(node({ allocatable: { cpu: '2', memory: '2000Mi' } }), {})
  for (const one of [kind, docker, small]) {
    const advice = [...judgeNodes([one], {}), ...judgeRuntime([one]), ...judgeDistribution([one], '/srv/airflow')].filter(({ id }) => id !== 'os-not-verified')
    t.ok(advice.length > 0)
    t.match(look(advice, { nodes: [one] }), { healthy: true, findings: [] })
    t.same(said(look(advice, { nodes: [one], record: undefined, release: undefined }).findings), said(advice), 'and not before')
  }
  t.end()
})

void t.test('two default classes stop claims before Kubernetes 1.26, and are a doubt after it', (t) => {
  const classes = [storageClass('local-path', {}, true), storageClass('longhorn', {}, true)]
  const told = (server: string) => said(look(judgeClasses(classes), { classes, versions: versions(server) }).findings)
  t.same(told('1.28.3+k3s1'), ['two-default-storageclasses warning'])
  t.same(told('v1.25.9'), ['two-default-storageclasses error'])
  t.same(said(look(judgeClasses(classes), { classes, record: undefined, release: undefined }).findings), ['two-default-storageclasses error'], 'and before an install')
  t.end()
})

void t.test('a user who may only look is told what an apply would lack, and the release is no worse for it', (t) => {
  const denied = judgePermissions({ incomplete: false, rules: [{ verbs: ['get', 'list', 'watch'], apiGroups: ['*'], resources: ['*'] }] })
  t.match(look(denied), { healthy: true, findings: [{ id: 'permissions-denied', severity: 'warning' }] })
  t.match(look(denied, { record: undefined, release: undefined }), { healthy: false, findings: [{ id: 'permissions-denied', severity: 'error' }] })
  t.end()
})

void t.test('the taint of a control plane counts as far as pods do not tolerate it', (t) => {
  const nodes = [node({ taints: [{ ...masterTaint, effect: 'NoSchedule' }] })]
  const told = (...pods: KubernetesObject[]) => said(look(judgeNodes(nodes, {}).filter(({ id }) => id.startsWith('control-plane')), { nodes, pods }).findings)
  const runs = pod({ spec: { nodeName: 'home' }, status: ready })
  const tolerant = pod({ spec: { nodeName: 'home', tolerations: [{ operator: 'Exists' }] }, status: ready })
  const waits = pod({ name: 'airflow-webserver-1', spec: { nodeName: undefined }, status: { phase: 'Pending' } })
  t.same(told(tolerant), [])
  t.ok(told(runs).includes('control-plane-taint-single-node warning'), 'who runs may stay')
  t.ok(told(runs, waits).includes('control-plane-taint-single-node error'))
  t.end()
})

void t.test('no Traefik is no fault where another way leads to Airflow', (t) => {
  const none = judgeTraefik({ groups: [], resolvers: [] }, 'letsencrypt')
  t.match(look(none), { findings: [{ id: 'traefik-missing' }] })
  t.match(look(none, { answered: answers({}) }), { healthy: true, findings: [], notes: [{ id: 'traefik-missing' }] })
  t.end()
})
