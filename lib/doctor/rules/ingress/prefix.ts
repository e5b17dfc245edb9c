/** The path under which Airflow is reached, taken away once: by the route, or by base_url. */
import type { Container, Event, HTTPGetAction } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import { valueAt } from '../../../airflow/values.ts'
import { healthUrl, judgeRedirect } from '../../../observe/answer.ts'
import { describeEvent, eventsAbout, timeOf } from '../../../observe/events.ts'
import { ageMs, isReady, nameOf } from '../../../observe/observation.ts'
import { lasting, podsOf } from '../../../observe/owners.ts'
import { speakerOf } from '../../../observe/place.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { begin, specOf, wayOf } from './way.ts'

const variable = 'AIRFLOW__WEBSERVER__BASE_URL'
/** Where the values have it: of the official chart, and of the community's. */
const places = ['config.webserver.base_url', `airflow.config.${variable}`] as const

interface BaseUrl {
  value: string
  /** With a path, Airflow answers below it only. */
  path: string
  /** A variable of the live pods, which the chart's probes do not know of. */
  byVariable: boolean
  /** What is to be taken out of the values. */
  name: string
  source: string
}

function baseUrl(evidence: Evidence): BaseUrl | undefined {
  const live = webserver(evidence)
  const set = live === undefined ? undefined : variableOf(live)
  const [place, told] = places.map((one) => [one, valueAt(evidence.record?.values ?? {}, one)] as const).find(([, one]) => typeof one === 'string') ?? [places[0], undefined]
  const value = set ?? (typeof told === 'string' ? told : undefined)
  if (value === undefined || !URL.canParse(value)) return undefined
  const source = set === undefined ? `${place} in the values of the release` : `${variable} of ${live === undefined ? '' : nameOf(live)}`
  return { value, path: new URL(value).pathname.replace(/\/$/, ''), byVariable: set !== undefined, name: set === undefined ? place : variable, source: `${source} is ${value}` }
}

function webserver({ workloads, wanted }: Pick<Evidence, 'workloads' | 'wanted'>): KubernetesObject | undefined {
  return workloads.find(({ metadata }) => metadata.name === wanted?.service)
}

function containersOf(object: KubernetesObject): Container[] {
  const spec = object.spec as { containers?: Container[]; template?: { spec?: { containers?: Container[] } } } | undefined
  return spec?.template?.spec?.containers ?? spec?.containers ?? []
}

function variableOf(object: KubernetesObject): string | undefined {
  return containersOf(object).flatMap(({ env = [] }) => env).find(({ name }) => name === variable)?.value
}

export function prefixTwice(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  const base = baseUrl(evidence)
  if (way === undefined) return []
  const body = way.answer?.body ?? ''
  const met = body.startsWith('Apache Airflow is not at this location')
  const strips = way.route !== undefined && (specOf(way.route).routes ?? []).some(({ middlewares = [] }) => middlewares.some(({ name }) => stripsPrefix(name, evidence)))
  const known = strips && base !== undefined && base.path !== '' && (!way.works || base.byVariable)
  if (!met && !known) return []
  const { wanted } = way
  return [wrong('prefix-handled-twice', {
    title: strips && base !== undefined && base.path !== '' ? `The prefix ${wanted.path} is taken away by the route and expected by Airflow` : 'Airflow is mounted under another path than the one that reaches it',
    evidence: [
      ...(met ? [`${healthUrl(wanted)} answers ${way.answer?.status ?? 0}: ${begin(body)}`] : []),
      ...(base === undefined ? [] : [base.source]),
      `the route ${strips ? 'takes the prefix away (stripPrefix)' : 'leaves the prefix'}; ingress.prefix is ${wanted.prefix}`,
    ],
    why: 'With a path in base_url Airflow answers below that path only, and nothing gives back what stripPrefix took.',
    fix: withoutBase(evidence, base),
  })]
}

/** Where only the live object has the variable it is taken away there; otherwise it is in the values. */
function withoutBase({ record, namespace, wanted }: Evidence, base: BaseUrl | undefined): NonEmpty<string> {
  const name = wanted?.service ?? ''
  const manifest = record?.objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)
  const byHand = base?.byVariable === true && (manifest === undefined || variableOf(manifest) === undefined)
  if (byHand) return [`kubectl -n ${namespace} set env deployment/${name} ${variable}-`, 'npx tsx run.ts apply --only ingress # where ingress.prefix: mount is what was meant']
  return [`Remove ${base?.name ?? places[0]} from airflow.values, then: npx tsx run.ts apply --from helm`, 'Or write ingress.prefix: mount, which sets base_url and leaves the prefix']
}

function stripsPrefix(name: string, { routes = [] }: Evidence): boolean {
  return routes.some((one) => one.kind === 'Middleware' && one.metadata.name === name && (one.spec as { stripPrefix?: unknown } | undefined)?.stripPrefix !== undefined)
}

/** Airflow 2, airflow/www/extensions/init_wsgi_middlewares.py */
const slash = 'webserver.base_url conf cannot have a trailing slash'

export function trailingSlash(evidence: Evidence): Finding[] {
  const said = evidence.logs.flatMap(({ pod, container, lines }) => lines.filter((line) => line.includes(slash)).map((line) => `${speakerOf(pod, container)}: ${line.trim()}`))
  const [first] = said
  if (first === undefined) return []
  const base = baseUrl(evidence)
  const name = evidence.wanted?.service ?? ''
  const manifest = evidence.record?.objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)
  const byHand = base?.byVariable === true && (manifest === undefined || variableOf(manifest) === undefined)
  return [wrong('prefix-handled-twice', {
    title: 'Airflow refuses a base_url that ends with a slash',
    evidence: [first, ...(base === undefined ? [] : [base.source])],
    why: 'The webserver ends at its start with such an address.',
    fix: byHand ? [`kubectl -n ${evidence.namespace} set env deployment/${name} ${variable}-`] : ['Take the last slash off base_url in airflow.values, or leave it out so that airstrip\'s own holds; then: npx tsx run.ts apply --from helm'],
  })]
}

export function linksOut(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  const { answered } = evidence
  if (way === undefined || !way.works || answered === undefined || !('answer' in answered) || answered.page === undefined) return []
  return judgeRedirect(way.wanted, answered.page)
}

const settleMs = 30_000
const currentMs = 120_000

/** The chart makes the probes' path of a value; a variable that moves the webserver leaves them where they were. */
export function probePath(evidence: Evidence): Finding[] {
  const live = webserver(evidence)
  if (live === undefined || evidence.wanted === undefined) return []
  const manifest = evidence.record?.objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === live.metadata.name)
  const found = lasting(podsOf(live, evidence.pods)).flatMap((pod) => {
    if (ageMs(pod.metadata.creationTimestamp, new Date(evidence.at)) < settleMs) return []
    const event = eventsAbout(pod, evidence.events).findLast(({ reason, message = '' }) => reason === 'Unhealthy' && message.includes('HTTP probe failed with statuscode: 404'))
    // Between two of its restarts by the liveness probe it is ready.
    const over = event !== undefined && isReady(pod) && !(event.message?.startsWith('Liveness') === true && Date.parse(evidence.at) - timeOf(event) < currentMs)
    return event === undefined || over ? [] : [{ pod, event }]
  })
  const [first] = found
  if (first === undefined) return []
  const base = baseUrl(evidence)
  const probe = probeOf(first.pod, first.event)
  const own = manifest === undefined ? undefined : probeOf(manifest, first.event)
  const edited = own?.path !== undefined && probe?.path !== own.path
  return [wrong('probe-path-mismatch', {
    title: edited || base === undefined ? `The webserver's probes ask for ${probe?.path ?? 'a path'}, which it does not serve` : `The webserver was moved to ${base.path} by ${variable}, and its probes were not`,
    evidence: [line(first), ...(probe?.path === undefined ? [] : [`its probes ask for ${probe.path}`]), ...(edited ? [`the chart's own is ${own.path ?? ''}`] : []), ...(base === undefined ? [] : [base.source])],
    why: edited ? 'A probe that is answered 404 keeps the pod from ever being ready.' : 'The chart takes the path of the probes from the value config.webserver.base_url and not from a variable, so they are answered 404 and the pod is never ready.',
    fix: edited ? ['npx tsx run.ts apply --from helm # puts the chart\'s own probes back'] : withoutBase(evidence, base),
  })]
}

function line({ pod, event }: { pod: KubernetesObject; event: Event }): string {
  return `${nameOf(pod)}: ${describeEvent(event)}`
}

/** The one that was answered: `Liveness probe failed: HTTP probe failed with statuscode: 404`. */
function probeOf(object: KubernetesObject, { message = '' }: Event): HTTPGetAction | undefined {
  const kind = /^(Liveness|Startup)/.exec(message)?.[1]
  const field = kind === 'Liveness' ? 'livenessProbe' : kind === 'Startup' ? 'startupProbe' : 'readinessProbe'
  return containersOf(object).map((container) => container[field]?.httpGet).find((get) => get !== undefined)
}
