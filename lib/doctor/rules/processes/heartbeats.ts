/** Whoever runs and gives no sign of life, by Airflow's own health page. */
import type { KubernetesObject } from '../../../access.ts'
import { servesWeb } from '../../../airflow/families.ts'
import { ageMs, nameOf, readySince } from '../../../observe/observation.ts'
import { targetOf } from '../../../observe/owners.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { components, heartbeatOf, lacksDatabase, pageOf } from '../../health-page.ts'
import { wrong } from '../../rule.ts'
import { whoBlocks } from '../database/superuser.ts'
import { wayOf } from '../ingress/way.ts'
import { settledPods, standsFirm } from './statuses.ts'

/** Four times Airflow's own patience (scheduler_health_check_threshold, 30 s): a busy one is late now and then. */
const silentMs = 120_000

export function withoutHeartbeat(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  // While the database is not there yet, or again, that is told, and the rest of it.
  if (way?.works !== true || !standsFirm(evidence)) return []
  if (lacksDatabase(evidence)) return unasked(evidence)
  const page = pageOf(evidence) ?? {}
  return Object.entries(components).flatMap(([name, component]) => {
    const said = heartbeatOf(name, page)
    if (page[name]?.status !== 'unhealthy' || (said !== undefined && ageMs(said, new Date(evidence.at)) < silentMs)) return []
    const pods = settledPods(evidence, (pod) => pod.metadata.labels?.component === component)
    return pods === undefined ? [] : [silent(name.replace('_', ' '), said, pods, evidence)]
  })
}

function silent(name: string, said: string | undefined, pods: readonly KubernetesObject[], evidence: Evidence): Finding {
  const targets = [...new Set(pods.map(targetOf))].filter((target) => target !== undefined)
  return wrong('heartbeat-missing', {
    title: `Airflow's ${name} runs and gives no sign of life`,
    evidence: [`${evidence.answered?.url ?? 'the health page'} calls it unhealthy, with ${said === undefined ? 'no heartbeat' : `its last heartbeat at ${said}`}`, ...pods.slice(0, 3).map((pod) => `${nameOf(pod)} has been ready since ${readySince(pod) ?? ''}`)],
    why: 'While it works it writes into the database every few seconds: it hangs, or waits for a lock that another session of the database holds.',
    fix: [...whoBlocks(evidence), `kubectl -n ${evidence.namespace} rollout restart ${targets.join(' ')} # where nobody keeps it waiting: begins it anew`] as [string],
  })
}

/** Of the database itself other rules know more, where there is more. */
function unasked(evidence: Evidence): Finding[] {
  const pods = settledPods(evidence, (pod) => servesWeb(pod.metadata.labels?.component ?? ''))
  const [pod] = pods ?? []
  if (pod === undefined) return []
  return [wrong('heartbeat-missing', {
    title: 'Airflow\'s webserver runs and cannot ask its database',
    evidence: [`${evidence.answered?.url ?? 'the health page'} calls the metadatabase unhealthy`, `${nameOf(pod)} has been ready since ${readySince(pod) ?? ''}`],
    why: 'The page is served without it; all else that Airflow does needs the database.',
    fix: [`kubectl -n ${evidence.namespace} logs ${pod.metadata.name} --tail=50 # what it was told when it asked`],
  })]
}
