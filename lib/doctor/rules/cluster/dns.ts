/**
 * Names inside the cluster. CoreDNS is asked first, since an Airflow that does not find its database may only
 * have a wrong name; where there is no CoreDNS at all, only what the pods say shows that it is missed.
 */
import type { Deployment, DeploymentCondition } from 'kubernetes-types/apps/v1.js'
import type { Endpoints, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { describeContainers } from '../../../observe/container.ts'
import { faults } from '../../../observe/faults.ts'
import { ageMs, nameOf, readySince } from '../../../observe/observation.ts'
import { speakerOf } from '../../../observe/place.ts'
import type { ContainerLog, Evidence } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'
import { clusterHasJustStarted } from './boot.ts'
import { lacksCorefile, lacksKubernetes, ofK3s } from './corefile.ts'
import { unresolved } from './symptoms.ts'

const restart = 'kubectl -n kube-system rollout restart deployment'
const why = 'Airflow finds its database, its broker and its workers by names that only the cluster\'s own DNS knows.'

/** Nothing is told of a start yet, and nobody gets an answer from it either. */
export function answersNames(evidence: Evidence): boolean {
  const server = serverIn(evidence)
  if (dns(evidence).length > 0) return false
  return server === undefined || (((server as Deployment).status?.availableReplicas ?? 0) > 0 && isServing(podsOf(server, evidence), new Date(evidence.at)))
}

function serverIn({ system }: Evidence): KubernetesObject | undefined {
  return system.find((one) => one.kind === 'Deployment' && isDns(one))
}

export function dns(evidence: Evidence): Finding[] {
  const { system, unknown, at } = evidence
  if (unknown.some((line) => /^(deployments\.apps|pods in kube-system|services in kube-system|endpoints in kube-system)\b.* could not be read/.test(line))) return []
  const server = serverIn(evidence)
  const service = system.find(({ kind, metadata }) => kind === 'Service' && metadata.namespace === 'kube-system' && (metadata.labels?.['k8s-app'] === 'kube-dns' || metadata.name === 'kube-dns'))
  const told = complaints(evidence)
  if (server === undefined) return service === undefined || told.length === 0 ? absent(told, service) : []
  const unready = notReady(server, evidence)
  if (unready !== undefined) return [wrong('cluster-dns-broken', { ...unready, evidence: [...unready.evidence, ...told.slice(0, 2)], why })]
  const unknowing = lacksKubernetes(server, evidence, told)
  if (unknowing.length > 0) return unknowing
  if (service === undefined) return [(told.length === 0 ? doubtful : wrong)('cluster-dns-broken', { title: 'The Service of the cluster\'s DNS is not there', evidence: [`${nameOf(server)} runs, and kube-system has no Service kube-dns`, ...told.slice(0, 3)], why, fix: ['sudo kubeadm init phase addon coredns # on the control plane; makes it again', ofK3s] })]
  const endpoints = system.find(({ kind, metadata }) => kind === 'Endpoints' && metadata.namespace === 'kube-system' && metadata.name === service.metadata.name)
  const ready = ((endpoints as Endpoints | undefined)?.subsets ?? []).some(({ addresses = [] }) => addresses.length > 0)
  // Where it has only just come up, its endpoints follow.
  const { availableReplicas = 0, conditions = [] } = (server as Deployment).status ?? {}
  const up = conditions.find(({ type }: DeploymentCondition) => type === 'Available')?.lastTransitionTime ?? server.metadata.creationTimestamp
  if (ready || availableReplicas === 0 || ageMs(up, new Date(at)) < settleMs || !isServing(podsOf(server, evidence), new Date(at))) return []
  return [wrong('cluster-dns-broken', { title: 'The Service of the cluster\'s DNS leads nowhere', evidence: [`${nameOf(service)} has no ready endpoint, and ${nameOf(server)} is ready`, ...told.slice(0, 2)], why, fix: [`kubectl -n kube-system get service ${service.metadata.name} -o jsonpath='{.spec.selector}'; kubectl -n kube-system get pods --show-labels # the selector must fit the pods`, `${restart} ${server.metadata.name}`] })]
}

function isDns(object: KubernetesObject): boolean {
  const { metadata, spec } = object as Deployment
  return metadata?.namespace === 'kube-system' && (metadata.labels?.['k8s-app'] === 'kube-dns' || (spec?.template.spec?.containers ?? []).some(({ image = '' }) => /(^|\/)(mirrored-coredns-)?coredns(:|@|$)/.test(image)))
}

function absent(told: string[], service: KubernetesObject | undefined): Finding[] {
  if (told.length === 0 || service !== undefined) return []
  return [wrong('cluster-dns-broken', { title: 'The cluster has no DNS', evidence: ['kube-system has no CoreDNS and no Service kube-dns', ...told.slice(0, 3)], why, fix: ['sudo kubeadm init phase addon coredns # on the control plane', 'sudo microk8s enable dns # on MicroK8s'] })]
}

/** What the pods of the release say of names. */
function complaints({ logs, namespace }: Evidence): string[] {
  return logs.filter((log) => log.namespace === namespace).flatMap(({ pod, container, lines }) => {
    const line = lines.findLast((one) => unresolved.test(one))
    return line === undefined ? [] : [`${speakerOf(pod, container)}: ${line.trim()}`]
  })
}

/** services is forbidden: User "system:serviceaccount:kube-system:coredns" cannot list resource "services" in API group "" at the cluster scope */
const forbidden = /is forbidden: User \\?"system:serviceaccount:/

/** A rollout of one replica is over in seconds. */
const settleMs = 20_000
const startMs = faults['cluster-dns-broken'].settleMs

function podsOf({ metadata: { name } }: KubernetesObject, { system }: Evidence): KubernetesObject[] {
  return system.filter(({ kind, metadata }) => kind === 'Pod' && metadata.namespace === 'kube-system' && (metadata.labels?.['k8s-app'] === 'kube-dns' || metadata.name.startsWith(`${name}-`)))
}

/** After a boot the Deployment still counts pods that are not ready any more. */
function isServing(pods: readonly KubernetesObject[], now: Date): boolean {
  return pods.length === 0 || pods.map(readySince).some((since) => since !== undefined && ageMs(since, now) >= settleMs)
}

/** Whoever is kept from starting has a reason; a start has none. */
function isKept(pod: KubernetesObject): boolean {
  return ((pod as Pod).status?.containerStatuses ?? []).some(({ state }) => !['ContainerCreating', 'PodInitializing', undefined].includes(state?.waiting?.reason))
}

function notReady(object: KubernetesObject, evidence: Evidence): { title: string; evidence: string[]; fix: NonEmpty<string> } | undefined {
  const { spec, status } = object as Deployment
  const name = object.metadata.name
  if (spec?.replicas === 0) return { title: 'The cluster\'s DNS is scaled to no pod', evidence: [`${nameOf(object)} has replicas: 0`], fix: [`kubectl -n kube-system scale deployment ${name} --replicas=2`] }
  const [pods, now] = [podsOf(object, evidence), new Date(evidence.at)]
  const looping = said(pods, evidence).find(({ line }) => /plugin\/loop: (Loop|Seen "HINFO)/.test(line))
  const since = status?.conditions?.find(({ type, status: is }: DeploymentCondition) => type === 'Available' && is === 'False')?.lastTransitionTime ?? object.metadata.creationTimestamp
  const isForbidden = said(pods, evidence).some(({ line }) => forbidden.test(line))
  const isBroken = said(pods, evidence).some(({ line }) => /Corefile:\d+|Error during parsing|plugin\/\w+: (unknown|this plugin)|not a valid/i.test(line))
  const without = lacksCorefile(object, pods, evidence)
  const knows = without !== undefined || isForbidden || isBroken || pods.some(isKept)
  const patienceMs = looping !== undefined ? 0 : knows && !clusterHasJustStarted(evidence, now) ? settleMs : startMs
  if ((status?.availableReplicas ?? 0) > 0 || ageMs(since, now) < patienceMs) return undefined
  const lines = [`${nameOf(object)}: 0/${spec?.replicas ?? 1} available`, ...pods.slice(0, 2).map((pod) => `${nameOf(pod)}: ${describeContainers(pod as Pod, []) ?? (pod as Pod).status?.phase ?? 'no state'}`), ...said(pods, evidence).slice(-3).map(({ line, of }) => `${of}: ${line}`)]
  if (without !== undefined) return { title: without.title, evidence: [...lines, without.seen], fix: without.fix }
  if (looping !== undefined) return { title: 'CoreDNS forwards to itself and ends for it', evidence: lines, fix: loopFixes(name) }
  if (isForbidden) return { title: 'CoreDNS may not read the Services that it is to know', evidence: lines, fix: ['sudo kubeadm init phase addon coredns # on the control plane; makes its role and binding again', ofK3s, `${restart} ${name}`] }
  if (isBroken) return { title: 'CoreDNS cannot read its Corefile', evidence: lines, fix: ['kubectl -n kube-system edit configmap coredns # correct the line that the log names', `${restart} ${name}`] }
  return { title: 'CoreDNS is not ready', evidence: lines, fix: [`kubectl -n kube-system describe pods -l k8s-app=kube-dns; kubectl -n kube-system logs -l k8s-app=kube-dns --tail=30`, `${restart} ${name}`, `kubectl -n kube-system rollout undo deployment ${name} # where it was changed`] }
}

function said(pods: readonly KubernetesObject[], { logs }: Evidence): { of: string; line: string }[] {
  const names = pods.map(({ metadata }) => metadata.name)
  return logs.filter(({ namespace, pod }: ContainerLog) => namespace === 'kube-system' && names.includes(pod)).flatMap(({ pod, lines }) => lines.map((line) => ({ of: pod, line })))
}

/** On Ubuntu the kubelet hands out systemd-resolved's stub, 127.0.0.53, which inside the pod is CoreDNS itself. */
function loopFixes(name: string): NonEmpty<string> {
  return [
    // Where that file is not, as without systemd-resolved, a kubelet that is sent to it would start no pod.
    'test -s /run/systemd/resolve/resolv.conf && { grep -q ^resolvConf: /var/lib/kubelet/config.yaml && sudo sed -i "s#^resolvConf:.*#resolvConf: /run/systemd/resolve/resolv.conf#" /var/lib/kubelet/config.yaml || echo "resolvConf: /run/systemd/resolve/resolv.conf" | sudo tee -a /var/lib/kubelet/config.yaml; } # on each node',
    `sudo systemctl restart kubelet && ${restart} ${name}`,
  ]
}
