/**
 * What the API server refused a controller that wanted to make a pod or a claim.
 *
 *   Warning FailedCreate: create Pod airflow-postgresql-0 in StatefulSet airflow-postgresql failed error: pods
 *     "airflow-postgresql-0" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4
 *
 * Only what is known to be an answer to the object itself is final. A webhook that cannot be reached
 * may only be starting, and anything unknown is waited for.
 */
import type { Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { type Refusal, admission, limits, webhookGone } from './admission.ts'
import { observeClaim } from './claim.ts'
import { isDefault } from './class.ts'
import { eventsAbout, latest, timeOf } from './events.ts'
import { type Context, type Failed, type Observation, failed, fixOf, inNamespace, nameOf, triedAgain, waiting } from './observation.ts'
import { controllerOf, isTask, someoneLeaves } from './owners.ts'
import { someoneIsReplaced } from './scheduling.ts'

/** Undefined where the last thing the controller did was not refused. */
export function observeRefusal(workload: KubernetesObject, context: Context): Observation | undefined {
  const event = latest(eventsAbout(workload, context.events), 'FailedCreate', 'SuccessfulCreate')
  if (event?.reason !== 'FailedCreate') return undefined
  return judgeRefusal(workload, event.message ?? '', timeOf(event), context)
}

/** What is said to any pod, and not of this one alone. */
function isOfAll({ finding: { id } }: Failed, message: string): boolean {
  return (id === 'quota-exceeded' && !message.includes('must specify')) || id === 'admission-webhook-down' || (id === 'admission-refused' && message.includes('admission webhook'))
}

/** A Job is tried again after ten seconds, then twenty, then forty. */
const nextTryMs = 90_000

/**
 * Whoever refused may not any more: its own next try tells. Pods of tasks and Jobs come and go. And a quota which was
 * full may have room where a pod was taken away since, as in a rolling update.
 */
function letInSince(lastTry: number, { finding: { id } }: Failed, message: string, { pods, events, now }: Context): boolean {
  const lasting = pods.filter((pod) => !isTask(pod) && !['Job', undefined].includes(controllerOf(pod)?.kind))
  const taken = (events as readonly unknown[] as Event[]).filter(({ reason }) => id === 'quota-exceeded' && isOfPods(message) && reason === 'SuccessfulDelete')
  const times = [...lasting.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '')), ...taken.map(timeOf)]
  return now.getTime() - lastTry < nextTryMs && times.some((time) => time > lastTry)
}

/** A controller's pauses between tries double, up to this. */
const longestPauseMs = 1_000_000

export function judgeRefusal(workload: KubernetesObject, message: string, lastTry: number | undefined, context: Context): Observation {
  const refusal = { workload, message, evidence: [`${nameOf(workload)}: ${message}`] }
  const final = twoDefaults(refusal, context) ?? quota(refusal, context) ?? limits(refusal) ?? admission(refusal)
    ?? serviceAccount(refusal) ?? missingClass(refusal) ?? webhookGone(refusal) ?? invalid(refusal) ?? claimLeaves(refusal, context)
  if (!final) return waiting(`cannot make a pod: ${message}`)
  if (lastTry !== undefined && isOfAll(final, message) && letInSince(lastTry, final, message, context)) return waiting(`could not make a pod, as others could since then: ${message}`)
  return triedAgain(final, lastTry, context.now, longestPauseMs)
}

/** `pvc data-airflow-postgresql-0 is being deleted`: no pod comes before another claim of that name can. */
function claimLeaves({ workload, message }: Refusal, context: Context): Failed | undefined {
  const [, name] = / pvc (\S+) is being deleted$/.exec(message) ?? []
  const claim = context.claims.find(({ metadata }) => metadata.name === name && metadata.namespace === workload.metadata.namespace)
  const look = claim === undefined ? undefined : observeClaim(claim, context)
  return look?.state === 'failed' ? look : undefined
}

function twoDefaults({ workload, message, evidence }: Refusal, { classes }: Context): Failed | undefined {
  // Somebody unmarked one since: the next try will do.
  if (!classes || classes.filter(isDefault).length < 2) return undefined
  if (!/\d+ default StorageClasses were found/.test(message)) return undefined
  return failed(workload, 'two-default-storageclasses', {
    title: 'More than one StorageClass is marked as the default',
    evidence,
    why: 'Before Kubernetes 1.26 a claim without a class is refused then, since there is no telling which is meant.',
    fix: (classes ?? []).filter(isDefault).slice(1).map(({ metadata: { name } }) =>
      `kubectl patch storageclass ${name} -p '{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"false"}}}'`) as [string, ...string[]],
  })
}

/** What a pod has that should be gone is counted until the quota's controller counts anew. */
const recountMs = 300_000

/** Full for now may empty again when a Job ends, or a rolling update; a request beyond the limit never fits. */
function quota({ workload, message, evidence }: Refusal, { pods, now }: Context): Failed | undefined {
  const [, name] = /(?:exceeded|failed) quota: ([^\s,:]+)/.exec(message) ?? []
  if (name === undefined) return undefined
  const unset = message.includes('must specify')
  const { namespace } = workload.metadata
  if (!unset && isOfPods(message) && (someoneLeaves(namespace, pods, now, recountMs) || someoneIsReplaced(namespace, pods))) return undefined
  return failed(workload, 'quota-exceeded', {
    title: unset ? `Quota ${name} wants requests and limits on every pod` : `Quota ${name} leaves no room`,
    evidence,
    why: 'The namespace has a ResourceQuota, and nothing in it is about to give anything back.',
    fix: fixOf(
      unset ? defaults(workload, message) : raised(workload, name, message),
      `npx tsx run.ts apply --from helm # once ${unset ? 'airflow.values have resources for each component' : 'the quota is larger, or airflow.values ask for less'}`,
      `kubectl ${inNamespace(workload)} describe quota ${name}`,
    ),
  })
}

/** What a pod gives back when it ends: not its claims, nor a Service. */
const ofPods = /^(count\/)?pods$|^((requests|limits)\.)?(cpu|memory|ephemeral-storage)$|^requests\.[^/]+\/|^hugepages-/

function isOfPods(message: string): boolean {
  const [, requested = ''] = /requested: (\S+)/.exec(message) ?? []
  const names = requested.split(',').map((one) => one.replace(/=.*/, '')).filter((name) => name !== '')
  return names.length === 0 || names.some((name) => ofPods.test(name))
}

/** requested: pods=1, used: pods=4, limited: pods=4. Counts alone: what is right for memory or CPU is the owner's to say. */
function raised(workload: KubernetesObject, name: string, message: string): string[] {
  const [, limited = ''] = /limited: ([^ ]+)/.exec(message) ?? []
  const hard = Object.fromEntries([...limited.matchAll(/([\w./-]+)=(\d+)(?=,|$)/g)].map(([, key = '', count]) => [key, String(Number(count) + enough)]))
  return Object.keys(hard).length === 0 ? [] : [`kubectl ${inNamespace(workload)} patch resourcequota ${name} -p '${JSON.stringify({ spec: { hard } })}' # room for Airflow beside what there is`]
}

/** What a container of Airflow comes out with, where it has to say a number. */
const usual = { limits: { cpu: '2', memory: '2Gi', 'ephemeral-storage': '4Gi' }, requests: { cpu: '100m', memory: '128Mi', 'ephemeral-storage': '128Mi' } } as const

/** failed quota: compute: must specify limits.memory,requests.cpu. With a default limit alone, a container would ask for as much. */
function defaults(workload: KubernetesObject, message: string): string[] {
  const [, words = ''] = /must specify ([\w.,-]+)/.exec(message) ?? []
  const names = [...new Set(words.split(',').map((word) => word.replace(/^(limits|requests)\./, '')))].filter((name): name is keyof typeof usual.limits => name in usual.limits)
  if (names.length === 0) return []
  const pick = (from: Record<string, string>): Record<string, string | undefined> => Object.fromEntries(names.map((name) => [name, from[name]]))
  const range = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'defaults' }, spec: { limits: [{ type: 'Container', default: pick(usual.limits), defaultRequest: pick(usual.requests) }] } }
  return [`echo '${JSON.stringify(range)}' | kubectl ${inNamespace(workload)} create -f - # for what says no number of its own; smaller ones where the quota is small`]
}

/** Pods, claims or Services of a whole Airflow, and a rollout of it. */
const enough = 20

function serviceAccount({ workload, message, evidence }: Refusal): Failed | undefined {
  const [, name] = /serviceaccount "([^"]+)" not found/i.exec(message) ?? []
  if (name === undefined) return undefined
  return failed(workload, 'service-account-missing', {
    title: `Service account ${name} does not exist`,
    evidence,
    why: 'Pods that run as it cannot be made.',
    fix: [`kubectl ${inNamespace(workload)} create serviceaccount ${name}`, 'or let the chart make it (serviceAccount.create: true in airflow.values)'],
  })
}

/** pods "x" is forbidden: no PriorityClass with name nope was found · pod rejected: RuntimeClass "nope" not found */
function missingClass({ workload, message, evidence }: Refusal): Failed | undefined {
  const [, priority, runtime] = /no PriorityClass with name (\S+) was found|RuntimeClass "?([^\s"]+)"? not found/i.exec(message) ?? []
  const name = priority ?? runtime
  if (name === undefined) return undefined
  const kind = priority === undefined ? 'RuntimeClass' : 'PriorityClass'
  return failed(workload, 'admission-refused', {
    title: `${kind} ${name} does not exist`,
    evidence,
    why: 'Pods that name it are refused until it is there.',
    fix: [`kubectl get ${kind.toLowerCase()} # then name one of these, or none, in airflow.values (${kind === 'PriorityClass' ? 'priorityClassName' : 'runtimeClassName'}), and run again`],
  })
}

function invalid({ workload, message, evidence }: Refusal): Failed | undefined {
  if (!/(Pod|PersistentVolumeClaim) "[^"]*" is invalid: /.test(message)) return undefined
  return failed(workload, 'object-invalid', {
    title: `${nameOf(workload)} describes pods that Kubernetes does not take`,
    evidence,
    why: 'The API server names the field and what is wrong with it.',
    fix: ['npx tsx run.ts apply --from helm # once the value behind that field in airflow.values is right'],
  })
}
