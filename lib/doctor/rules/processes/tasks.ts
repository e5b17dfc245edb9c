/** Tasks in pods of their own that do not come to run: the DAG waits, and every program of Airflow is well. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { faults } from '../../../observe/faults.ts'
import { ageMs, nameOf } from '../../../observe/observation.ts'
import { isTask } from '../../../observe/owners.ts'
import { observePod } from '../../../observe/pod.ts'
import { judgeRefusal } from '../../../observe/refusal.ts'
import type { Finding } from '../../../step.ts'
import { type Evidence, viewOf } from '../../evidence.ts'
import { logLines } from './statuses.ts'

/** Another task may end and make room, a registry come back. */
const patientMs = 60_000

/** A warning, since it may be what one DAG asks for; where a program of the release has the same fault, they are one finding. What a task did when it ran is its own affair. */
export function heldTasks(evidence: Evidence): Finding[] {
  const view = viewOf(evidence)
  return evidence.pods.filter((pod) => isTask(pod) && (pod as Pod).status?.phase === 'Pending').flatMap((pod): Finding[] => {
    const look = observePod(pod, view)
    if (look.state !== 'failed' || ageMs(pod.metadata.creationTimestamp, view.now) < Math.max(patientMs, faults[look.finding.id].settleMs)) return []
    const { finding } = look
    return [{ ...finding, severity: 'warning', evidence: [...finding.evidence, `${nameOf(pod)} is to run ${taskOf(pod)}`], fix: [...finding.fix, ownRequest(pod)] }]
  })
}

/**
 * ApiException when attempting to run task, re-queueing. Reason: 'Forbidden'. Message: pods "etl-extract-ab12" is forbidden: exceeded quota: few, requested: pods=1, used: pods=5, limited: pods=5
 * … HTTP response body: {"message":"pods \\"etl-extract-ab12\\" is forbidden: error looking up service account airflow/none: serviceaccount \\"none\\" not found","reason":"Forbidden"}
 */
const refused = /(pods \\*"[^"\\]+\\*" is forbidden: (?!User )[^}]*)/

/** Its words become parts of commands, and who writes a DAG may write into a log. */
const plain = /^[\w\s.,:="'()/!-]*$/

/** What the executor was refused is in no event: there is no pod, and nobody who makes it but Airflow. */
export function refusedTasks(evidence: Evidence): Finding[] {
  return logLines(evidence, refused).flatMap(({ pod: name, text, evidence: seen }): Finding[] => {
    const scheduler = evidence.pods.find(({ metadata }) => metadata.name === name)
    const message = (refused.exec(text)?.[1] ?? '').replaceAll('\\"', '"').replace(/","reason".*/, '')
    if (scheduler === undefined || !plain.test(message)) return []
    const look = judgeRefusal(scheduler, message, undefined, viewOf(evidence))
    return look.state === 'failed' ? [{ ...look.finding, severity: 'warning', evidence: [seen], why: `${look.finding.why} The pod is one of a task, which stays queued.` }] : []
  })
}

function taskOf({ metadata: { labels: { task_id: task = 'unknown', dag_id: dag = 'unknown' } = {} } }: KubernetesObject): string {
  return `task ${task} of DAG ${dag}`
}

function ownRequest({ metadata: { namespace = 'default', name } }: KubernetesObject): string {
  return `kubectl -n ${namespace} get pod ${name} -o yaml # what it asks for: by executor_config in the DAG, else by images.pod_template and workers in airflow.values; Airflow tries again by itself`
}
