/**
 * What admission said to an object: a LimitRange, a policy, a level of pod security, or a webhook, which may also
 * not be there to be asked.
 */
import type { KubernetesObject } from '../access.ts'
import { type Failed, failed, fixOf, inNamespace } from './observation.ts'
import { templateOf } from './template.ts'

export interface Refusal {
  workload: KubernetesObject
  message: string
  evidence: string[]
}

/** A LimitRange, for what it says or for the limit that it gave what has none of its own. */
export function limits({ workload, message, evidence }: Refusal): Failed | undefined {
  const [rule] = /(maximum|minimum) \S+ usage per \w+ is [^.]*|\S+ max limit to request ratio per \w+ is [^.]*/.exec(message) ?? []
  if (rule !== undefined) return refusedBy(workload, 'a LimitRange', evidence, { mend: widened(workload) })
  const [, resource] = /Pod "[^"]*" is invalid: .*must be less than or equal to (\S+) limit/.exec(message) ?? []
  if (resource === undefined || !hasNoLimit(workload, resource)) return undefined
  return refusedBy(workload, `a LimitRange, whose default limit of ${resource} is less than they ask for`, evidence, { mend: widened(workload) })
}

function hasNoLimit(workload: KubernetesObject, resource: string): boolean {
  const { initContainers, containers } = templateOf(workload)
  return workload.kind !== 'Release' && ![...(initContainers ?? []), ...(containers ?? [])].some(({ resources }) => resources?.limits?.[resource] !== undefined)
}

/** Its name is not said, and there may be several: all are opened. */
function widened(workload: KubernetesObject): string {
  return `kubectl ${inNamespace(workload)} edit limitrange # room for what the evidence says they ask for`
}

/** From restricted to baseline, which still forbids what is known to be dangerous; of who does not reach that, what it does is to be looked at first. */
function lowered({ metadata: { namespace = '' } }: KubernetesObject, message: string): { mend: string } | { look: string } {
  return message.includes('PodSecurity "restricted')
    ? { mend: `kubectl label --overwrite namespace ${namespace} pod-security.kubernetes.io/enforce=baseline # where this namespace is for Airflow alone` }
    : { look: `kubectl get namespace ${namespace} --show-labels` }
}

/** A registry whose signatures it checks, a vault: failed to verify image …: dial tcp: lookup index.docker.io on 10.96.0.10:53: … i/o timeout */
const ownTrouble = /\bdial tcp\b|i\/o timeout|deadline exceeded|connection refused|\b503\b/
/** Before Kubernetes 1.20, and since. */
const podSecurityPolicy = /unable to validate against any pod security policy|PodSecurityPolicy: unable to admit pod|no providers available to validate pod request/

const webhooks = 'kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations'

export function admission({ workload, message, evidence }: Refusal): Failed | undefined {
  const [, webhook] = /admission webhook "([^"]+)" denied the request/.exec(message) ?? []
  if (webhook !== undefined && ownTrouble.test(message)) return cannotAsk(workload, webhook, evidence)
  if (webhook !== undefined) return refusedBy(workload, `webhook ${webhook}`, evidence, { look: webhooks })
  const [, policy] = /ValidatingAdmissionPolicy '([^']+)'.* denied request/.exec(message) ?? []
  if (policy !== undefined) return refusedBy(workload, `ValidatingAdmissionPolicy ${policy}`, evidence, { look: `kubectl get validatingadmissionpolicy ${policy} -o yaml` })
  if (podSecurityPolicy.test(message)) return refusedBy(workload, 'every PodSecurityPolicy', evidence, { look: 'kubectl get podsecuritypolicies' })
  if (message.includes('unable to validate against any security context constraint')) return refusedBy(workload, 'every SecurityContextConstraints', evidence, { look: 'kubectl get securitycontextconstraints' })
  if (message.includes('violates PodSecurity')) return refusedBy(workload, 'the namespace\'s pod security level', evidence, lowered(workload, message))
  return undefined
}

/** Longer than a registry, a line or a vault most often is away. */
const ownTroubleMs = 300_000

function cannotAsk(workload: KubernetesObject, webhook: string, evidence: string[]): Failed {
  return failed(workload, 'admission-refused', {
    title: `${thoseOf(workload)} are refused by webhook ${webhook}, which cannot reach what it asks itself`,
    evidence,
    why: 'It denies what it cannot judge; once it reaches what its message names, the next try is let in.',
    fix: ['kubectl get pods -A # whether what the message names runs, and whether pods reach it: a registry, a vault, the cluster\'s DNS', webhooks],
  }, ownTroubleMs)
}

function thoseOf({ kind }: KubernetesObject): string {
  return kind === 'Release' ? 'The chart\'s objects' : 'Pods'
}

/** What makes it let them in, where one command does; else where to see what it wants. */
function refusedBy(workload: KubernetesObject, who: string, evidence: string[], { mend, look }: { mend?: string, look?: string }): Failed {
  return failed(workload, 'admission-refused', {
    title: `${thoseOf(workload)} are refused by ${who}`,
    evidence,
    why: 'It judged the object itself, so the same one is refused again each time.',
    fix: fixOf(
      mend === undefined ? [] : [mend],
      'npx tsx run.ts apply --from helm # once what it objects to is changed in airflow.values, or the namespace is exempt',
      ...(look === undefined ? [] : [look]),
    ),
  })
}

/** Its configuration was left behind when it was removed; one that does not answer may only be starting. */
export function webhookGone({ workload, message, evidence }: Refusal): Failed | undefined {
  const [, webhook, service] = /failed (?:calling|to call) webhook "([^"]+)".*service "([^"]+)" not found/s.exec(message) ?? []
  if (webhook === undefined) return undefined
  return failed(workload, 'admission-webhook-down', {
    title: `Webhook ${webhook} cannot be called, and nothing is made without it`,
    evidence,
    why: `The API server asks it before it makes a pod, and its service ${service ?? ''} does not exist (any more).`,
    fix: [`${webhooks} # delete the one of what was removed, or install that again`],
  }, 60_000)
}

