/** A Service of the release leads to its pods: selector, ports, endpoints. */
import type { Pod, Service, ServicePort } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { faults } from '../../../observe/faults.ts'
import { ageMs, isReady, nameOf } from '../../../observe/observation.ts'
import { isTask, lasting, ownerName, workloadOf } from '../../../observe/owners.ts'
import { matchesLabels } from '../../../observe/selector.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { begin } from '../ingress/way.ts'

type Selector = Record<string, string>

const again = 'npx tsx run.ts apply --from helm'

/** Faults of the object itself; pods that are not ready are their own story, and a start. */
export function brokenServices(evidence: Evidence): Finding[] {
  return pairs(evidence).flatMap(({ live, made }) => {
    const faults = [...otherType(live, made), ...selectsOthers(live, made, evidence), ...lostPorts(live, made), ...noEndpoints(live, evidence)]
    if (faults.length === 0) return []
    return [wrong('service-without-endpoints', {
      title: `${nameOf(live)} does not lead to its pods`,
      evidence: faults,
      why: 'Whoever asks the Service (Traefik, or another part of Airflow) reaches nobody.',
      fix: (live as Service).spec?.type === 'ExternalName' ? [again] : [patchOf(live, made), `${again} # does the same`],
    })]
  })
}

/** Each Service of the release as it lives, beside the one that the chart made. */
function pairs({ record, services = [] }: Evidence): { live: KubernetesObject; made: KubernetesObject }[] {
  return (record?.objects ?? []).filter(({ kind }) => kind === 'Service').flatMap((made) => {
    const live = services.find(({ metadata }) => metadata.name === made.metadata.name)
    return live === undefined || live.metadata.deletionTimestamp !== undefined ? [] : [{ live, made }]
  })
}

function selectorOf(object: KubernetesObject): Selector {
  return (object as Service).spec?.selector ?? {}
}

function portsOf(object: KubernetesObject): ServicePort[] {
  return (object as Service).spec?.ports ?? []
}

/** Of such a Service there is a name in the DNS and nothing else; Traefik and its clients are led away. */
function otherType(live: KubernetesObject, made: KubernetesObject): string[] {
  const [{ type, externalName = '' }, wanted] = [(live as Service).spec ?? {}, (made as Service).spec?.type ?? 'ClusterIP']
  return type === 'ExternalName' && wanted !== type ? [`${nameOf(live)} is of type ExternalName and leads to ${externalName}; the chart's is of type ${wanted}`] : []
}

/** The templates of workloads are asked and not the pods alone: those come and go. */
function selectsOthers(live: KubernetesObject, made: KubernetesObject, { pods, workloads }: Evidence): string[] {
  const [selector, wanted] = [selectorOf(live), selectorOf(made)]
  if (JSON.stringify(sorted(selector)) === JSON.stringify(sorted(wanted))) return []
  const right = `the chart's selector is ${words(wanted)}`
  if (Object.keys(selector).length === 0) return [`${nameOf(live)} has no selector any more, so nobody writes down its endpoints; ${right}`]
  const labels = [...pods.map(({ metadata }) => metadata.labels), ...workloads.map((workload) => (workload.spec as { template?: { metadata?: { labels?: Selector } } } | undefined)?.template?.metadata?.labels)]
  const found = labels.filter((one) => matchesLabels({ matchLabels: selector }, one))
  if (found.length === 0) return [`${nameOf(live)} selects ${words(selector)}, which no pod has; ${right}`]
  // Fewer or more labels that lead to the same pods do no harm.
  return found.every((one) => matchesLabels({ matchLabels: wanted }, one)) ? [] : [`${nameOf(live)} selects ${words(selector)}, which other pods have as well; ${right}`]
}

function sorted(selector: Selector): [string, string][] {
  return Object.entries(selector).sort()
}

function words(selector: Selector): string {
  return Object.entries(selector).map(([key, value]) => `${key}=${value}`).join(',')
}

function lostPorts(live: KubernetesObject, made: KubernetesObject): string[] {
  return portsOf(made).flatMap(({ port, targetPort = port }) => {
    const there = portsOf(live).find((one) => one.port === port)
    if (there === undefined) return [`${nameOf(live)} has no port ${port} any more, only ${portsOf(live).map((one) => one.port).join(', ')}`]
    const target = there.targetPort ?? there.port
    return target === targetPort ? [] : [`${nameOf(live)}: port ${port} leads to ${target} of the pods; the chart's leads to ${targetPort}`]
  })
}

/** Ready pods that the endpoints controller has not written down. */
function noEndpoints(live: KubernetesObject, { pods, endpoints, at }: Evidence): string[] {
  const selector = selectorOf(live)
  if (endpoints === undefined || Object.keys(selector).length === 0) return []
  const ready = lasting(pods).filter((pod) => matchesLabels({ matchLabels: selector }, pod.metadata.labels) && isLongReady(pod as Pod, new Date(at)))
  if (ready.length === 0) return []
  const found = endpoints.find(({ metadata }) => metadata.name === live.metadata.name)
  const subsets = (found?.subsets ?? []) as { addresses?: unknown[] }[]
  if (subsets.some(({ addresses = [] }) => addresses.length > 0)) return []
  return [`${nameOf(live)} has no endpoints, while ${ready.map(nameOf).join(', ')} ${ready.length === 1 ? 'is' : 'are'} ready`]
}

function isLongReady({ status }: Pod, now: Date): boolean {
  const condition = status?.conditions?.find(({ type }) => type === 'Ready')
  return condition?.status === 'True' && ageMs(condition.lastTransitionTime, now) > faults['service-without-endpoints'].settleMs
}

/** JSON patch: a merge would leave labels that somebody added to the selector. `add` replaces, and also makes what is gone. */
function patchOf(live: KubernetesObject, made: KubernetesObject): string {
  const patch = [
    { op: 'add', path: '/spec/selector', value: selectorOf(made) },
    { op: 'add', path: '/spec/ports', value: portsOf(made) },
  ]
  return `kubectl -n ${live.metadata.namespace ?? 'default'} patch service ${live.metadata.name} --type json -p '${JSON.stringify(patch)}'`
}

/** A pod of somebody else's with the labels that a Service selects gets its part of the requests. */
export function foreignPods(evidence: Evidence): Finding[] {
  const made = new Set((evidence.record?.objects ?? []).map(({ kind, metadata }) => `${kind} ${metadata.name}`))
  const isOurs = (pod: KubernetesObject): boolean => isTask(pod) || made.has(ownerName(pod))
  return pairs(evidence).flatMap(({ live }): Finding[] => {
    const selector = selectorOf(live)
    const behind = Object.keys(selector).length === 0 ? [] : lasting(evidence.pods).filter((pod) => isReady(pod) && matchesLabels({ matchLabels: selector }, pod.metadata.labels))
    const [own, foreign] = [behind.filter(isOurs), behind.filter((pod) => !isOurs(pod))]
    const [first] = foreign
    // Where none is the release's own, its selector was changed, or those have gone.
    if (first === undefined || own.length === 0) return []
    const owner = workloadOf(first)
    return [wrong('service-without-endpoints', {
      title: `${nameOf(live)} leads to ${ownerName(first)} as well, which is not of the release`,
      evidence: [`not of the release, with the labels ${words(selector)}: ${foreign.map(nameOf).join(', ')}`, `of the release, with only a part of the requests: ${own.map(nameOf).join(', ')}`],
      why: 'A Service gives its requests to every pod with its labels, whoever made it.',
      fix: [owner === undefined ? `kubectl -n ${evidence.namespace} label pod ${first.metadata.name} ${Object.keys(selector).at(-1) ?? ''}- # or another namespace for it` : `kubectl -n ${evidence.namespace} edit ${owner.kind.toLowerCase()} ${owner.name} # other labels for its pods, or another namespace`],
    })]
  })
}

const rolloutMs = 120_000

/** In a rollout a request may meet a pod that has just ended. */
function comesOrGoes({ metadata: { creationTimestamp, deletionTimestamp } }: KubernetesObject, now: Date): boolean {
  return deletionTimestamp !== undefined || ageMs(creationTimestamp, now) < rolloutMs
}

/** Traefik has a pod to ask and gets nothing of it. While no pod is ready that is only a start. */
export function gateway(evidence: Evidence): Finding[] {
  const { answered, wanted, services = [], at } = evidence
  if (wanted === undefined || answered === undefined || !('answer' in answered) || ![502, 503, 504].includes(answered.answer.status)) return []
  const service = services.find(({ metadata }) => metadata.name === wanted.service)
  if (service === undefined || [...brokenServices(evidence), ...foreignPods(evidence)].some(({ title }) => title.startsWith(nameOf(service)))) return []
  const now = new Date(at)
  const behind = evidence.pods.filter((pod) => matchesLabels({ matchLabels: selectorOf(service) }, pod.metadata.labels))
  const ready = lasting(behind).filter((pod) => isLongReady(pod as Pod, now))
  if (ready.length === 0 || behind.some((pod) => comesOrGoes(pod, now))) return []
  return [wrong('service-without-endpoints', {
    title: 'Traefik does not get an answer from the webserver',
    evidence: [`${answered.url} answers ${answered.answer.status}: ${begin(answered.answer.body)}`, `${ready.map(nameOf).join(', ')} ${ready.length === 1 ? 'is' : 'are'} ready behind ${nameOf(service)}`],
    why: 'The pods are well and their node asks them for their health, but Traefik does not reach them: the route\'s or the Service\'s port, a NetworkPolicy, or the network between nodes.',
    fix: [`kubectl -n ${evidence.namespace} get endpoints ${wanted.service} -o wide; kubectl -n ${evidence.namespace} get networkpolicies`],
  })]
}
