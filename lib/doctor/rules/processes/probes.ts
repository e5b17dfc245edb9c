/** A readiness probe that cannot succeed, or gets no answer, told from one that has not succeeded yet. */
import type { Container, Event, Pod, Probe } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { servesWeb } from '../../../airflow/families.ts'
import { isFoundation } from '../../../observe/causes.ts'
import { describeEvent } from '../../../observe/events.ts'
import { ageMs, fixOf } from '../../../observe/observation.ts'
import { ownerName } from '../../../observe/owners.ts'
import { placeOf } from '../../../observe/place.ts'
import { hasTaken } from '../../answered.ts'
import type { Evidence } from '../../evidence.ts'
import { type Rule, wrong } from '../../rule.ts'
import { whoBlocks } from '../database/superuser.ts'
import { tightLimit } from './cpu-limit.ts'
import { type Running, containersIn, isRecent, lastSaid, standsFirm } from './statuses.ts'

export const probeRules: readonly Rule[] = [neverReady]

const probeFails = /^Readiness probe (failed|errored)/
/** The runtime's own trouble has a rule of its own. */
const runtime = 'invalid Host header'
const certainMs = 30_000
const longMs = 300_000
const currentMs = 600_000
/** Within so many of a probe's tries. */
const triesAgo = 2

function neverReady(evidence: Evidence): Finding[] {
  // What all else stands on has nobody to wait for.
  const firm = standsFirm(evidence)
  return containersIn(evidence).filter(({ pod }) => firm || isFoundation(pod)).flatMap((container): Finding[] => {
    const { pod, status, init } = container
    const startedAt = status.state?.running?.startedAt
    const said = lastSaid(container, 'Unhealthy', probeFails)
    if (status.ready) return fallsSilent(container, said, evidence)
    if (init || startedAt === undefined || said === undefined || (said.message ?? '').includes(runtime) || !isRecent(said, evidence, currentMs)) return []
    const spec = (pod as Pod).spec?.containers.find(({ name }) => name === status.name)
    const sure = whyNever(spec, spec?.readinessProbe, said.message ?? '')
    const runsMs = ageMs(startedAt, new Date(evidence.at))
    if (runsMs < (sure === undefined ? longMs : certainMs)) return []
    const lines = [`${placeOf(pod, status.name)}: has run for ${Math.round(runsMs / 1000)} s and is not ready`, `its probe: ${described(spec?.readinessProbe)}`, describeEvent(said)]
    return [sure === undefined && givesNoAnswer(said.message ?? '') ? hanging(container, lines, evidence) : neverSucceeds(container, lines, sure)]
  })
}

/** What no further start-up changes, and no restart. */
export function whyNever(spec: Container | undefined, probe: Probe | undefined, said: string): string | undefined {
  if (/executable file not found|no such file or directory|command not found/i.test(said)) return 'The probe runs a command that the image does not have.'
  if (/statuscode: (404|405)/.test(said)) return 'The program answers, and knows nothing of the path that the probe asks for.'
  const [, name] = /strconv\.Atoi: parsing "([^"]+)": invalid syntax/.exec(said) ?? []
  if (name !== undefined) return `The probe asks the port called ${name}, and the container names none so.`
  if (/server gave HTTP response to HTTPS client/i.test(said)) return 'The probe asks by HTTPS, and the program answers plain HTTP.'
  // Of a command, whose words no evidence keeps, pg_isready says where it asked: `/var/run/postgresql:5499 - no response`.
  const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port ?? /:(\d{1,5}) - no response/.exec(said)?.[1]
  const ports = (spec?.ports ?? []).flatMap(({ containerPort, name }) => [String(containerPort), name])
  const isOther = port !== undefined && ports.length > 0 && !ports.includes(String(port))
  return isOther && /connection refused|invalid port|no response/i.test(said) ? `The probe asks port ${String(port)}, and the container names only ${ports.filter(Boolean).join(', ')}.` : undefined
}

export function described(probe: Probe | undefined): string {
  const { httpGet, tcpSocket, exec } = probe ?? {}
  if (httpGet) return `GET ${httpGet.path ?? '/'} on port ${String(httpGet.port)}`
  if (tcpSocket) return `a connection to port ${String(tcpSocket.port)}`
  return exec ? `the command ${(exec.command ?? []).join(' ').slice(0, 120)}` : 'none'
}

/**
 * Ready by its probe's threshold alone: the official chart's webserver may be silent for ten minutes before
 * it counts. A busy machine is late now and then; who gives this machine no answer either is silent.
 */
function fallsSilent(container: Running, said: Event | undefined, evidence: Evidence): Finding[] {
  const { pod, status } = container
  if (said === undefined || !givesNoAnswer(said.message ?? '') || !servesWeb(status.name) || !hasTaken(evidence)) return []
  const { periodSeconds = 10, timeoutSeconds = 1 } = (pod as Pod).spec?.containers.find(({ name }) => name === status.name)?.readinessProbe ?? {}
  if (!isRecent(said, evidence, triesAgo * (periodSeconds + timeoutSeconds) * 1000)) return []
  return [hanging(container, [`${placeOf(pod, status.name)}: is still called ready`, describeEvent(said)], evidence)]
}

function neverSucceeds({ pod, status }: Running, evidence: string[], sure: string | undefined): Finding {
  return wrong('readiness-probe-failing', {
    title: `The readiness probe of container ${status.name} of ${ownerName(pod)} cannot succeed`,
    evidence,
    why: sure ?? 'The container has run for minutes, and no start takes so long: the probe asks for the wrong thing, or the program hangs. Its log says which.',
    fix: [logOf(pod, status.name), 'Correct the probe of that component in airflow.values, and run again'],
  })
}

/**
 * By HTTP: `context deadline exceeded (Client.Timeout exceeded while awaiting headers)`, which Go also says of a
 * connection that was not made, mostly with a word about that.
 */
export function givesNoAnswer(said: string): boolean {
  return said.includes('while awaiting headers') && !/dial tcp|waiting for connection/.test(said)
}

function hanging(container: Running, lines: string[], evidence: Evidence): Finding {
  const { pod, status } = container
  const limit = tightLimit(container)
  return wrong('readiness-probe-failing', {
    title: `Container ${status.name} of ${ownerName(pod)} gives its readiness probe no answer`,
    evidence: [...lines, ...(limit === undefined ? [] : [limit.evidence])],
    why: `No answer comes in the probe's time: it waits, ${servesWeb(status.name) ? 'mostly for a lock that another session of the database holds, or ' : ''}for a processor that others keep busy.`,
    fix: fixOf([...(limit === undefined ? [] : [limit.fix]), ...(servesWeb(status.name) ? whoBlocks(evidence) : []), logOf(pod, status.name)], 'kubectl top node # whether it has a processor at all'),
  })
}

function logOf(pod: KubernetesObject, container: string): string {
  return `kubectl -n ${pod.metadata.namespace ?? 'default'} logs ${pod.metadata.name} -c ${container} --tail=30 # what it does instead`
}
