/**
 * What the API server did not take from Helm itself: the words are those that it has for controllers, and here they
 * are in Helm's record. What cannot be changed in an object that is there is told in conflicts.ts.
 *
 *   services "airflow-webserver" is forbidden: exceeded quota: compute, requested: services=1, used: services=2, limited: services=2
 *   Deployment.apps "airflow-scheduler" is invalid: spec.template.spec.containers[0].image: Required value
 */
import type { Finding } from '../../../step.ts'
import { judgeRefusal } from '../../../observe/refusal.ts'
import { type Evidence, podsIn, viewOf } from '../../evidence.ts'
import { failuresOf, matchesIn, quoted } from '../../failures.ts'
import { type Rule, wrong } from '../../rule.ts'
import { immutableWords } from './conflicts.ts'
import { again } from './refusals.ts'

export const deniedRules: readonly Rule[] = [denied, invalid, forbidden]

/** Told by rules of their own, with more than the words. */
const toldElsewhere = ['object-invalid', 'admission-webhook-down', 'service-account-missing']

/** Of what controllers make the cluster itself tells whether it is still so; a run that failed for it is over. A line that begins with an object is what a wait said of it. */
const ofControllers = /^\s*(?:Deployment|ReplicaSet|StatefulSet|DaemonSet|Job|Release) \S+\/\S+: |\bError creating: |create Pod \S+ in StatefulSet|\bpods "[^"]+" is forbidden: (?!User )|create Claim \S+ for Pod|\bPod "[^"]+" is invalid/

function denied(evidence: Evidence): Finding[] {
  const { release: name = 'airflow', namespace } = evidence
  // Helm joins what failed at once.
  const parts = failuresOf(evidence).flatMap(({ text }) => text.split(/ && |\n/))
  return parts.filter((text) => !ofControllers.test(text)).flatMap((text): Finding[] => {
    const look = judgeRefusal({ apiVersion: 'helm.sh/v3', kind: 'Release', metadata: { name, namespace } }, text, undefined, viewOf(evidence))
    return look.state === 'failed' && !toldElsewhere.includes(look.finding.id) ? [look.finding] : []
  })
}

const notTaken = new RegExp(`(\\w+)(?:\\.[\\w.-]+)? "([^"]+)" is invalid: (?!(?:(?! && )[^\\n])*(?:${immutableWords}))(?:(?! && )[^\\n])*|(\\w+) in version "[^"]+" cannot be handled as a [^\\n]*|error validating data: [^\\n]*`)

function invalid(evidence: Evidence): Finding[] {
  return matchesIn(evidence, notTaken).filter(({ groups }) => groups[1] !== 'Pod').map((match) => {
    const [, kind, name, other] = match.groups
    return wrong('object-invalid', {
      title: `The chart makes ${kind === undefined ? (other === undefined ? 'an object' : `a ${other}`) : `${kind} ${name ?? ''}`} as Kubernetes does not take it`,
      evidence: [quoted(match)],
      why: 'The API server names the field and what is wrong with it; a number or a word where a text in quotes is wanted is the usual reason.',
      fix: [`${again} # once the value behind that field in airflow.values is right`],
    })
  })
}

/** clusterroles.rbac.authorization.k8s.io is forbidden: User "me" cannot create resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope */
function forbidden(evidence: Evidence): Finding[] {
  return matchesIn(evidence, /User "([^"]+)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"/).filter(({ groups }) => !runsInCluster(groups[1] ?? '', evidence)).map((match) => {
    const [, user = '', verb = '', resource = '', group = ''] = match.groups
    return wrong('permissions-denied', {
      title: `${user} may not ${verb} ${resource}${group === '' ? '' : `.${group}`}, which Helm has to do`,
      evidence: [quoted(match)],
      why: 'Helm acts as the user of the kubeconfig, and the chart needs more than this one may.',
      fix: [`${again} --kubeconfig /etc/kubernetes/admin.conf # the administrator's; K3s has /etc/rancher/k3s/k3s.yaml`, `kubectl auth can-i ${verb} ${resource} -n ${evidence.namespace} --as=${user} # asks whether it may now`],
    })
  })
}

/** What a failure quotes of events and logs speaks of whoever runs in the cluster: system:serviceaccount:local-path-storage:local-path-provisioner-service-account */
function runsInCluster(user: string, { pods, system }: Evidence): boolean {
  // A kubelet may read what its pods refer to, and the API server learns of a new pod a moment later.
  if (user.startsWith('system:node:')) return true
  return podsIn({ pods, system }).some(({ metadata: { namespace = 'default' }, spec }) => {
    const { serviceAccountName = 'default' } = (spec ?? {}) as { serviceAccountName?: string }
    return user === `system:serviceaccount:${namespace}:${serviceAccountName}`
  })
}
