/** How far a request came that was given no answer in time: nobody took it, its connection was taken, or the request itself. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { tookTheConnection, tookTheRequest } from '../observe/answer.ts'
import { traefikImage } from '../preflight/traefik.ts'
import { type Evidence, podsIn } from './evidence.ts'

function reasonOf({ answered }: Evidence): string {
  return answered !== undefined && 'reason' in answered ? answered.reason : ''
}

/** Nobody answered in time, whether somebody has the request or not: `no answer from 10.0.0.1:443 within 4 s`. */
export function isSilent(evidence: Evidence): boolean {
  return /\bno answer (?:from \S+ )?within \d/.test(reasonOf(evidence))
}

/** Somebody has the request that this machine made, and gave no answer in time. */
export function hasTaken(evidence: Evidence): boolean {
  return reasonOf(evidence).includes(tookTheRequest)
}

/** A machine took the connection for somebody who listens and did not say a word: no packet was lost on the way. */
export function hasConnected(evidence: Evidence): boolean {
  return reasonOf(evidence).includes(tookTheConnection)
}

export function traefikPods(evidence: Pick<Evidence, 'pods' | 'system'>): KubernetesObject[] {
  return podsIn(evidence).filter((pod) => ((pod as Pod).spec?.containers ?? []).some(({ image = '' }) => traefikImage.test(image)))
}

/** The line that says so; empty where an answer came. */
export function noAnswer({ answered }: Evidence): string[] {
  return answered !== undefined && 'reason' in answered ? [`${answered.url}: ${answered.reason}`] : []
}
