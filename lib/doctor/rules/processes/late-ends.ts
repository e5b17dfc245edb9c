/**
 * What ends again and again and not at once: after minutes, or by a signal that no probe sent. A wait is not ended
 * for it, since a slow machine looks so too; who asks what is wrong is told.
 *
 *   restartCount: 12, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, startedAt: …, finishedAt: two minutes later}}
 */
import type { ContainerStateTerminated } from 'kubernetes-types/core/v1.js'
import { servesWeb } from '../../../airflow/families.ts'
import { isFoundation } from '../../../observe/causes.ts'
import { describeEnd, heldRestarts, soon } from '../../../observe/crash.ts'
import { ageMs, inNamespace } from '../../../observe/observation.ts'
import { controllerOf, ownerName } from '../../../observe/owners.ts'
import { placeOf } from '../../../observe/place.ts'
import { firmSince } from '../../../observe/release.ts'
import type { Finding } from '../../../step.ts'
import { type Evidence, partsIn } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { lastWords } from '../../unready.ts'
import { type Running, containersIn, lastSaid, standsFirm } from './statuses.ts'

/** Longer than the kubelet's longest pause and a run of ten minutes. */
const recentMs = 900_000
const killedCode = 137

export function endingLate(evidence: Evidence): Finding[] {
  const firm = standsFirm(evidence)
  const since = evidence.record === undefined ? 0 : firmSince(partsIn(evidence), evidence.record, evidence.pods)
  return containersIn(evidence).flatMap((container): Finding[] => {
    const { pod, status, init } = container
    const last = status.state?.terminated ?? status.lastState?.terminated
    if (init || last === undefined || status.restartCount < heldRestarts || controllerOf(pod)?.kind === 'Job' || !(firm || isFoundation(pod))) return []
    // What it stands on was not there then.
    if (!isFoundation(pod) && Date.parse(last.finishedAt ?? '') < since) return []
    if (!isLate(last) || ageMs(last.finishedAt, new Date(evidence.at)) > recentMs || !isInBackOff(container) || endedByProbe(container)) return []
    const seen = [`${placeOf(pod, status.name)}: ${describeEnd(last)}, restarted ${status.restartCount} times`, ...lastWords([pod], evidence)]
    return [last.exitCode === killedCode ? killed(container, seen) : ended(container, last, seen)]
  })
}

/** All else is told as a crash, or as want of memory. */
function isLate(last: ContainerStateTerminated): boolean {
  if (last.exitCode === 0 || last.reason === 'OOMKilled' || (last.message ?? '').includes('OOM-killed')) return false
  return last.exitCode === killedCode || !soon(last)
}

/** A node that is started anew every day leaves many restarts, and no pause between two of them. */
function isInBackOff(container: Running): boolean {
  return container.status.state?.waiting?.reason === 'CrashLoopBackOff' || lastSaid(container, 'BackOff', /^Back-off restarting failed container/) !== undefined
}

/** Its kill and its words are told with the probe. */
function endedByProbe(container: Running): boolean {
  return lastSaid(container, 'Killing', /probe/) !== undefined || lastSaid(container, 'Unhealthy', /^(Liveness|Startup) probe/) !== undefined
}

function killed({ pod, status }: Running, evidence: string[]): Finding {
  const node = (pod.spec as { nodeName?: string } | undefined)?.nodeName ?? 'its node'
  return wrong('oom-killed', {
    title: `Container ${status.name} of ${ownerName(pod)} is killed again and again, and by no probe`,
    evidence,
    why: 'Exit code 137 is signal 9 from outside the container: most often the kernel\'s, when the node has no memory left or a process in it has reached the limit.',
    fix: [
      `sudo dmesg -T | grep -iE "out of memory|oom-kill" # on ${node}: whether it was the kernel, and at whose limit`,
      'Where it was: raise resources.limits.memory of that component in airflow.values, or run less on the node, then: npx tsx run.ts apply --from helm',
    ],
  })
}

/** Error: No response from gunicorn master within 120 seconds */
const masterTimeout = /No response from gunicorn master within (\d+) seconds/

function ended({ pod, status }: Running, last: ContainerStateTerminated, evidence: string[]): Finding {
  const [, waited] = evidence.map((line) => masterTimeout.exec(line)).find((found) => found !== null) ?? []
  if (servesWeb(status.name) && waited !== undefined) {
    return wrong('webserver-oom-or-slow-start', {
      title: `The webserver of ${ownerName(pod)} gives up before its workers have started`,
      evidence,
      why: `It waits ${waited} s for its workers to load Airflow, which takes longer on a slow disk or CPU, or with too little memory.`,
      fix: ['In airflow.values: config.webserver.web_server_master_timeout: 600 and config.webserver.workers: 2; then: npx tsx run.ts apply --from helm'],
    })
  }
  const seconds = Math.round((Date.parse(last.finishedAt ?? '') - Date.parse(last.startedAt ?? '')) / 1000)
  return wrong('crash-loop', {
    title: `Container ${status.name} of ${ownerName(pod)} ends again and again, the last time after ${seconds} s`,
    evidence,
    why: 'It works for a while and then ends with an error, which its last log lines should tell.',
    fix: [`kubectl ${inNamespace(pod)} logs ${pod.metadata.name} -c ${status.name} --previous`],
  })
}
