/** Containers that end, or are ended. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { servesWeb } from '../../../airflow/families.ts'
import type { Finding } from '../../../step.ts'
import { isFoundation, isMissedBy, needsDatabase } from '../../../observe/causes.ts'
import { describeEvent } from '../../../observe/events.ts'
import { observeCrash } from '../../../observe/crash.ts'
import { outOfMemory } from '../../../observe/memory.ts'
import { foreignFinalizers, letGo } from '../../../observe/finalizers.ts'
import { isOverdue } from '../../../observe/leaving.ts'
import { observeNode } from '../../../observe/node.ts'
import { ageMs, fixOf, nameOf } from '../../../observe/observation.ts'
import { controllerOf, ownerName, targetOf, thenDeletePod } from '../../../observe/owners.ts'
import { placeOf } from '../../../observe/place.ts'
import { firmSince, triedBefore } from '../../../observe/release.ts'
import { keepsEnding } from '../../../observe/restless.ts'
import { type Evidence, partsIn } from '../../evidence.ts'
import { isStranger } from '../../strangers.ts'
import { recalled } from '../../witnessed.ts'
import { type Rule, doubtful, wrong } from '../../rule.ts'
import { lastWords } from '../../unready.ts'
import { whoBlocks } from '../database/superuser.ts'
import { tightLimit } from './cpu-limit.ts'
import { endByProbe, killsOf, lateMs, probeFailed, probeOf } from './kills.ts'
import { diesOfItself } from './own-words.ts'
import { described, givesNoAnswer, whyNever } from './probes.ts'
import { type Running, containersIn, isRecent, lastSaid, logLines, standsFirm } from './statuses.ts'

export const crashRules: readonly Rule[] = [crashing, endingWell, outOfMemoryOnce, killedByProbe, workersKilled, notEnding]

/** Enough to tell of, and too few to end a wait (observe/crash.ts). A program that dies at once, or says of what, is not one that a slow machine kept from its database. */
const tellingRestarts = 2
/** What is called ready between may have got over it. */
const manyRestarts = 4
const atOnceMs = 15_000
const justNowMs = 120_000
/** Who works for longer before it ends is most often told to begin anew (num_runs). */
const longWorkMs = 300_000

function crashing(evidence: Evidence): Finding[] {
  const now = new Date(evidence.at)
  // Helm waits for a Job that still has tries; where it gave up, what the Job dies of is why.
  const givenUp = evidence.record?.status === 'failed'
  const firmBelow = standsFirm(evidence, false)
  const standsOnWell = standsOnWellIn(evidence)
  const since = evidence.record === undefined ? 0 : firmSince(partsIn(evidence), evidence.record, evidence.pods)
  return containersIn(evidence).flatMap(({ pod, status, events }) => {
    const ofJob = controllerOf(pod)?.kind === 'Job'
    if (ofJob ? !givenUp || !firmBelow : !standsOnWell(pod, status.name)) return []
    // Between two ends it runs for some seconds; that is no sign of health.
    const last = status.lastState?.terminated
    const betweenEnds = status.ready ? status.restartCount >= manyRestarts && keepsEnding(status, now) : status.restartCount > tellingRestarts && ageMs(last?.finishedAt, now) <= justNowMs
    const again = status.state?.running !== undefined && last !== undefined && betweenEnds
    const end = status.state?.terminated ?? last
    const atOnce = end?.startedAt == null || end.finishedAt == null || Date.parse(end.finishedAt) - Date.parse(end.startedAt) < atOnceMs
    const ofItself = atOnce || diesOfItself(pod, status.name, evidence)
    // Nobody waits for a Job any more that Helm gave up, and what it stands on is well: its first end tells.
    const restarts = ofJob ? 1 : ofItself ? tellingRestarts : tellingRestarts + 1
    const look = observeCrash(pod, again ? { ...status, state: { terminated: last } } : status, events, now, { restarts, waits: !ofItself || evidence.record?.status !== 'deployed', tries: !givenUp })
    // What it stands on was not there then.
    if (look === undefined || (!ofJob && !isFoundation(pod) && needsDatabase(status.name) && triedBefore(look, since, now))) return []
    return [{ ...look.finding, evidence: [...look.finding.evidence, ...lastWords([pod], evidence)] }]
  })
}

/** Whether what a container cannot run without is there; what it says of itself is news only then. */
function standsOnWellIn(evidence: Evidence): (pod: KubernetesObject, container: string) => boolean {
  const parts = partsIn(evidence)
  return (pod, container) => isFoundation(pod) || !parts.some((part) => isMissedBy(container, part))
}

/** To end is no work for a container that is to run on, however well it ends. */
function endingWell(evidence: Evidence): Finding[] {
  const standsOnWell = standsOnWellIn(evidence)
  return containersIn(evidence).flatMap((container): Finding[] => {
    const { pod, status, init } = container
    const last = status.lastState?.terminated
    if (init || last?.exitCode !== 0 || last.startedAt == null || last.finishedAt == null || controllerOf(pod)?.kind === 'Job') return []
    const ranMs = Date.parse(last.finishedAt) - Date.parse(last.startedAt)
    // One that works for a while may have been ended from outside, and by a probe that only its complaint tells of.
    const isProgram = ranMs < atOnceMs ? status.restartCount >= tellingRestarts : ranMs < longWorkMs && status.restartCount > tellingRestarts && standsOnWell(pod, status.name) && lastSaid(container, 'Unhealthy', probeFailed) === undefined
    // Whom a probe ends may end well: that is told with the probe.
    if (!isProgram || !isHeldBack(container, evidence) || killsOf(container, evidence).length > 0) return []
    return [wrong('crash-loop', {
      title: `Container ${status.name} of ${ownerName(pod)} ends ${ranMs < atOnceMs ? 'at once, without an error' : `again and again without an error, the last time after ${Math.round(ranMs / 1000)} s`}`,
      evidence: [`${placeOf(pod, status.name)}: exit code 0, restarted ${status.restartCount} times`, ...lastWords([pod], evidence)],
      why: 'Its command does something and ends, where it is to run on; the kubelet starts it again and again.',
      fix: [`kubectl -n ${pod.metadata.namespace ?? 'default'} get pod ${pod.metadata.name} -o jsonpath='{.spec.containers[?(@.name=="${status.name}")].command}{.spec.containers[?(@.name=="${status.name}")].args}' # then correct command or args in airflow.values, and run again`],
    })]
  })
}

/** In the kubelet's pause between two starts, or just after one; restarts of long ago are over. */
function isHeldBack(container: Running, evidence: Evidence): boolean {
  const { status } = container
  if (status.state?.waiting?.reason === 'CrashLoopBackOff') return true
  return keepsEnding(status, new Date(evidence.at)) && lastSaid(container, 'BackOff', /^Back-off restarting failed container/) !== undefined
}

/** Also one that runs again: the next time is a matter of load. */
function outOfMemoryOnce(evidence: Evidence): Finding[] {
  return containersIn(recalled(evidence)).flatMap(({ pod, status }): Finding[] => {
    const last = status.state?.terminated ?? status.lastState?.terminated
    if (last?.reason !== 'OOMKilled' || ageMs(last.finishedAt, new Date(evidence.at)) > lateMs) return []
    const { finding } = outOfMemory(pod, status)
    return [{ ...finding, severity: status.ready && status.restartCount < tellingRestarts ? 'warning' : 'error' }]
  })
}

/** Airflow's own check of a job reads the database. */
const ofItsDatabase = /OperationalError|psycopg|could not (?:connect to server|translate host name)|connection to server at|FATAL: /

function killedByProbe(evidence: Evidence): Finding[] {
  const standsOnWell = standsOnWellIn(evidence)
  return containersIn(evidence).filter(({ pod, status }) => standsOnWell(pod, status.name)).flatMap((container): Finding[] => {
    const { pod, status } = container
    const said = lastSaid(container, 'Unhealthy', probeFailed)
    const ended = endByProbe(container, said, evidence)
    if (ended === undefined || status.restartCount < 2 || status.lastState?.terminated?.reason === 'OOMKilled') return []
    // The page that Airflow does not serve is told with the route, which knows what it serves.
    if (evidence.wanted !== undefined && servesWeb(status.name) && said?.message?.includes('statuscode: 404') === true) return []
    const lines = [`${placeOf(pod, status.name)}: ${ended}, restarted ${status.restartCount} times`, ...(said === undefined ? [] : [`${nameOf(pod)}: ${describeEvent(said)}`])]
    const never = hopelessProbe(container, lines, said?.message ?? '')
    if (never !== undefined) return [never]
    // It asks the database, which has rules of its own; what it said before that one was back is over.
    if (said !== undefined && ofItsDatabase.test(said.message ?? '') && !isRecent(said, evidence, justNowMs)) return []
    if (!servesWeb(status.name)) return [impatientProbe(container, lines, said?.message)]
    // It gets there after some restarts, most often: on a slow machine that is a start.
    const young = ageMs(pod.metadata.creationTimestamp, new Date(evidence.at)) < lateMs
    const waits = givesNoAnswer(said?.message ?? '') ? whoBlocks(evidence) : []
    return [{ ...slowWebserver(container, lines, waits), severity: young ? 'warning' : 'error' }]
  })
}

/** Not the program and not its speed: it is ended for what it never had. */
function hopelessProbe({ pod, status }: Running, evidence: string[], said: string): Finding | undefined {
  const kind = probeOf(said)
  const spec = (pod as Pod).spec?.containers.find(({ name }) => name === status.name)
  const probe = spec?.[`${kind}Probe`]
  const why = whyNever(spec, probe, said)
  if (why === undefined) return undefined
  return wrong('scheduler-liveness-restart-loop', {
    title: `The ${kind} probe of container ${status.name} of ${ownerName(pod)} cannot succeed, and ends it again and again`,
    evidence: [...evidence, `its probe: ${described(probe)}`],
    why,
    fix: [`npx tsx run.ts apply --from helm # once ${status.name}.${kind}Probe in airflow.values is right, or was put back`],
  })
}

/** `waits`: commands that tell what it may wait for. */
function slowWebserver(container: Running, evidence: string[], waits: readonly string[]): Finding {
  const { pod, status } = container
  const target = targetOf(pod)
  const limit = tightLimit(container)
  const startup = (evidence[0] ?? '').includes('startup probe')
  const probes = JSON.stringify({ spec: { template: { spec: { containers: [{ name: status.name, ...(startup ? { startupProbe: { failureThreshold: 60, timeoutSeconds: 30 } } : { livenessProbe: { initialDelaySeconds: 120, timeoutSeconds: 30 } }) }] } } } })
  return wrong('webserver-oom-or-slow-start', {
    title: `The webserver of ${ownerName(pod)} is ended by its ${startup ? 'startup' : 'liveness'} probe before it answers`,
    evidence: [...evidence, ...(limit === undefined ? [] : [limit.evidence])],
    why: `On a slow disk or CPU its start takes longer than the probe waits, so it is started again and again and never gets there${waits.length === 0 ? '' : '; or it waits for a lock that another session of the database holds'}.`,
    fix: fixOf(
      [...(limit === undefined ? [] : [limit.fix]), ...(target === undefined ? [] : [`kubectl -n ${pod.metadata.namespace ?? 'default'} patch ${target} -p '${probes}'${thenDeletePod(pod)} # at once, and until the next apply`]), ...waits],
      `For good: ${startup ? 'webserver.startupProbe.failureThreshold: 60' : 'webserver.livenessProbe.initialDelaySeconds: 120 (or webserver.startupProbe)'} in airflow.values, then: npx tsx run.ts apply --from helm`,
    ),
  })
}

/** By container: where the charts have a value for it; the others' probes are the chart's own. */
const valueOf: Record<string, string> = { scheduler: 'scheduler', triggerer: 'triggerer', 'dag-processor': 'dagProcessor', worker: 'workers' }

function impatientProbe(container: Running, evidence: string[], said = ''): Finding {
  const { pod, status } = container
  const target = targetOf(pod)
  const kind = probeOf(said)
  const probe = JSON.stringify({ spec: { template: { spec: { containers: [{ name: status.name, ...(kind === 'startup' ? { startupProbe: { failureThreshold: 60, timeoutSeconds: 60 } } : { livenessProbe: { initialDelaySeconds: 60, timeoutSeconds: 60 } }) }] } } } })
  const silent = /probe failed:\s*$|No alive jobs found|timed? ?out|deadline exceeded/i.test(said) || said === ''
  const limit = silent ? tightLimit(container) : undefined
  // The community's chart calls its containers airflow-scheduler and the like.
  const value = valueOf[status.name.replace(/^airflow-/, '')]
  return wrong('scheduler-liveness-restart-loop', {
    title: `Container ${status.name} of ${ownerName(pod)} is restarted again and again by its ${kind} probe`,
    evidence: [...evidence, ...(limit === undefined ? [] : [limit.evidence])],
    why: silent ? `${isCommand(pod, status.name, kind) ? 'The probe starts a Python of its own, which takes 10 to 30 s on a slow CPU' : 'On a slow CPU the program does not answer in the probe\'s time'}; since Kubernetes 1.20 the kubelet no longer waits longer than timeoutSeconds.` : 'The program runs; it is the probe that fails, with the words above.',
    fix: fixOf(
      [...(limit === undefined ? [] : [limit.fix]), ...(target === undefined ? [] : [`kubectl -n ${pod.metadata.namespace ?? 'default'} patch ${target} -p '${probe}'${thenDeletePod(pod)} # at once, and until the next apply`])],
      value === undefined
        ? 'kubectl top node # for good: a node with more CPU, or less at work on it'
        : `For good: ${value}.${kind}Probe.timeoutSeconds: 60 and ${kind === 'startup' ? 'failureThreshold' : 'initialDelaySeconds'}: 60 in airflow.values, then: npx tsx run.ts apply --from helm`,
    ),
  })
}

function isCommand(pod: KubernetesObject, name: string, kind: 'startup' | 'liveness'): boolean {
  const spec = (pod as Pod).spec?.containers.find((one) => one.name === name)
  const { httpGet, tcpSocket } = spec?.[`${kind}Probe`] ?? {}
  return httpGet === undefined && tcpSocket === undefined
}

/** [ERROR] Worker (pid:42) was sent SIGKILL! Perhaps out of memory? · of gunicorn 20: [WARNING] Worker with pid 42 was terminated due to signal 9 */
function workersKilled(evidence: Evidence): Finding[] {
  const lines = logLines(evidence, /Worker (?:\(pid:\d+\) was sent SIGKILL! Perhaps out of memory|with pid \d+ was terminated due to signal 9\b)/i)
  if (lines.length === 0) return []
  return [wrong('webserver-oom-or-slow-start', {
    title: 'The webserver\'s workers are killed for want of memory',
    evidence: lines.map((line) => line.evidence),
    why: 'Each of its four workers needs up to 1 GiB when it starts; the container\'s limit, or the node, has less.',
    fix: ['In airflow.values: webserver.resources.limits.memory: 2Gi, or config.webserver.workers: 2; then: npx tsx run.ts apply --from helm'],
  })]
}

function notEnding(evidence: Evidence): Finding[] {
  const now = new Date(evidence.at)
  return evidence.pods.filter((pod) => !isStranger(pod, evidence) && isOverdue(pod, now)).flatMap((pod): Finding[] => {
    const { namespace = 'default', name, deletionTimestamp } = pod.metadata
    const finalizers = foreignFinalizers(pod)
    const node = (evidence.nodes ?? []).find(({ metadata }) => metadata.name === (pod as Pod).spec?.nodeName)
    const dead = node === undefined ? evidence.nodes !== undefined : observeNode(node).state === 'waiting'
    const held = finalizers.length > 0
    const tell = controllerOf(pod)?.kind === 'StatefulSet' ? wrong : doubtful
    return [tell('pod-not-ending', {
      title: `${nameOf(pod)} does not end`,
      evidence: [`${nameOf(pod)} was to be gone at ${String(deletionTimestamp)}`, held ? `it has the finalizers ${finalizers.join(', ')}` : dead ? `its node ${(pod as Pod).spec?.nodeName ?? ''} is ${node === undefined ? 'gone' : 'not ready'}` : 'its node has not ended it'],
      why: held ? 'It is kept until whoever set the finalizer takes it away, and a StatefulSet makes no other before it is gone.' : 'Only its node can say that it has ended; a StatefulSet makes no other before that.',
      fix: [held
        ? `${letGo(pod)} # when nobody is there any more who would take them away`
        // By force its set would make another while this one may still write into the same volume.
        : !dead ? `sudo crictl stopp $(sudo crictl pods -q --namespace ${namespace} --name '^${name}$') # on ${node?.metadata.name ?? 'its node'}, K3s: sudo k3s crictl; its kubelet then says that it has ended, or after: sudo systemctl restart kubelet`
        : `kubectl -n ${namespace} delete pod ${name} --force --grace-period=0 # when its node is switched off for sure: two of it would write to one volume`],
    })]
  })
}
