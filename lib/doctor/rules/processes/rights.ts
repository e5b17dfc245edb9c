/** Who is to make the pods of tasks, and may not: the role or its binding is gone or was changed, or a log says so. */
import type { Subject } from 'kubernetes-types/rbac/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { fixOf, nameOf } from '../../../observe/observation.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { type Launcher, type Lost, launchersOf, lostBy } from '../../launchers.ts'
import { doubtful, wrong } from '../../rule.ts'
import { goneObjects } from '../helm/objects.ts'
import { logLines } from './statuses.ts'

// kubernetes.client.exceptions.ApiException: (403) … pods is forbidden: User \"system:serviceaccount:airflow:airflow-scheduler\" cannot list resource \"pods\" in API group \"\" in the namespace \"airflow\"
// Its words become parts of commands, and who writes a DAG may write into a log: names of Kubernetes alone.
const refusal = /(pods(?:\/\w+)?)(?: \\*"[^"]*")? is forbidden: User \\*"?system:serviceaccount:([a-z0-9][a-z0-9-]*):([a-z0-9][a-z0-9.-]*)\\*"? cannot (\w+) resource \\*"?([\w/]+)(?:.*in the namespace \\*"?([a-z0-9][a-z0-9-]*)\\*"?)?/

interface Refused {
  home: string
  account: string
  verb: string
  resource: string
  namespace: string
  seen: string
}

const why = 'With the Kubernetes executor the scheduler makes, watches and removes the pods of the tasks itself, and needs a role for that in the namespace where they run.'
const back = 'npx tsx run.ts apply # puts the role and its binding back'

export function mayNotLaunch(evidence: Evidence): Finding[] {
  const refused = logLines(evidence, refusal).map(({ text, evidence: seen }): Refused => {
    const [, , home = '', account = '', verb = '', resource = '', where] = refusal.exec(text) ?? []
    return { home, account, verb, resource, namespace: where ?? evidence.namespace, seen }
  })
  const lost = lostLaunchers(evidence)
  const isTold = ({ account, home, namespace }: Refused): boolean => namespace === home && lost.some(({ accounts }) => accounts.includes(account))
  return [
    ...lost.map((one) => unbound(one, refused.filter((said) => isTold(said) && one.accounts.includes(said.account)), evidence)),
    ...refused.filter((one) => !isTold(one)).map((one) => forbidden(one, evidence)),
  ]
}

interface Unbound extends Lost {
  title: string
}

/** What runs has asked already, and is refused only when it asks again. */
function lostLaunchers(evidence: Evidence): Unbound[] {
  const { record, namespace, roles = [] } = evidence
  const gone = goneObjects(evidence)
  return (record === undefined ? [] : launchersOf(record)).flatMap((launcher): Unbound[] => {
    const names = goneOf(launcher, gone, namespace)
    if (names.length > 0) return [{ title: `Nobody may make the pods of tasks: ${names.join(' and ')} ${names.length === 1 ? 'does' : 'do'} not exist`, changes: names.map((name) => `${name} is part of Helm's revision ${record?.revision ?? 0} and is not there`), accounts: launcher.accounts }]
    const lost = record?.status === 'deployed' ? lostBy(launcher, roles, namespace) : undefined
    return lost === undefined ? [] : [{ title: `Service account ${lost.accounts.join(', ')} may not make the pods of tasks: ${lost.changes.join(', and ')}`, ...lost }]
  })
}

function goneOf({ binding, role }: Launcher, gone: readonly KubernetesObject[], namespace: string): string[] {
  return [binding, role].flatMap((one) => (gone.includes(one) ? nameOf({ ...one, metadata: { ...one.metadata, namespace } }) : []))
}

function unbound({ title, changes, accounts }: Unbound, refused: readonly Refused[], { namespace, wanted }: Evidence): Finding {
  const needsIt = wanted === undefined || wanted.executor.includes('Kubernetes')
  const [account = 'airflow'] = accounts
  return (needsIt ? wrong : doubtful)('k8s-executor-forbidden', {
    title,
    evidence: [...changes, ...accounts.map((name) => `it is for service account ${name}`), ...refused.map(({ seen }) => seen)],
    why,
    fix: [back, `kubectl auth can-i create pods -n ${namespace} --as=system:serviceaccount:${namespace}:${account} # asks whether it may now`],
  })
}

function forbidden({ home, account, verb, resource, namespace, seen }: Refused, { record }: Evidence): Finding {
  const subject = `system:serviceaccount:${home}:${account}`
  const bindings = (record?.objects ?? []).filter(({ kind, subjects }) => /^(Cluster)?RoleBinding$/.test(kind) && Array.isArray(subjects) && (subjects as Subject[]).some(({ name }) => name === account))
  const [own] = bindings
  // A role for all namespaces is for this one, too.
  const elsewhere = namespace !== home && own?.kind !== 'ClusterRoleBinding'
  const bind = `kubectl -n ${namespace} create rolebinding ${account}-tasks --clusterrole=edit --serviceaccount=${home}:${account}`
  return wrong('k8s-executor-forbidden', {
    title: `Service account ${account} may not ${verb} ${resource} in namespace ${namespace}`,
    evidence: [seen, ...(elsewhere ? [`its role is for namespace ${home}, and the tasks are to run in ${namespace}`] : own === undefined ? ['no RoleBinding of the release is for it'] : [`the release makes ${own.kind} ${own.metadata.name} for it: that, or the role that it names, is gone or was changed`])],
    why,
    fix: fixOf(
      elsewhere ? ['npx tsx run.ts apply # where AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE, or config.kubernetes_executor.namespace in airflow.values, is not what was meant, and is taken away', `${bind} # where they are to run there`] : own === undefined ? [bind] : [back],
      `kubectl auth can-i ${verb} ${resource} -n ${namespace} --as=${subject} # asks whether it may now`,
      'In airflow.values: rbac.create: true, and the namespace of the tasks (config.kubernetes_executor.namespace) as where the role is',
    ),
  })
}
