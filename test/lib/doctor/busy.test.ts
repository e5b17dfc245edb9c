/** A node whose processors are all in use. */
import t from 'tap'
import type { NodeUsage } from '../../../lib/access.ts'
import { collect } from '../../../lib/doctor/collect/index.ts'
import { collectUsage } from '../../../lib/doctor/collect/usage.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { container, deployment, event, inManifest, node, pod, ready, release } from '../observe/objects.ts'
import { evidence, long, reader } from './evidence.ts'
import { traefikPod } from './way.ts'

const old = { ...ready, startTime: long, containerStatuses: [container({ ready: true, state: { running: { startedAt: long } } })] }
const named = (name: string, container: string, owner = name) => {
  const made = pod({ name, owner: { kind: 'ReplicaSet', name: owner }, spec: { nodeName: 'home', containers: [{ name: container }] }, status: old })
  return { ...made, metadata: { ...made.metadata, creationTimestamp: long } }
}
const webserver = named('airflow-webserver-6d5b9c7f9-aaaaa', 'webserver', 'airflow-webserver-6d5b9c7f9')
const statsd = named('airflow-statsd-6d5b9c7f9-bbbbb', 'statsd', 'airflow-statsd-6d5b9c7f9')
const transcoder = named('transcoder-6d5b9c7f9-ccccc', 'ffmpeg', 'transcoder-6d5b9c7f9')
const elsewhere = { ...transcoder, metadata: { ...transcoder.metadata, namespace: 'media' } }
const noAnswer = 'Readiness probe failed: Get "http://10.244.0.7:8080/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
const late = (one: typeof webserver, fields: Record<string, unknown> = {}) => event(one, 'Unhealthy', noAnswer, fields)

const busy: NodeUsage = { node: 'home', cores: 3.96, beside: 0.5, pods: [{ namespace: 'media', name: elsewhere.metadata.name, cores: 3.1 }, { namespace: 'airflow', name: webserver.metadata.name, cores: 0.1 }] }
const whole: Partial<Evidence> = { pods: [webserver, statsd], events: [late(webserver), late(statsd)], usages: [busy], consumers: [elsewhere] }
const found = (parts: Partial<Evidence> = {}) => diagnose(evidence({ ...whole, ...parts })).findings.filter(({ id }) => id === 'node-busy')

void t.test('a node without a processor left is told, with who has them all and how to hold it back', (t) => {
  t.match(found(), [{
    severity: 'error', title: 'Node home has no processor left',
    evidence: ['Node home: 4.0 of 4 cores are in use', `Pod media/${elsewhere.metadata.name} uses 3.1`, 'what is no pod, or has only begun, uses 0.5', /^Pod airflow\/airflow-webserver-.* \(3 times\): Readiness probe failed/, /^Pod airflow\/airflow-statsd-/],
    fix: [/^kubectl -n media set resources deployment\/transcoder --requests=cpu=100m --limits=cpu=2000m # Deployment transcoder uses 3\.1 cores/, /^top -b -n 1 .* # on home/],
  }])
  const own: NodeUsage = { ...busy, beside: 3.8, pods: [] }
  t.match(found({ usages: [own], consumers: [] }), [{ evidence: [/4\.0 of 4/, 'what is no pod, or has only begun, uses 3.8', /webserver/, /statsd/], fix: [/^top -b/] }], 'what is no pod has nothing that could be edited')
  t.end()
})

void t.test('nothing is said of a node that has room, of one program that hangs, of a start, or of what is over', (t) => {
  t.same(found({ usages: [{ ...busy, cores: 3.4 }] }), [], 'there is room')
  t.same(found({ usages: undefined }), [], 'nobody knows')
  t.same(found({ record: release({ objects: [], status: 'pending-install' }) }), [], 'Helm is at work, and what it starts keeps the machine busy')
  t.same(found({ events: [late(webserver)] }), [], 'one may hang by itself')
  t.same(found({ events: [late(webserver), late(statsd, { count: 1 })] }), [], 'and another be late once')
  t.same(found({ events: [late(webserver), late(statsd, { firstTimestamp: '2023-08-02T10:29:00Z' })] }), [], 'it has only begun')
  t.same(found({ events: [late(webserver), late(statsd, { lastTimestamp: '2023-08-02T10:24:00Z' })] }), [], 'it is over')
  t.same(found({ events: [late(webserver, { lastTimestamp: '2023-08-02T10:28:40Z' }), late(statsd, { lastTimestamp: '2023-08-02T10:28:50Z' })] }), [], 'nobody has been late for a minute: it is over, and what uses the processors now keeps nobody waiting')
  t.match(found({ events: [late(webserver, { lastTimestamp: '2023-08-02T10:27:00Z' }), late(statsd)] }), [{ id: 'node-busy' }], 'they are late by turns')
  const young = { ...statsd, metadata: { ...statsd.metadata, creationTimestamp: '2023-08-02T10:28:00Z' } }
  t.same(found({ pods: [webserver, young] }), [], 'it is starting')
  t.match(found({ events: [late(webserver), event(statsd, 'Unhealthy', 'Liveness probe failed: ')] }), [{ id: 'node-busy' }], 'but of a command that was ended before it said anything')
  t.same(found({ events: [late(webserver), event(statsd, 'Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503')] }), [], 'it answers')
  t.end()
})

void t.test('a page that gives no answer now, and a late probe that is not its own, are enough', (t) => {
  const silent = (reason: string): Partial<Evidence> => ({ answered: { url: 'https://airflow.home/airflow/health', reason }, events: [late(statsd, { count: 1, firstTimestamp: '2023-08-02T10:29:40Z' })] })
  t.match(found(silent('10.0.0.1:443 took the request and gave no answer within 4 s')), [{ id: 'node-busy' }])
  t.same(found(silent('no answer from 10.0.0.1:443 within 4 s')), [], 'a packet may be lost on the way, and one probe be late')
  t.same(found(silent('connect ECONNREFUSED 10.0.0.1:443')), [], 'nobody listens')
  t.same(found({ ...silent('10.0.0.1:443 took the request and gave no answer within 4 s'), events: [late(webserver)] }), [], 'the webserver alone may hang by itself')
  t.match(found({ ...silent('no answer from 10.0.0.1:443 within 4 s'), events: [late(webserver)] }), [{ id: 'node-busy' }], 'but not keep Traefik from taking the request')
  t.end()
})

void t.test('a page whose connection the machine took, and on which nobody says a word, is enough', (t) => {
  const traefik = traefikPod({ ...old })
  const placed = { ...traefik, spec: { ...(traefik.spec as object), nodeName: 'home' } }
  const beginning = { ...statsd, metadata: { ...statsd.metadata, creationTimestamp: '2023-08-02T10:28:00Z' } }
  const mute = (reason: string, nodeName = 'home'): Partial<Evidence> => ({ answered: { url: 'https://airflow.home/airflow/health', reason }, pods: [webserver, beginning], events: [late(beginning, { count: 1, firstTimestamp: '2023-08-02T10:29:40Z' })], system: [{ ...placed, spec: { ...placed.spec, nodeName } }] })
  const said = '10.0.0.1:443 took the connection and gave no answer within 4 s'
  t.match(found(mute(said)), [{ id: 'node-busy', evidence: [/4\.0 of 4/, /transcoder/, /no pod/, `https://airflow.home/airflow/health: ${said}`] }])
  t.same(found(mute('no answer from 10.0.0.1:443 within 4 s')), [], 'a packet may be lost on the way')
  t.same(found({ ...mute(said), events: [] }), [], 'a balancer that reaches nobody says nothing either')
  t.same(found(mute(said, 'other')), [], 'Traefik is on another node')
  t.same(found({ ...mute(said), usages: [{ ...busy, cores: 3.4 }] }), [], 'there is room')
  t.end()
})

void t.test('a pod that is not ready for being late, and another that was late just now, are enough', (t) => {
  const status = { ...old, conditions: [{ type: 'PodScheduled', status: 'True' }, { type: 'Ready', status: 'False' }] }
  const once = late(webserver, { count: 1, firstTimestamp: '2023-08-02T10:29:40Z' })
  const parts = (...events: ReturnType<typeof event>[]): Partial<Evidence> => ({ pods: [webserver, { ...statsd, status }], events })
  t.match(found(parts(late(statsd, { firstTimestamp: '2023-08-02T10:29:10Z' }), once)), [{ id: 'node-busy' }])
  t.same(found(parts(late(statsd, { firstTimestamp: '2023-08-02T10:29:10Z' }))), [], 'one may hang by itself')
  t.same(found(parts(late(statsd, { firstTimestamp: '2023-08-02T10:26:00Z', lastTimestamp: '2023-08-02T10:27:00Z' }), once)), [], 'it is not ready for another reason by now')
  t.end()
})

void t.test('what comes too late for want of a processor is its symptom, and what fails by itself is not', (t) => {
  const unready = (one: typeof statsd, status: Record<string, unknown> = {}) => ({ ...one, status: { phase: 'Running', conditions: [{ type: 'PodScheduled', status: 'True' }, { type: 'Ready', status: 'False' }], containerStatuses: [container({ name: 'statsd', ready: false, state: { running: { startedAt: long } }, ...status })] } })
  const told = (parts: Partial<Evidence>) => diagnose(evidence({ ...whole, ...parts, record: release({ objects: [] }) })).findings.map(({ id, causes = [] }) => [id, ...causes.map((cause) => cause.id)])
  t.same(told({ pods: [webserver, unready(statsd)] }), [['node-busy'], ['readiness-probe-failing', 'node-busy']])
  const lacking = unready(named('airflow-triggerer-6d5b9c7f9-ddddd', 'triggerer', 'airflow-triggerer-6d5b9c7f9'), { name: 'triggerer', state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "other" not found' } } })
  const owner = deployment('airflow-triggerer', 0)
  const { findings } = diagnose(evidence({ ...whole, pods: [webserver, statsd, lacking], workloads: [owner], record: release({ objects: [inManifest(owner)] }) }))
  t.same(findings.filter(({ causes = [] }) => causes.length === 0).map(({ id }) => id), ['node-busy', 'container-config-error'])
  t.end()
})

void t.test('the kubelet is asked only where probes or the page get no answer in time', async (t) => {
  const asked: string[] = []
  const look = async (events: ReturnType<typeof event>[]) => {
    const { reader: scripted } = reader({ objects: [node(), webserver, elsewhere, ...events], logs: () => '' })
    return collect({ ...scripted, usage: (name) => {
      asked.push(name)
      return Promise.resolve(busy)
    } }, { namespace: 'airflow', release: 'airflow' })
  }
  t.match(await look([]), { usages: undefined })
  t.same(asked, [])
  const onHome = { ...traefikPod(), spec: { containers: [{ name: 'traefik', image: 'traefik:v2.9.10' }], nodeName: 'home' } }
  const mute = (reason: string) => collectUsage({ ...reader({}).reader, usage: () => Promise.resolve({ ...busy, pods: [] }) }, evidence({ system: [onHome], answered: { url: 'https://airflow.home/airflow/health', reason } }))
  t.match(await mute('10.0.0.1:443 took the connection and gave no answer within 4 s'), { usages: [{ node: 'home' }] })
  t.same(await mute('connect ECONNREFUSED 10.0.0.1:443'), {}, 'nobody listens')
  t.match(await look([late(webserver)]), { usages: [busy], consumers: [{ metadata: { name: elsewhere.metadata.name }, spec: undefined }, { metadata: { name: webserver.metadata.name }, spec: undefined }] }, 'of a pod that may be anybody\'s no more than whose it is')
  t.same(asked, ['home'])
})
