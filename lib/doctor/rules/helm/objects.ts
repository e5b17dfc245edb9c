/** Objects of the release that are not there any more, that were scaled down, or that are on their way out with their namespace. */
import type { KubernetesObject, Release, ReleaseHook } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { scaledByOthers, standingHooks } from '../../../airflow/hand-edits.ts'
import { faults } from '../../../observe/faults.ts'
import { foreignFinalizers, letGo } from '../../../observe/finalizers.ts'
import { ageMs, nameOf } from '../../../observe/observation.ts'
import { observe } from '../../../observe/registry.ts'
import { scaledToNone } from '../../../observe/release.ts'
import { mainContainersOf, reads, templateOf, variablesOf } from '../../../observe/template.ts'
import { type Evidence, viewOf } from '../../evidence.ts'
import { launchersOf } from '../../launchers.ts'
import { lives } from '../../lives.ts'
import { type Rule, doubtful, wrong } from '../../rule.ts'
import { namedSecrets, verdictOf } from './lock.ts'

export const objectRules: readonly Rule[] = [terminating, missing, going, edited, overridden, scaled, paused]

/** Where the release is gone already there is nothing to wait for: without it, this is what is told of it. */
function terminating({ ownNamespace, record, at }: Evidence): Finding[] {
  const since = ownNamespace?.metadata.deletionTimestamp
  if (ownNamespace === undefined || since === undefined || (record !== undefined && ageMs(since, new Date(at)) < faults['namespace-terminating'].settleMs)) return []
  const { name } = ownNamespace.metadata
  const { conditions = [] } = (ownNamespace.status ?? {}) as { conditions?: { type: string; status: string; message?: string }[] }
  const holding = conditions.filter(({ status }) => status === 'True')
  const undiscovered = holding.some(({ type }) => type === 'NamespaceDeletionDiscoveryFailure')
  return [wrong('namespace-terminating', {
    title: `Namespace ${name} is being deleted`,
    evidence: [`it was deleted at ${since}`, ...holding.map(({ type, message = '' }) => `${type}: ${message}`)],
    why: undiscovered ? 'An API service does not answer, so Kubernetes cannot know whether the namespace is empty.' : 'It is gone when everything in it is, and what still has a finalizer waits for whoever set it; nothing new can be made in it.',
    fix: [
      undiscovered ? 'kubectl get apiservice | grep False # bring back what serves it, or delete the apiservice' : `kubectl -n ${name} get pods,pvc,jobs,ingressroutes -o custom-columns=KIND:.kind,NAME:.metadata.name,FINALIZERS:.metadata.finalizers # end what is held`,
      'npx tsx run.ts apply # when it is gone; it makes the namespace again',
    ],
  })]
}

/**
 * Of a release that is deployed everything was made, and of one whose last hook failed as well. Jobs may
 * leave by themselves.
 */
export function goneObjects(evidence: Evidence): KubernetesObject[] {
  const { record, namespace, ownNamespace } = evidence
  if (record === undefined || ownNamespace?.metadata.deletionTimestamp !== undefined) return []
  const all = isAllMade(record, evidence)
  if (!all && !isLeft(record, evidence)) return []
  const made = [...record.objects, ...standingHooks(record)].filter(({ kind, metadata }) => kind !== 'Job' && (metadata.namespace ?? namespace) === namespace && (all || isBeforeWorkload({ kind, metadata }, evidence)))
  return made.filter(({ kind, metadata }) => lives(evidence, kind, metadata.name) === false)
}

function missing(evidence: Evidence): Finding[] {
  const { record, namespace, ownNamespace } = evidence
  if (record === undefined || ownNamespace?.metadata.deletionTimestamp !== undefined) return []
  const launching = launchersOf(record).flatMap(({ binding, role }) => [binding, role])
  // Who may not make pods any more is told of those.
  const gone = goneObjects(evidence).filter((object) => !launching.includes(object)).map(({ kind, metadata }) => `${kind} ${namespace}/${metadata.name}`)
  const keys = isAllMade(record, evidence) ? namedSecrets(evidence).filter((name) => lives(evidence, 'Secret', name) === false).map((name) => `Secret ${namespace}/${name}`) : []
  const names = [...new Set([...gone, ...keys])]
  const [first] = names
  if (first === undefined) return []
  const fernet = keys.some((name) => name.endsWith('-fernet-key'))
  return [wrong('release-object-missing', {
    title: names.length === 1 ? `${first} does not exist, and the release needs it` : `${names.length} objects of the release do not exist`,
    evidence: names.map((name) => `${name} is part of Helm's revision ${record.revision} and is not there`),
    why: 'It was deleted after Helm had made it. What runs may go on for a while, but no new pod starts without it.',
    fix: fernet
      ? ['Make the Secret again from a backup, if there is one: a new Fernet key cannot read the connections that are stored', 'npx tsx run.ts apply # otherwise: makes again what is missing, with a new key']
      : ['npx tsx run.ts apply # makes again what is missing'],
  })]
}

/** Hooks that come after begin when all is made; of one that Helm was waiting for when it was ended only its Job tells. */
function isAllMade({ status, description, hooks, updatedAt }: Release, { jobs }: Evidence): boolean {
  if (status === 'deployed' || (status === 'failed' && /failed post-install|post-upgrade hooks failed/.test(description))) return true
  // Some come before an upgrade and after an install.
  const after = hooks.filter(({ events }) => (status === 'failed' ? !events.some((event) => /^pre-(install|upgrade|rollback)$/.test(event)) && events.some((event) => /^post-(install|upgrade|rollback)$/.test(event)) : events.includes(status.replace('pending-', 'post-'))))
  const since = Math.floor(Date.parse(updatedAt) / 1000) * 1000
  const isMade = ({ ref }: ReleaseHook): boolean => ref.kind === 'Job' && jobs.some(({ metadata }) => metadata.name === ref.name && Date.parse(metadata.creationTimestamp ?? '') >= since)
  return after.some((hook) => /^(?:Running|Succeeded)$/.test(hook.phase) || isMade(hook))
}

/** By a Helm that has failed or is gone, and that found a revision before: nobody makes or changes anything now, and that one's objects were there. */
function isLeft({ status, revision }: Release, evidence: Evidence): boolean {
  return revision > 1 && (status === 'failed' || (status.startsWith('pending-') && verdictOf(evidence).state === 'stale'))
}

/** Of what every executor has. Others come and go with the executor, before a workload that has been there all the time. */
const lastingServices = /(?:^|-)(?:postgresql(?:-hl)?|pgbouncer|redis|web|webserver|api-server)$/

/** Helm makes a Service before what it leads to: where that lives, there was one. */
function isBeforeWorkload({ kind, metadata }: Pick<KubernetesObject, 'kind' | 'metadata'>, { workloads }: Evidence): boolean {
  return kind === 'Service' && lastingServices.test(metadata.name) && workloads.some((workload) => workload.metadata.name === metadata.name.replace(/-hl$/, ''))
}

const heldMs = 60_000

/** Deleted, and there for as long as a finalizer says; `apply` can neither mend it nor make another. Claims have a rule of their own, for what they hold. */
function going({ record, workloads, ownNamespace, at }: Evidence): Finding[] {
  if (record?.status !== 'deployed' || ownNamespace?.metadata.deletionTimestamp !== undefined) return []
  const own = record.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  return workloads.flatMap((object): Finding[] => {
    const { name, deletionTimestamp: since } = object.metadata
    const foreign = foreignFinalizers(object)
    if (since === undefined || foreign.length === 0 || !own.includes(`${object.kind} ${name}`) || ageMs(since, new Date(at)) < heldMs) return []
    return [wrong('release-object-missing', {
      title: `${nameOf(object)} is being deleted, and a finalizer keeps it`,
      evidence: [`${nameOf(object)} was deleted at ${since}, and has the finalizers ${foreign.join(', ')}`],
      why: 'It goes when whoever set the finalizer has taken it away again; if nobody does any more, it never goes.',
      fix: [`${letGo(object)} && npx tsx run.ts apply # lets it go, and makes it again`],
    })]
  })
}

/** Not of the release, and stronger than airflow.cfg: an executor that nobody runs, for example. */
function overridden({ namespace, record, workloads }: Evidence): Finding[] {
  if (record?.status !== 'deployed') return []
  const found = workloads.flatMap((live) => {
    const want = record.objects.find(({ kind, metadata }) => kind === live.kind && metadata.name === live.metadata.name)
    const own = settingsOf(want)
    const added = want === undefined || own.length === 0 ? [] : settingsOf(live).filter((name) => !own.includes(name))
    return added.length === 0 ? [] : [{ live, added: [...new Set(added)] }]
  })
  if (found.length === 0) return []
  const unset = found.map(({ live, added }) => `kubectl -n ${namespace} set env ${live.kind.toLowerCase()}/${live.metadata.name} ${added.map((name) => `${name}-`).join(' ')}`)
  return [doubtful('config-edited', {
    title: 'Settings of Airflow were added by hand, as variables',
    evidence: found.flatMap(({ live, added }) => added.map((name) => `${nameOf(live)} has ${name}, which the release does not give it`)),
    why: 'A variable AIRFLOW__… counts more than airflow.cfg, for that part of Airflow alone: parts that are set otherwise do not work together.',
    fix: ['npx tsx run.ts apply # takes them away again; airflow.values (config, env) set them for all parts', `${unset.join(' && ')} # where a revision of Helm's that failed left them, in which apply sees no hand`],
  })]
}

function settingsOf(object: KubernetesObject | undefined): string[] {
  return mainContainersOf(object).flatMap(variablesOf).map(({ name }) => name).filter((name) => /^AIRFLOW__\w+$/.test(name))
}

interface Marked { metadata: { name: string }; marks?: Record<string, number>; written?: { by: string; at: string } }

/** Programs read them when they start, so one that was edited may show only with the next pod. */
function edited(evidence: Evidence): Finding[] {
  const { record, namespace, configMaps = [] } = evidence
  const made = record?.objects.filter(({ kind }) => kind === 'ConfigMap') ?? []
  const changed = made.flatMap((object) => {
    const live = configMaps.find(({ metadata }) => metadata.name === object.metadata.name) as Marked | undefined
    const [wanted, there] = [(object as Marked).marks, live?.marks]
    if (live === undefined || wanted === undefined || there === undefined) return []
    const keys = Object.keys({ ...wanted, ...there }).filter((key) => wanted[key] !== there[key])
    // Whoever only took something away has written nothing that is there.
    const by = live.written === undefined || live.written.by === 'helm' ? '' : `, written by ${live.written.by} at ${live.written.at}`
    return keys.length === 0 ? [] : [{ name: live.metadata.name, line: `ConfigMap ${namespace}/${live.metadata.name} is not as the release has it: ${keys.join(', ')}${by}` }]
  })
  if (record === undefined || changed.length === 0) return []
  const lines = changed.map(({ line }) => line)
  const suffers = record.objects.some((object) => ['Deployment', 'StatefulSet'].includes(object.kind) && evidence.workloads.some((one) => one.kind === object.kind && one.metadata.name === object.metadata.name && isShort(one) && changed.some(({ name }) => reads(templateOf(one), 'ConfigMap', name))))
  return [(suffers ? wrong : doubtful)('config-edited', {
    title: lines.length === 1 ? `${String(lines[0]).replace(/ is not as .*/, '')} of the release was edited by hand` : `${lines.length} ConfigMaps of the release were edited by hand`,
    evidence: lines,
    why: 'Who uses it reads it when it starts, so what runs goes on with what it has read, and what starts takes the edited one.',
    fix: ['npx tsx run.ts apply # puts it back, and begins anew what has read the edited one'],
  })]
}

function isShort({ spec, status }: KubernetesObject): boolean {
  const { replicas = 1 } = (spec ?? {}) as Scale
  const { readyReplicas = 0 } = (status ?? {}) as { readyReplicas?: number }
  return readyReplicas < replicas
}

interface Scale { replicas?: number; paused?: boolean }

/** The live workloads of the manifest, each beside what the manifest says; what lives was made, even where not all was. */
function workloadsOf(evidence: Evidence): { want: Scale; live: KubernetesObject }[] {
  const { record, workloads, namespace } = evidence
  return (record !== undefined && (isAllMade(record, evidence) || isLeft(record, evidence)) ? record.objects : []).flatMap(({ kind, metadata, spec }) => {
    const live = workloads.find((one) => one.kind === kind && one.metadata.name === metadata.name && (metadata.namespace ?? namespace) === one.metadata.namespace)
    return live === undefined || !['Deployment', 'StatefulSet'].includes(kind) ? [] : [{ want: (spec ?? {}), live }]
  })
}

function scaled(evidence: Evidence): Finding[] {
  if (evidence.autoscalers === undefined) return []
  const others = scaledByOthers(evidence.autoscalers)
  const fromZero = scaledByOthers(evidence.autoscalers.filter(mayScaleToNone))
  const fewer = workloadsOf(evidence).filter(({ want, live }) =>
    ((live.spec as Scale).replicas ?? 1) < (want.replicas ?? 1) && !((live.spec as Scale).replicas === 0 ? fromZero : others).some(({ kind, name }) => kind === live.kind && name === live.metadata.name))
  return fewer.map(({ want: { replicas: wanted = 1 }, live }) => {
    const { replicas = 1 } = live.spec as Scale
    const { finding } = scaledToNone(live, wanted)
    if (replicas === 0) return finding
    return { ...finding, severity: 'warning', title: `${nameOf(live)} is scaled to fewer pods than the release has`, evidence: [`${nameOf(live)}: spec.replicas is ${replicas}, the release has ${wanted}`] }
  })
}

/** At 0 an autoscaler is off (ScalingDisabled) and nothing comes back by itself; but KEDA goes there and back. */
function mayScaleToNone({ metadata, spec }: KubernetesObject): boolean {
  return metadata.labels?.['app.kubernetes.io/managed-by'] === 'keda-operator' || (spec as { minReplicas?: number }).minReplicas === 0
}

function paused(evidence: Evidence): Finding[] {
  const view = viewOf(evidence)
  return workloadsOf(evidence).filter(({ want, live }) => (live.spec as Scale).paused === true && want.paused !== true).map(({ live }) => {
    const { name, namespace = '' } = live.metadata
    const look = observe(live, view)
    return (look.state === 'done' ? doubtful : wrong)('scaled-to-zero', {
      title: `The rollout of ${nameOf(live)} is paused`,
      evidence: [`${nameOf(live)}: spec.paused is true`, ...(look.state === 'waiting' ? [`${nameOf(live)}: ${look.reason}`] : [])],
      why: 'While it is paused no change of it comes into effect, not even a repair.',
      fix: [`kubectl -n ${namespace} rollout resume deployment ${name} && npx tsx run.ts apply # what was changed by hand while it was paused would come into effect now, and is put back`],
    })
  })
}
