/** A node whose processors are all in use, so that what runs there gets no turn: nothing of it is at fault, and all of it is late. */
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import type { NodeUsage } from '../../../access.ts'
import { servesWeb } from '../../../airflow/families.ts'
import type { Finding } from '../../../step.ts'
import { describeEvent, timeOf } from '../../../observe/events.ts'
import { ageMs, fixOf, inNamespace, isReady, nameOf, pastMs } from '../../../observe/observation.ts'
import { ownerName, targetOf, thenDeletePod } from '../../../observe/owners.ts'
import { quantity } from '../../../observe/quantity.ts'
import { hasConnected, hasTaken, isSilent, noAnswer, traefikPods } from '../../answered.ts'
import type { Evidence } from '../../evidence.ts'
import { freshMs, type LateProbe, lateProbes } from '../../late-probes.ts'
import { wrong } from '../../rule.ts'
import { standsFirm } from '../processes/statuses.ts'

/** Of all cores; the kubelet's own count lags by seconds. */
const full = 0.9
/** A single program may hang by itself. */
const leastPods = 2
const leastTimes = 2
/** So long it has lasted, and so old is a pod whose start is over: starting is what keeps a small machine busy. */
const lastsMs = 120_000
const startMs = 180_000
/** They are late by turns, but on a node that is still busy one of them always was just now. */
const justNowMs = 60_000
/** In cores: what uses less keeps nobody waiting. */
const worthTelling = 0.2

export function busyNodes(evidence: Evidence): Finding[] {
  if (!standsFirm(evidence) || evidence.record?.status.startsWith('pending-') === true) return []
  const late = lateProbes(evidence).filter(({ pod }) => ageMs(pod.metadata.creationTimestamp, new Date(evidence.at)) >= startMs)
  return (evidence.usages ?? []).flatMap((usage): Finding[] => {
    const node = evidence.nodes?.find(({ metadata }) => metadata.name === usage.node)
    const { capacity, allocatable } = (node as Node | undefined)?.status ?? {}
    const cores = quantity((capacity ?? allocatable)?.cpu)
    const isMute = keepsTraefikWaiting(usage, evidence) && lateProbes(evidence).some((one) => (one.pod as Pod).spec?.nodeName === usage.node && isNow(one, evidence))
    const here = late.filter(({ pod }) => (pod as Pod).spec?.nodeName === usage.node)
    if (!(isMute || areWitnesses(here, evidence)) || !(usage.cores >= full * cores)) return []
    return [wrong('node-busy', {
      title: `Node ${usage.node} has no processor left`,
      evidence: [`Node ${usage.node}: ${inUse(usage.cores)} of ${cores} cores are in use`, ...users(usage), ...here.slice(0, 5).map(({ pod, event }) => `${nameOf(pod)}: ${describeEvent(event)}`), ...(isMute ? noAnswer(evidence) : [])],
      why: 'Whatever runs there waits for its turn: probes and pages are not answered in time, and a container that is restarted for that has to start anew, which takes more of it.',
      fix: fixOf(heldBack(usage, cores, evidence), `top -b -n 1 -o %CPU | head -n 20 # on ${usage.node}: what uses it; end what need not run, or give the machine more`),
    })]
  })
}

/**
 * Several pods that have been late for a while; or one that is down for it now, a pod or the page, and another that
 * was late just now. Without a node to blame those would be told as faults of their own.
 */
function areWitnesses(late: readonly LateProbe[], evidence: Evidence): boolean {
  const now = late.filter((one) => isNow(one, evidence))
  const lasting = late.filter(({ times, lastedMs }) => times >= leastTimes && lastedMs >= lastsMs)
  if (lasting.length >= leastPods && lasting.some((one) => now.includes(one))) return true
  if (now.length >= leastPods && now.some(({ pod, times, lastedMs }) => times >= leastTimes && lastedMs <= freshMs && !isReady(pod))) return true
  // The webserver that has the request may hang by itself; and where nobody took it, a packet may have been lost on the way.
  const isTelling = ({ pod, times }: LateProbe): boolean => (hasTaken(evidence) ? !((pod as Pod).spec?.containers ?? []).some(({ name }) => servesWeb(name)) : times >= leastTimes)
  return isSilent(evidence) && now.some(isTelling)
}

function isNow({ event }: LateProbe, { at }: Evidence): boolean {
  return pastMs(timeOf(event), new Date(at)) <= justNowMs
}

/** Somebody listens for a connection that the machine itself took, and says nothing on it. */
function keepsTraefikWaiting({ node }: NodeUsage, evidence: Evidence): boolean {
  return hasConnected(evidence) && traefikPods(evidence).some((pod) => (pod as Pod).spec?.nodeName === node)
}

const inUse = (cores: number): string => cores.toFixed(1)

function users({ pods, beside }: NodeUsage): string[] {
  return [
    ...pods.filter(({ cores }) => cores >= worthTelling).map(({ namespace, name, cores }) => `Pod ${namespace}/${name} uses ${inUse(cores)}`),
    ...(beside >= worthTelling ? [`what is no pod, or has only begun, uses ${inUse(beside)}`] : []),
  ]
}

/**
 * The greediest that somebody makes again, held to half of the node. Its request is lowered with that, since it may not
 * be above the limit, and since it is what takes the others' turn.
 */
function heldBack({ pods }: NodeUsage, cores: number, { consumers = [] }: Evidence): string[] {
  const held = pods.filter((used) => used.cores >= worthTelling).flatMap((used) => {
    const pod = consumers.find(({ metadata }) => metadata.namespace === used.namespace && metadata.name === used.name)
    const target = pod && targetOf(pod)
    if (pod === undefined || target === undefined) return []
    return [`kubectl ${inNamespace(pod)} set resources ${target} --requests=cpu=100m --limits=cpu=${Math.round(cores * 500)}m${thenDeletePod(pod)} # ${ownerName(pod)} uses ${inUse(used.cores)} cores, and then at most half of them`]
  })
  return held.slice(0, 1)
}
