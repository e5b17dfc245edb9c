/** A webhook that everything waits for and that nobody answers. It may only be starting, so it ends no wait. */
import type { Event } from 'kubernetes-types/core/v1.js'
import type { MutatingWebhook } from 'kubernetes-types/admissionregistration/v1.js'
import type { LabelSelector } from 'kubernetes-types/meta/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { describeEvent, timeOf } from '../../../observe/events.ts'
import { fixOf, nameOf } from '../../../observe/observation.ts'
import { copiedAway } from '../../../observe/copied-away.ts'
import { matchesLabels } from '../../../observe/selector.ts'
import type { Evidence } from '../../evidence.ts'
import { type Rule, wrong } from '../../rule.ts'

export const webhookRules: readonly Rule[] = [webhookDown]

// Internal error occurred: failed calling webhook "pods.example.org": Post "https://hook.kyverno.svc:443/?timeout=10s": service "hook" not found
const failedCall = /failed (?:calling|to call) webhook "([^"]+)"/
/** A controller's pauses between two tries grow to about this. */
const currentMs = 1_200_000

interface Call {
  /** `deployment/airflow-webserver`, whose controller was refused. */
  target?: string | undefined
  webhook: string
  seen: string
  text: string
}

function webhookDown(evidence: Evidence): Finding[] {
  const byName = new Map(callsIn(evidence).map((call) => [call.webhook, call]))
  return [...byName.values()].flatMap((call): Finding[] => {
    const configuration = evidence.webhooks?.find((one) => hooksOf(one).some(({ name }) => name === call.webhook))
    // Gone since: then nobody asks it any more.
    if (evidence.webhooks !== undefined && configuration === undefined) return []
    return [finding(call, configuration, evidence)]
  })
}

function callsIn(evidence: Evidence): Call[] {
  const { events, workloads, said, at } = evidence
  const refused = (events as readonly unknown[] as Event[]).filter(({ reason }) => reason === 'FailedCreate')
  const inEvents = new Set(refused.filter(({ message = '' }) => failedCall.test(message)).map(targetOf))
  const failures = refused
    .filter((event) => Date.parse(at) - timeOf(event) <= currentMs && !madeSince(event, events) && !letInSince(event, evidence))
    .map((event) => ({ target: targetOf(event), seen: `${event.involvedObject.kind ?? ''} ${event.involvedObject.name ?? ''}: ${describeEvent(event)}`, text: event.message ?? '' }))
  const told = said.map(({ source, text }) => ({ target: undefined, seen: `${source}: ${text.split('\n').find((line) => failedCall.test(line)) ?? ''}`, text }))
  return [...told, ...workloads.flatMap(refusedIn).filter(({ target }) => !inEvents.has(target)), ...failures].flatMap(({ target, seen, text }) => {
    const [, webhook] = failedCall.exec(text) ?? []
    return webhook === undefined ? [] : [{ target, webhook, seen, text }]
  })
}

/** A Deployment says so before the event of its ReplicaSet is there, and still until its next try when the webhook is back. */
function refusedIn(workload: KubernetesObject): Omit<Call, 'webhook'>[] {
  const { conditions = [] } = (workload.status ?? {}) as { conditions?: { type: string; status: string; message?: string }[] }
  const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
  return failure === undefined ? [] : [{ target: `${workload.kind.toLowerCase()}/${workload.metadata.name}`, seen: `${nameOf(workload)}: ReplicaFailure: ${failure.message ?? ''}`, text: failure.message ?? '' }]
}

/** A ReplicaSet's name is its Deployment's and a hash. A CronJob makes its next Job at the next time. */
function targetOf({ involvedObject: { kind = '', name = '' } }: Event): string | undefined {
  if (kind === 'CronJob') return undefined
  return kind === 'ReplicaSet' ? `deployment/${name.replace(/-[^-]+$/, '')}` : `${kind.toLowerCase()}/${name}`
}

function madeSince(failure: Event, events: readonly KubernetesObject[]): boolean {
  return (events as readonly unknown[] as Event[]).some((event) =>
    event.reason === 'SuccessfulCreate' && event.involvedObject.uid === failure.involvedObject.uid && timeOf(event) > timeOf(failure))
}

/**
 * Whoever it let in since it has answered, where it was asked of that pod: `Created pod: airflow-scheduler-6d5b9c7f9-x2x4z`,
 * `create Pod airflow-worker-0 in StatefulSet airflow-worker successful`. Those of Jobs come and go.
 */
function letInSince(failure: Event, { events, pods, webhooks = [] }: Evidence): boolean {
  // A Job is no pod, and may be all that it is asked of.
  if (failure.involvedObject.kind === 'CronJob') return false
  const [, webhook] = failedCall.exec(failure.message ?? '') ?? []
  const selectors = webhooks.flatMap(hooksOf).flatMap(({ name, objectSelector }) => (name === webhook && objectSelector !== undefined ? [objectSelector] : []))
  const isAsked = (name: string): boolean => selectors.every((selector) => Object.keys(selector).length === 0 || matchesAny(selector, pods.filter(({ metadata }) => metadata.name === name)))
  return (events as readonly unknown[] as Event[]).some((event) => {
    const [, name] = /^created? pod:? (\S+)/i.exec(event.message ?? '') ?? []
    return event.reason === 'SuccessfulCreate' && /^(ReplicaSet|StatefulSet|DaemonSet)$/.test(event.involvedObject.kind ?? '') && timeOf(event) > timeOf(failure) && name !== undefined && isAsked(name)
  })
}

function matchesAny(selector: LabelSelector, pods: readonly KubernetesObject[]): boolean {
  return pods.some(({ metadata }) => matchesLabels(selector, metadata.labels))
}

function hooksOf(configuration: KubernetesObject): MutatingWebhook[] {
  return (configuration.webhooks ?? []) as MutatingWebhook[]
}

function finding({ target, webhook, seen, text }: Call, configuration: KubernetesObject | undefined, { namespace }: Evidence): Finding {
  const look = 'kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations'
  const said = { title: `Webhook ${webhook} cannot be called, and nothing is made without it`, why: 'The API server asks it before it makes a pod or another object, and refuses all where it gets no answer: what runs it was removed or is down.' }
  if (configuration === undefined) return wrong('admission-webhook-down', { ...said, evidence: [seen], fix: [`${look} # find ${webhook}, start its service, or delete its configuration`] })
  const index = hooksOf(configuration).findIndex(({ name }) => name === webhook)
  const service = hooksOf(configuration)[index]?.clientConfig.service
  const object = `${configuration.kind.toLowerCase()} ${configuration.metadata.name}`
  const gone = /service "[^"]+" not found/.test(text)
  const start = service === undefined ? [] : [`kubectl -n ${service.namespace} get service,endpoints,pods # service ${service.name} is to answer: start what runs it`]
  const leaveOut = `${copiedAway(configuration.kind.toLowerCase(), [configuration.metadata.name])} # when what it belongs to was removed: this was left behind`
  const ignore = `kubectl patch ${object} --type=json -p '[{"op":"replace","path":"/webhooks/${index}/failurePolicy","value":"Ignore"}]' # goes on without its word until it is back`
  return wrong('admission-webhook-down', {
    ...said,
    evidence: [seen, `${configuration.kind} ${configuration.metadata.name} names it${service === undefined ? '' : `, at service ${service.namespace}/${service.name}`}`],
    fix: fixOf(
      gone ? [leaveOut] : [ignore, ...start, leaveOut],
      afterwards(target, namespace),
    ),
  })
}

/** Its controller tries again by itself, and only after minutes. A Job has no rollout. */
function afterwards(target: string | undefined, namespace: string): string {
  if (target?.startsWith('job/') === true) return 'npx tsx run.ts apply --from helm # makes it again'
  return target === undefined ? 'npx tsx run.ts apply' : `kubectl -n ${namespace} rollout restart ${target} # afterwards: else its controller tries again only after minutes`
}
