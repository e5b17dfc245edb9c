/** Whether the route is there, is the one that airstrip writes, and leads to things that exist. */
import { drift } from '../../../diff/rules.ts'
import { mainContainersOf, templateOf } from '../../../observe/template.ts'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import { ingressObjects } from '../../../manifest/ingress.ts'
import { healthUrl } from '../../../observe/answer.ts'
import { faults } from '../../../observe/faults.ts'
import { ageMs, nameOf } from '../../../observe/observation.ts'
import { traefikImage } from '../../../preflight/traefik.ts'
import type { Finding } from '../../../step.ts'
import { copiedAway } from '../../../observe/copied-away.ts'
import type { Evidence } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'
import { begin, complaintsOf, hasReadyAddress, isExpected, isTraefiks404, logCommand, specOf, wayOf, type Way } from './way.ts'

const again = 'npx tsx run.ts apply --only ingress'

/** What each live object of ours has that airstrip does not write: `spec.routes is …, airstrip writes …`. */
function edits({ wanted, group }: Way, { routes = [], namespace }: Evidence): { object: KubernetesObject; path: string; line: string }[] {
  if (group === undefined) return []
  return ingressObjects({ ...wanted, namespace }, group).flatMap((want) => {
    const object = liveOf(want, routes)
    if (object === undefined) return []
    const found = drift({ ...want, metadata: object.metadata }, object, wanted.ignore)
    return found.map(({ path, want: should, live }) => ({ object, path, line: `${nameOf(object)}: ${path} is ${shown(live)}; airstrip writes ${shown(should)}` }))
  })
}

function liveOf({ kind, apiVersion, metadata }: KubernetesObject, routes: readonly KubernetesObject[]): KubernetesObject | undefined {
  return routes.find((one) => one.kind === kind && one.apiVersion === apiVersion && one.metadata.name === metadata.name && one.metadata.namespace === metadata.namespace)
}

function shown(value: unknown): string {
  return value === undefined ? 'not there' : JSON.stringify(value)
}

export function routeMissing(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  if (way?.group === undefined || !isExpected(evidence)) return []
  const say = way.works ? doubtful : wrong
  const { namespace, routes = [] } = evidence
  const name = `IngressRoute ${namespace}/${way.wanted.route}`
  const elsewhere = routes.some(({ kind, metadata }) => kind === 'IngressRoute' && metadata.name === way.wanted.route && metadata.namespace === namespace)
  if (way.route === undefined) {
    if (elsewhere) return []
    return [say('route-missing', {
      title: `${name} is not there`,
      evidence: [`there is no ${name} in ${way.group}`, ...answerLines(way)],
      why: 'Without it Traefik does not know where requests for the host and path go.',
      fix: [again],
    })]
  }
  // What leads to nothing is told as such, with what was edited.
  if (!way.works && badReferences(way, evidence).length > 0) return []
  const found = edits(way, evidence).filter(({ path }) => path !== 'spec.tls.certResolver' || way.answer === undefined || !isUnknownResolver(way))
  if (found.length === 0) return []
  return [say('route-missing', {
    title: `${[...new Set(found.map(({ object }) => nameOf(object)))].join(' and ')} ${found.length === 1 ? 'was' : 'were'} changed: ${found.map(({ path }) => path).join(', ')}`,
    evidence: [...found.map(({ line }) => line), ...answerLines(way)],
    why: 'The route is not the one that the configuration asks for.',
    fix: [`${again} # puts it back; what was meant goes into the configuration`],
  })]
}

/** A file may name more resolvers, so only where the arguments name some. */
export function isUnknownResolver({ traefik: { resolvers }, route, wanted }: Way): boolean {
  const resolver = route === undefined ? wanted.certResolver : specOf(route).tls?.certResolver
  return resolvers.length > 0 && resolver !== undefined && !resolvers.includes(resolver)
}

function answerLines({ answer, wanted }: Way): string[] {
  return answer === undefined ? [] : [`${healthUrl(wanted)} answers ${answer.status}: ${begin(answer.body)}`]
}

/** One of these makes Traefik drop the whole route. */
function badReferences(way: Way, { namespace, routes = [], services }: Evidence): string[] {
  const { route, traefik, group } = way
  if (route === undefined) return []
  const { entryPoints = [], routes: rules = [] } = specOf(route)
  const foreign = (kind: string, one: { name: string; namespace?: string }): string[] =>
    (one.namespace === undefined || one.namespace === namespace || traefik.crossNamespace === true ? [] : [`${kind} ${one.namespace}/${one.name} is in another namespace than the route, which Traefik does not allow`])
  const middlewares = rules.flatMap(({ middlewares: list = [] }) => list).flatMap((one) => {
    const inside = !one.name.includes('@') && (one.namespace ?? namespace) === namespace
    const there = routes.some(({ kind, apiVersion, metadata }) => kind === 'Middleware' && metadata.name === one.name && apiVersion.startsWith(`${group ?? ''}/`))
    return [...foreign('Middleware', one), ...(inside && !there ? [`Middleware ${namespace}/${one.name} does not exist`] : [])]
  })
  const targets = rules.flatMap(({ services: list = [] }) => list).flatMap((one) => {
    if (services === undefined || (one.kind ?? 'Service') !== 'Service') return []
    const there = services.find(({ metadata }) => metadata.name === one.name)
    const ports = (there?.spec as { ports?: { port: number; name?: string }[] } | undefined)?.ports ?? []
    if ((one.namespace ?? namespace) !== namespace) return foreign('Service', one)
    if (there === undefined) return [`Service ${namespace}/${one.name} does not exist`]
    return ports.some(({ port, name }) => port === one.port || name === one.port || String(port) === String(one.port)) ? [] : [`Service ${namespace}/${one.name} has no port ${String(one.port)}, only ${ports.map(({ port }) => port).join(', ')}`]
  })
  const known = traefik.entryPoints ?? []
  const lost = known.length > 0 && entryPoints.length > 0 && !entryPoints.some((one) => known.includes(one))
  return [...new Set([...middlewares, ...targets])].concat(lost ? [`entry point ${entryPoints.join(', ')} does not exist in Traefik, which has ${known.join(', ')}`] : [], unread(route, traefik, namespace), isTraefiks404(way.answer) ? unprovided(route, way) : [])
}

function unread({ metadata }: KubernetesObject, { namespaces = [], ingressClass }: Way['traefik'], namespace: string): string[] {
  const asked = metadata.annotations?.['kubernetes.io/ingress.class']
  return [
    ...(namespaces.length > 0 && !namespaces.includes(namespace) ? [`Traefik reads routes of the namespaces ${namespaces.join(', ')} only`] : []),
    ...(ingressClass !== undefined && asked !== ingressClass ? [`Traefik reads routes of the class ${ingressClass} only`] : []),
  ]
}

const noProvider = 'Traefik reads no routes: its arguments have no --providers.kubernetescrd'
const provider = /^--providers\.kubernetescrd(?:[.=]|$)/i

/** Its arguments are all that it knows, unless they name a file; and where they name nothing else of it there may be one that needs no name. */
function unprovided({ metadata }: KubernetesObject, { workload }: Way): string[] {
  const { command = [], args = [] } = mainContainersOf(workload).find(isTraefiks) ?? {}
  const words = [...command, ...args]
  if (words.some((word) => /^--configfile\b/i.test(word)) || !words.some((word) => /^--(?:entrypoints|providers)\./i.test(word))) return []
  const own = words.filter((word) => provider.test(word))
  if (own.length === 0) return [noProvider]
  const selectors = own.flatMap((word) => /^--providers\.kubernetescrd\.labelselector=(.+)$/i.exec(word)?.[1] ?? [])
  return [
    ...own.filter((word) => /^[^.]+\.kubernetescrd=false$/i.test(word)).map((word) => `Traefik reads no routes: its arguments have ${word}`),
    ...[...new Set(selectors)].filter((selector) => !mayHave(metadata.labels ?? {}, selector)).map((selector) => `Traefik reads routes with the labels ${selector} only`),
  ]
}

function isTraefiks({ image = '' }: { image?: string }): boolean {
  return traefikImage.test(image)
}

/** Of a selector that asks for more than equal values nothing is concluded. */
function mayHave(labels: Record<string, string>, selector: string): boolean {
  return selector.split(',').every((one) => {
    const [, key, value] = /^\s*([^\s!=]+)\s*==?\s*([\w.-]*)\s*$/.exec(one) ?? []
    return key === undefined || labels[key] === value
  })
}

/**
 * The texts of Traefik 2 and 3 (catalogue, entry 40; pkg/provider/kubernetes/crd and pkg/server/router):
 *   level=error msg="middleware \"airflow-nope@kubernetescrd\" does not exist" routerName=airflow-airflow-webserver-6b204d94623b3df4370c@kubernetescrd
 *   ERR error="kubernetes service not found: airflow/nope" ingress=airflow-webserver namespace=airflow providerName=kubernetescrd
 */
const reasons = /does not exist|doesn't exist|not found|is not in the (IngressRoute|parent resource) namespace|crossnamespace disallowed|error while (parsing|adding) rule|no valid entryPoint|invalid middleware/i

/** What a route names is made with it, a moment before or after. */
const besidesMs = 10_000

export function notLoaded(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  if (way?.route === undefined || way.works || !isExpected(evidence)) return []
  const bad = badReferences(way, evidence)
  const settleMs = bad.length > 0 ? besidesMs : faults['traefik-404-route-not-loaded'].settleMs
  if (ageMs(way.route.metadata.creationTimestamp, new Date(evidence.at)) < settleMs) return []
  const silent = isTraefiks404(way.answer)
  // A Service without a ready pod gives the same answer, and the pods have their own story.
  if (bad.length === 0 && (!silent || !hasReadyAddress(way.wanted.service, evidence))) return []
  const { name, namespace = '' } = way.route.metadata
  const mine = complaintsOf(way, evidence).filter((line) => reasons.test(line) && (line.includes(`${namespace}-${name}`) || line.includes(`ingress=${name}`) || line.includes(`"ingress":"${name}"`)))
  const said = mine.slice(-1).map((line) => `Traefik's log: ${line}`)
  const denied = complaintsOf(way, evidence).findLast((line) => mayNot.test(line))
  if (bad.length === 0 && denied !== undefined) return [rightless(denied, way)]
  return [wrong('traefik-404-route-not-loaded', {
    title: bad.length === 0 ? 'Traefik answers, but has not loaded the route' : `Traefik does not load the route: ${bad[0] ?? ''}`,
    evidence: [...bad, ...edits(way, evidence).map(({ line }) => line), ...answerLines(way), ...said],
    why: 'One bad reference (entry point, middleware, service, port) makes Traefik drop the whole route.',
    fix: repair(bad, way),
  })]
}

/** Failed to watch *v1alpha1.IngressRoute: ingressroutes.traefik.containo.us is forbidden: User "system:serviceaccount:traefik:traefik" cannot list resource …; nothing of it becomes part of a command, for into an access log anybody can write. */
const mayNot = /\b(?:ingressroutes|middlewares)\.traefik\.(?:containo\.us|io) is forbidden: User \\*"system:serviceaccount:[a-z0-9.-]+:[a-z0-9.-]+\\*" cannot (?:list|watch)/

function rightless(line: string, way: Way): Finding {
  const space = way.workload?.metadata.namespace ?? 'traefik'
  const account = templateOf(way.workload).serviceAccountName ?? 'default'
  return wrong('traefik-404-route-not-loaded', {
    title: 'Traefik may not read the cluster\'s routes',
    evidence: [`Traefik's log: ${line.slice(0, 400)}`, ...answerLines(way)],
    why: 'Its role, or what binds it to its service account, is gone or was changed; or it is newer than its role, which does not know its kinds.',
    fix: [
      `for role in $(kubectl get clusterroles -o name | grep -o '/traefik.*' | cut -c2-); do kubectl create clusterrolebinding "$role" --clusterrole="$role" --serviceaccount=${space}:${account}; done # where only the binding is gone`,
      'Else install Traefik again with its chart, which makes the role that it needs',
    ],
  })
}

function repair(bad: readonly string[], way: Way): NonEmpty<string> {
  const { route, wanted, traefik } = way
  const spec = route === undefined ? {} : specOf(route)
  const own = (spec.routes ?? []).some(({ services = [] }) => services.some(({ name, port }) => name === wanted.service && port === 8080))
  if (own && bad.some((line) => line.startsWith('Service '))) return ['npx tsx run.ts apply --from helm # makes the release\'s Service again', again]
  if (bad.some((line) => line.startsWith('entry point')) && spec.entryPoints?.includes(wanted.entryPoint) === true) return [`Write ingress.entryPoint: ${traefik.entryPoints?.includes('websecure') === true ? 'websecure' : (traefik.entryPoints?.[0] ?? '')} in the configuration, then: ${again}`]
  if (bad.some((line) => line.startsWith('Traefik reads'))) return [readingRoutes(bad, way)]
  return bad.length > 0 ? [again] : [`${logCommand(way)} # names what it misses`, again]
}

function readingRoutes(bad: readonly string[], { workload }: Way): string {
  const [namespace, kind, name] = [workload?.metadata.namespace ?? 'traefik', workload?.kind.toLowerCase() ?? 'deployment', workload?.metadata.name ?? 'traefik']
  const containers = mainContainersOf(workload)
  const index = containers.findIndex(isTraefiks)
  if (bad.includes(noProvider) && containers[index]?.args !== undefined) {
    return `kubectl -n ${namespace} patch ${kind} ${name} --type json -p '${JSON.stringify([{ op: 'add', path: `/spec/template/spec/containers/${index}/args/-`, value: '--providers.kubernetescrd' }])}' # of its chart: providers.kubernetesCRD.enabled: true`
  }
  return `kubectl -n ${namespace} edit ${kind} ${name} # its arguments --providers.kubernetescrd${bad.some((line) => line.startsWith('Traefik reads no routes')) ? '' : '.namespaces and .ingressclass, or .labelselector'}`
}

/** A route of somebody else that Traefik prefers: the longer rule wins, or the higher priority. */
export function takenAway(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  if (way?.route === undefined || way.answer === undefined || way.works) return []
  const { wanted, route, group } = way
  const own = Math.max(...(specOf(route).routes ?? []).map(priorityOf))
  const others = (evidence.routes ?? []).filter((other) => other.kind === 'IngressRoute' && other !== route && other.apiVersion.startsWith(`${group ?? ''}/`))
  const taking = others.filter((other) => shareEntryPoint(other, route) && (specOf(other).routes ?? []).some((rule) => priorityOf(rule) >= own && takes(rule.match ?? '', wanted)))
  return taking.map((other) => {
    const [kind, namespace] = [`ingressroute.${other.apiVersion.split('/')[0] ?? ''}`, other.metadata.namespace ?? 'default']
    return wrong('route-missing', {
      title: `${nameOf(other)} takes the requests for https://${wanted.host}${wanted.path}`,
      evidence: [...(specOf(other).routes ?? []).map((rule) => `${nameOf(other)}: ${rule.match ?? ''}, priority ${priorityOf(rule)}; airstrip's own has ${own}`), ...answerLines(way)],
      why: 'Of several routes that fit, Traefik takes the one with the higher priority or the longer rule.',
      // It serves somebody else: that it can go is theirs to say.
      fix: [`kubectl -n ${namespace} edit ${kind} ${other.metadata.name} # another host, path or priority`, `${copiedAway(kind, [other.metadata.name], namespace)} # where nobody needs it any more`],
    })
  })
}

function shareEntryPoint(one: KubernetesObject, other: KubernetesObject): boolean {
  const [a, b] = [specOf(one).entryPoints ?? [], specOf(other).entryPoints ?? []]
  return a.length === 0 || b.length === 0 || a.some((name) => b.includes(name))
}

function priorityOf({ match = '', priority = 0 }: { match?: string; priority?: number }): number {
  return priority > 0 ? priority : match.length
}

/** Plain rules only: of one with a negation or a pattern nothing is concluded. */
function takes(match: string, { host, path }: { host: string; path: string }): boolean {
  if (/!|Regexp|Header|Query|Method|ClientIP/i.test(match)) return false
  const named = (matcher: string): string[] => [...match.matchAll(new RegExp(`\\b${matcher}\\(([^)]*)\\)`, 'g'))].flatMap((found) => [...(found[1] ?? '').matchAll(/[`"]([^`"]*)[`"]/g)].map((value) => value[1] ?? ''))
  const hosts = named('Host')
  const prefixes = named('PathPrefix')
  const here = hosts.length === 0 || hosts.some((one) => one.toLowerCase() === host.toLowerCase())
  return here && named('Path').length === 0 && (prefixes.length === 0 ? hosts.length > 0 : prefixes.some((prefix) => `${path}/health`.startsWith(prefix)))
}
