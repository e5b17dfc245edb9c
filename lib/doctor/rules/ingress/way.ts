/** The way in, put together from the evidence: who runs Traefik, which route it should read, and what came back. */
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { HttpsAnswer, KubernetesObject } from '../../../access.ts'
import { ageMs } from '../../../observe/observation.ts'
import { traefikLogs } from '../../../observe/pod-logs.ts'
import { findTraefik, groupOf, runs, type Traefik, type TraefikGroup } from '../../../preflight/traefik.ts'
import { traefikPods } from '../../answered.ts'
import type { Evidence, Wanted } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'

export interface Way {
  wanted: Wanted
  traefik: Traefik
  workload?: KubernetesObject | undefined
  group?: TraefikGroup | undefined
  /** Airstrip's own, in the group that is read. */
  route?: KubernetesObject | undefined
  answer?: HttpsAnswer | undefined
  /** Airflow itself answered. */
  works: boolean
}

export interface RouteSpec {
  entryPoints?: string[]
  routes?: { match?: string; priority?: number; middlewares?: { name: string; namespace?: string }[]; services?: { name: string; kind?: string; namespace?: string; port?: number | string }[] }[]
  tls?: { certResolver?: string }
}

/** Undefined where a fact is missing without which nothing can be said. */
export function wayOf(evidence: Evidence): Way | undefined {
  const { wanted, definitions, routes, answered, namespace, unknown } = evidence
  if (wanted === undefined || definitions === undefined || routes === undefined) return undefined
  if (unknown.some((line) => /^(deployments|daemonsets)\.apps could not/.test(line))) return undefined
  const workloads = [...evidence.system, ...evidence.workloads].filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet')
  const traefik = findTraefik(definitions, workloads.sort((a, b) => Number(runs(b)) - Number(runs(a)) || mayHave(wanted.certResolver, b) - mayHave(wanted.certResolver, a)))
  const group = groupOf(traefik)
  const answer = answered !== undefined && 'answer' in answered ? answered.answer : undefined
  return {
    wanted, traefik, group, answer,
    workload: workloads.find(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}` === traefik.workload),
    route: routes.find((one) => one.kind === 'IngressRoute' && one.metadata.name === wanted.route && one.metadata.namespace === namespace && one.apiVersion.startsWith(`${group ?? ''}/`)),
    works: answer?.status === 200 && answer.body.includes('metadatabase'),
  }
}

/** Of several Traefiks the one with the resolver is meant, or one that may have it from a file. */
function mayHave(resolver: string, workload: KubernetesObject): number {
  const { resolvers } = findTraefik([], [workload])
  return resolvers.includes(resolver) ? 2 : Number(resolvers.length === 0)
}

export function specOf(route: KubernetesObject): RouteSpec {
  return (route.spec ?? {})
}

/** Of a Deployment; a DaemonSet has as many as nodes. */
export function isOff(workload: KubernetesObject): boolean {
  return (workload as unknown as Deployment).spec?.replicas === 0
}

const installMs = 600_000

/**
 * Whether the route must be there by now: step ingress comes last, so during a first install it is
 * not, and of a release that was taken down nothing is. The state file says when the step was done; a release that is younger than that is a new one.
 */
export function isExpected({ record, state, at }: Evidence): boolean {
  if (record === undefined || record.status === 'pending-install' || record.status.startsWith('uninstall')) return false
  const doneAt = state?.doneAt?.ingress
  if (isLeftOut({ state })) return false
  if (doneAt !== undefined && (record.revision > 1 || Date.parse(doneAt) >= Date.parse(record.updatedAt))) return true
  return record.status === 'deployed' && ageMs(record.updatedAt, new Date(at)) > installMs
}

/** On purpose: then Traefik, where there is one, leads elsewhere. */
export function isLeftOut({ state }: Pick<Evidence, 'state'>): boolean {
  return state?.skipped?.includes('ingress') === true
}

/** What keeps Airflow's page from whoever asks, and is a doubt where another way leads to it. */
export function inTheWay(evidence: Evidence): typeof wrong {
  return isLeftOut(evidence) ? doubtful : wrong
}

/** `kubectl -n traefik logs deployment/traefik`, or what finds it by its label. */
export function logCommand({ workload }: Way): string {
  return workload === undefined ? traefikLogs() : `kubectl -n ${workload.metadata.namespace ?? 'default'} logs ${workload.kind.toLowerCase()}/${workload.metadata.name} --tail=100`
}

/** What Traefik complained of, newest last. */
export function complaintsOf({ workload }: Way, { logs, system, pods }: Evidence): string[] {
  const names = traefikPods({ system, pods }).map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`)
  return logs.filter(({ namespace, pod }) => names.includes(`${namespace}/${pod}`) || (workload !== undefined && pod.startsWith(`${workload.metadata.name}-`))).flatMap(({ lines }) => lines)
}

/** The first line of a body, cut short. */
export function begin(body: string): string {
  return (body.trim().split('\n')[0] ?? '').slice(0, 100)
}

/** Traefik's own 404, and no page of Airflow's. */
export function isTraefiks404(answer: HttpsAnswer | undefined): boolean {
  return answer?.status === 404 && answer.body.trim() === '404 page not found'
}

export function hasReadyAddress(service: string, { endpoints = [] }: Evidence): boolean {
  const found = endpoints.find(({ metadata }) => metadata.name === service)
  return ((found?.subsets ?? []) as { addresses?: unknown[] }[]).some(({ addresses = [] }) => addresses.length > 0)
}
