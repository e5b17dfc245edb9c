/**
 * What Airflow's own health page says of its parts. The page answers 200 whatever it says:
 *
 *   {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": "2023-08-02T10:20:00.000000+00:00"},
 *    "triggerer": {"status": null, "latest_triggerer_heartbeat": null}}
 */
import { parsedJson } from '../json.ts'
import type { Evidence } from './evidence.ts'

/** By the page's word, as the charts label the pods. */
export const components: Readonly<Record<string, string>> = { scheduler: 'scheduler', triggerer: 'triggerer', dag_processor: 'dag-processor' }

type Page = Partial<Record<string, { status?: string | null } & Record<string, unknown>>>

export function pageOf({ answered }: Pick<Evidence, 'answered'>): Page | undefined {
  return answered !== undefined && 'answer' in answered ? parsedJson(answered.answer.body) as Page | undefined : undefined
}

/** By the page's word, ISO; undefined where none has ever been. */
export function heartbeatOf(name: string, page: Page): string | undefined {
  const said = page[name]?.[`latest_${name}_heartbeat`]
  return typeof said === 'string' ? said : undefined
}

/** It answers, and could not ask the database when it was asked itself, a moment before the logs were read. */
export function lacksDatabase(evidence: Pick<Evidence, 'answered'>): boolean {
  return pageOf(evidence)?.metadatabase?.status === 'unhealthy'
}

/** What the page has read of Airflow's tables just now: undefined where it could read none, or there is none in them. */
export function lastHeartbeat(evidence: Pick<Evidence, 'answered'>): string | undefined {
  const page = pageOf(evidence)
  if (page?.metadatabase?.status !== 'healthy') return undefined
  return Object.keys(components).map((name) => heartbeatOf(name, page)).filter((said) => said !== undefined).sort().at(-1)
}

/** Whether the program of that container, as the charts name it, has written into the database since, in ms. */
export function hasBeatSince(container: string, since: number, evidence: Pick<Evidence, 'answered'>): boolean {
  const [name] = Object.entries(components).find(([, component]) => container.replace(/^airflow-/, '') === component) ?? []
  const page = pageOf(evidence)
  if (name === undefined || page?.metadatabase?.status !== 'healthy') return false
  return Date.parse(heartbeatOf(name, page) ?? '') > since
}
