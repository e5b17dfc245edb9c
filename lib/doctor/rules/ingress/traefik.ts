/** Whether Traefik is there, runs, reads the group of the route, and answers. */
import type { Pod, Service } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import { healthUrl } from '../../../observe/answer.ts'
import { observeCrash } from '../../../observe/crash.ts'
import { eventsAbout } from '../../../observe/events.ts'
import { faults } from '../../../observe/faults.ts'
import { type Context, type Failed, ageMs, fixOf, inNamespace, isReady, nameOf, type Observation } from '../../../observe/observation.ts'
import { podsOf } from '../../../observe/owners.ts'
import { observe } from '../../../observe/registry.ts'
import { keepsEnding } from '../../../observe/restless.ts'
import { matchesLabels } from '../../../observe/selector.ts'
import { mainContainersOf, templateOf } from '../../../observe/template.ts'
import { runs, traefikGroups, type Traefik } from '../../../preflight/traefik.ts'
import type { Finding } from '../../../step.ts'
import { hasConnected, hasTaken, noAnswer } from '../../answered.ts'
import { type Evidence, viewOf } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'
import { lastWords } from '../../unready.ts'
import { whoBlocks } from '../database/superuser.ts'
import { begin, inTheWay, isExpected, isOff, isTraefiks404, logCommand, type Way, wayOf } from './way.ts'

const again = 'npx tsx run.ts apply --only ingress'

export function traefikMissing(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  if (way === undefined || way.works) return []
  const { workload, version, groups } = way.traefik
  const lacking = groups.length > 0 ? middlewaresLacking(way, evidence) : [traefikGroups.map((group) => `ingressroutes.${group}`).join(' or ')]
  if (lacking.length === 0) return []
  const say = workload !== undefined || isExpected(evidence) ? inTheWay(evidence) : doubtful
  return [say('traefik-missing', {
    title: workload === undefined && groups.length === 0 ? 'The cluster has no Traefik: its kinds are not known here' : 'Traefik\'s custom resources are not installed',
    evidence: [...lacking.map((name) => `no CustomResourceDefinition ${name}`), ...(workload === undefined ? [] : [`${workload} runs Traefik ${version ?? 'of an unknown version'}`])],
    why: 'Step ingress writes a Middleware and an IngressRoute, and Traefik reads nothing else of it.',
    fix: workload === undefined && groups.length === 0
      ? ['helm repo add traefik https://traefik.github.io/charts && helm upgrade --install traefik traefik/traefik -n traefik --create-namespace # or leave the step out: --skip ingress', again]
      : [definitionsCommand(version ?? (way.group === 'traefik.io' ? '3.0.0' : '2.9.0')), again],
  })]
}

/** Where only that kind is gone, with all objects of it, the route stays and leads nowhere. */
function middlewaresLacking({ wanted, group }: Way, { definitions = [] }: Evidence): string[] {
  const names = definitions.map(({ metadata }) => metadata.name)
  return wanted.prefix !== 'strip' || group === undefined || names.includes(`middlewares.${group}`) ? [] : [`middlewares.${group}`]
}

/** They are there by name, and the API server knows none of their objects. */
export function namesTaken(evidence: Evidence): Finding[] {
  const own = (evidence.definitions ?? []).filter(({ metadata }) => traefikGroups.some((group) => metadata.name.endsWith(`.${group}`)))
  return own.flatMap((definition) => {
    const look = observe(definition, viewOf(evidence))
    return look.state === 'failed' ? [look.finding] : []
  })
}

/** As Traefik's documentation has it. */
function definitionsCommand(version: string): string {
  const [major = '2', minor = '9'] = version.split('.')
  return `kubectl apply -f https://raw.githubusercontent.com/traefik/traefik/v${major}.${minor}/docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml`
}

/** For a start; an image that is big and a line that is slow take their time. */
const slowMs = 300_000

export function traefikNotRunning(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  if (way === undefined || way.works || way.traefik.groups.length === 0) return []
  const { workload, answer } = way
  if (workload === undefined) return answer !== undefined ? [] : [noWorkload(evidence)]
  const trouble = isOff(workload) ? { text: off(workload), settled: true } : unready(workload, evidence)
  // A start that nobody waits for is no news; where the route was served before, it is why nothing comes back.
  if (trouble === undefined || (!trouble.settled && (answer !== undefined || !isExpected(evidence)))) return []
  const say = answer === undefined && trouble.settled ? inTheWay(evidence) : doubtful
  return [say('traefik-not-running', { ...trouble.text, evidence: [...trouble.text.evidence, ...noAnswer(evidence)] })]
}

type Text = Parameters<typeof wrong>[1]

function off(workload: KubernetesObject): Text {
  return {
    title: `Traefik is scaled to no pod: ${nameOf(workload)}`,
    evidence: [`${nameOf(workload)}: spec.replicas is 0`],
    why: 'Without a pod of Traefik nobody listens for the host.',
    fix: [`kubectl ${inNamespace(workload)} scale ${workload.kind.toLowerCase()} ${workload.metadata.name} --replicas=1`],
  }
}

function unready(workload: KubernetesObject, evidence: Evidence): { text: Text; settled: boolean } | undefined {
  const of = (kind: string): KubernetesObject[] => evidence.system.filter((object) => object.kind === kind)
  const context = { ...viewOf(evidence), pods: [...evidence.pods, ...of('Pod')], events: [...evidence.events, ...of('Event')], replicaSets: undefined }
  const look = observe(workload, context)
  if (look.state === 'done') return undefined
  const pods = podsOf(workload, context.pods)
  const since = Math.min(...pods.map(({ metadata }) => ageMs(metadata.creationTimestamp, context.now)))
  const ended = pods.flatMap((pod) => endsOf(pod, context))[0]
  if (ended !== undefined) return { text: withLog(notReady(workload, ended), pods, evidence), settled: true }
  return { text: notReady(workload, look), settled: since >= (look.state === 'failed' ? faults[look.finding.id].settleMs : slowMs) }
}

/** Enough to tell of: no wait ends for it, and it stands on nothing that could still come. */
const tellingRestarts = 2

function endsOf(pod: KubernetesObject, { events, now }: Pick<Context, 'events' | 'now'>): Failed[] {
  return ((pod as Pod).status?.containerStatuses ?? []).flatMap((status) => {
    const last = status.lastState?.terminated
    const between = last !== undefined && keepsEnding(status, now) ? { ...status, state: { terminated: last } } : status
    return observeCrash(pod, between, eventsAbout(pod, events), now, { restarts: tellingRestarts }) ?? []
  })
}

function withLog(text: Text, pods: readonly KubernetesObject[], evidence: Evidence): Text {
  return { ...text, evidence: [...text.evidence, ...lastWords(pods.filter((pod) => !isReady(pod)), evidence)] }
}

function notReady(workload: KubernetesObject, look: Exclude<Observation, { state: 'done' }>): Text {
  if (look.state === 'failed') {
    const { title, evidence, why, fix } = look.finding
    return { title: `Traefik does not run: ${title}`, evidence, why, fix: [...fix, `kubectl ${inNamespace(workload)} rollout undo ${workload.kind.toLowerCase()}/${workload.metadata.name} # where it ran before its last change`] as NonEmpty<string> }
  }
  return {
    title: `Traefik is not ready: ${nameOf(workload)}`,
    evidence: [`${nameOf(workload)}: ${look.reason}`],
    why: 'Without a ready pod of Traefik nobody listens for the host.',
    fix: [`kubectl ${inNamespace(workload)} describe pods && kubectl ${inNamespace(workload)} logs ${workload.kind.toLowerCase()}/${workload.metadata.name} --tail=50`],
  }
}

function noWorkload(evidence: Evidence): Finding {
  return (isExpected(evidence) ? wrong : doubtful)('traefik-not-running', {
    title: 'No workload on the cluster runs a traefik image',
    evidence: ['looked at all Deployments and DaemonSets', ...noAnswer(evidence)],
    why: 'Its custom resources are there, but nothing that reads them was found.',
    fix: ['helm repo add traefik https://traefik.github.io/charts && helm upgrade --install traefik traefik/traefik -n traefik --create-namespace # or start the one that there was'],
  })
}

export function groupMismatch(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  const version = way?.traefik.version
  if (way === undefined || version === undefined || way.works || way.traefik.groups.length === 0) return []
  const { traefik, wanted, group, workload } = way
  // What never ran has no version that could be wrong.
  if (workload !== undefined && !runs(workload)) return []
  const ours = (evidence.routes ?? []).filter(({ kind, metadata }) => kind === 'IngressRoute' && metadata.name === wanted.route && metadata.namespace === evidence.namespace)
  if (group !== undefined && (way.route !== undefined || ours.length === 0)) return []
  const back = workload === undefined ? [] : [`kubectl ${inNamespace(workload)} rollout undo ${workload.kind.toLowerCase()}/${workload.metadata.name} # where another version was meant`]
  return [inTheWay(evidence)('traefik-crd-group-mismatch', {
    title: group === undefined ? `Traefik ${version} does not read ${traefik.groups.join(', ')}, the only group on this cluster` : `The route is in a group that Traefik ${version} does not read`,
    evidence: [
      `${traefik.workload ?? ''} runs Traefik ${version}, which reads ${readBy(traefik)}`,
      `groups with IngressRoute on this cluster: ${traefik.groups.join(', ')}`,
      ...ours.map((route) => `${nameOf(route)} is in ${route.apiVersion}`),
    ],
    why: 'Traefik before 2.10 reads traefik.containo.us only, from 3.0 on traefik.io only; a route in the other group is ignored without a word.',
    fix: [...(group === undefined ? [definitionsCommand(version)] : []), again, ...back] as NonEmpty<string>,
  })]
}

function readBy({ version = '' }: Traefik): string {
  return Number(version.split('.')[0]) >= 3 ? 'traefik.io' : 'traefik.containo.us'
}

/** Traefik runs, and yet no request comes back, or something else answers. */
export function unproven(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  const { answered } = evidence
  if (way === undefined || answered === undefined || way.works || !isExpected(evidence)) return []
  const { wanted, answer } = way
  const open = `Open https://${wanted.host}${wanted.path} from outside`
  if ('reason' in answered && hasTaken(evidence)) {
    return [doubtful('ingress-unproven', {
      title: `Airflow takes long to answer at https://${wanted.host}${wanted.path}`,
      evidence: [`${answered.url}: ${answered.reason}`],
      why: 'Traefik has the request and waits for the webserver, which is busy, or waits for its database itself.',
      fix: fixOf(whoBlocks(evidence), `kubectl -n ${evidence.namespace} logs deployment/${wanted.service} --tail=30 # what it is at`),
    })]
  }
  if ('reason' in answered) return unanswered(way, `${answered.url}: ${answered.reason}`, evidence)
  if (answer === undefined || isTraefiks404(answer) || [502, 503, 504].includes(answer.status) || answer.body.startsWith('Apache Airflow is not')) return []
  return [doubtful('ingress-unproven', {
    title: `Something else than Airflow's health answers at https://${wanted.host}${wanted.path}`,
    evidence: [`${answered.url} answers ${answer.status}: ${begin(answer.body)}`, ...(answer.headers.location === undefined ? [] : [`it leads to ${answer.headers.location}`])],
    why: 'Another server has that address (a router that answers for its own public name), a login stands in front, or Airflow itself fails.',
    fix: [`curl -ksi ${healthUrl(wanted)}`, `${open}, or write ingress.address: IP:PORT of Traefik`],
  })]
}

function unanswered(way: Way, line: string, evidence: Evidence): Finding[] {
  const { wanted: { address, host, path } } = way
  if (address === undefined) {
    return [doubtful('ingress-unproven', {
      title: `https://${host}${path} could not be asked from here`,
      evidence: [line],
      why: 'No request reached the route from this machine; many routers do not lead their own public name back inside.',
      fix: [`Open https://${host}${path} from outside, or write ingress.address: IP:PORT of Traefik so that it can be asked`],
    })]
  }
  // While Traefik starts that is the reason, and no error yet.
  const starting = way.workload !== undefined && observe(way.workload, viewOf(evidence)).state !== 'done'
  const isMute = hasConnected(evidence)
  const services = 'kubectl get services -A # at which address and port Traefik is; then correct ingress.address'
  return [(starting ? doubtful : wrong)('ingress-unproven', {
    title: isMute ? `What listens at ${address} takes the connection and says nothing` : `Nobody answers at ${address}, where ingress.address says that Traefik is`,
    evidence: [line],
    why: isMute ? 'Traefik hangs, or it is something else that listens there: a balancer that does not reach Traefik, or a program that speaks no TLS.' : 'Traefik listens at another address or port, a firewall is between, or it does not run.',
    fix: isMute ? [logCommand(way), services] : [services, logCommand(way)],
  })]
}

export function loadBalancer(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  // Where it listens at the node's own address it needs no other, and that nobody answers this machine says nothing of it.
  if (way === undefined || way.answer !== undefined || hasTaken(evidence) || listensOnNode(way.workload)) return []
  const template = (way.workload?.spec as { template?: { metadata?: { labels?: Record<string, string> } } } | undefined)?.template?.metadata?.labels
  const [node] = evidence.nodes ?? []
  const address = ((node?.status as { addresses?: { type: string; address: string }[] } | undefined)?.addresses ?? []).find(({ type }) => type === 'InternalIP')?.address ?? 'NODE_IP'
  const services = [...evidence.system, ...(evidence.services ?? [])].filter((object) => object.kind === 'Service' && object.metadata.namespace === way.workload?.metadata.namespace)
  return services.filter((object) => {
    const { spec, status } = object as Service
    const leads = spec?.selector !== undefined && matchesLabels({ matchLabels: spec.selector }, template)
    return leads && spec?.type === 'LoadBalancer' && (status?.loadBalancer?.ingress ?? []).length === 0 && (spec.externalIPs ?? []).length === 0 && ageMs(object.metadata.creationTimestamp, new Date(evidence.at)) > faults['loadbalancer-never-ready'].settleMs
  }).map((object) => inTheWay(evidence)('loadbalancer-never-ready', {
    title: `${nameOf(object)} gets no address, and nobody answers`,
    evidence: [`${nameOf(object)}: type LoadBalancer, no address since ${object.metadata.creationTimestamp ?? ''}`, ...noAnswer(evidence)],
    why: 'Nothing on a bare cluster gives addresses to Services of type LoadBalancer; that is the work of a cloud, of MetalLB or of k3s.',
    fix: [`kubectl ${inNamespace(object)} patch service ${object.metadata.name} -p '{"spec":{"externalIPs":["${address}"]}}' # or install MetalLB`],
  }))
}

const webPorts = [80, 443]

function listensOnNode(workload: KubernetesObject | undefined): boolean {
  return templateOf(workload).hostNetwork === true || mainContainersOf(workload).some(({ ports }) => ports?.some(({ hostPort = 0 }) => webPorts.includes(hostPort)) === true)
}
