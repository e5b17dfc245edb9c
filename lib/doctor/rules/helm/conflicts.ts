/** What stands between the chart's objects and the cluster: kinds that it does not have, owners, fields that are fixed. */
import type { NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { lives } from '../../lives.ts'
import { type Match, matchesIn, quoted } from '../../failures.ts'
import { type Rule, wrong } from '../../rule.ts'
import { deleted } from '../../secret-commands.ts'
import { again } from './refusals.ts'

export const conflictRules: readonly Rule[] = [apiRemoved, foreign, fieldsTaken, hookThere, immutable]

/** How the chart is told to do without. */
const without: Record<string, string> = {
  PodDisruptionBudget: 'podDisruptionBudget.enabled: false for scheduler and webserver',
  CronJob: 'cleanup.enabled: false',
  HorizontalPodAutoscaler: 'workers.hpa.enabled: false (community chart: workers.autoscaling.enabled: false, or its apiVersion)',
  ScaledObject: 'workers.keda.enabled: false, or install KEDA first',
  Ingress: 'ingress.enabled: false; airstrip makes its own route',
  ServiceMonitor: 'no ServiceMonitor, or install the Prometheus operator first',
  PodSecurityPolicy: 'rbac.createPodSecurityPolicy: false',
}

function apiRemoved(evidence: Evidence): Finding[] {
  return matchesIn(evidence, /no matches for kind "(\w+)" in version "([^"]+)"/).filter(({ groups }) => !isThere(groups, evidence)).map((match) => {
    const [, kind = '', version = ''] = match.groups
    if (['IngressRoute', 'Middleware'].includes(kind)) return otherTraefik(match, kind, version)
    const switched = without[kind]
    return wrong('chart-api-removed', {
      title: `The chart makes a ${kind} of ${version}, which this cluster does not have`,
      evidence: [quoted(match), ...(evidence.versions === undefined ? [] : [`the cluster is ${evidence.versions.server}`])],
      why: 'Chart and cluster are of different ages, or what defines the kind is not installed; Helm makes nothing at all then.',
      fix: [
        `npx tsx run.ts charts # which chart versions fit this cluster; write one as airflow.version, then: ${again}`,
        ...(switched === undefined ? [] : [`Or do without it, in airflow.values: ${switched}`]),
      ],
    })
  })
}

/** A definition that came since; of a built-in kind there is none. */
function isThere([, kind = '', version = '']: RegExpExecArray, { definitions = [] }: Evidence): boolean {
  const [group = ''] = version.split('/')
  return definitions.some(({ metadata }) => metadata.name === `${kind.toLowerCase()}s.${group}`)
}

function otherTraefik(match: Match, kind: string, version: string): Finding {
  return wrong('traefik-crd-group-mismatch', {
    title: `The cluster does not know ${kind} of ${version}`,
    evidence: [quoted(match)],
    why: 'Traefik before 2.10 has traefik.containo.us, Traefik 3 only traefik.io; the chart was told the other one.',
    fix: [`kubectl get crd | grep traefik # take the group that is there, or leave the route to airstrip; then: ${again}`],
  })
}

const ownership = /(?:Unable to continue with (?:install|update): )?(\w+) "([^"]+)" in namespace "([^"]*)" exists and cannot be imported into the current release: invalid ownership metadata([^\n]*)/

function foreign(evidence: Evidence): Finding[] {
  const release = evidence.release ?? 'airflow'
  return matchesIn(evidence, ownership).filter(({ groups: [, kind = '', name = ''] }) => lives(evidence, kind, name) !== false).map((match) => {
    const [, kind = '', name = '', namespace = '', problem = ''] = match.groups
    const [, owner] = /release-name" must equal "[^"]*": current value is "([^"]*)"/.exec(problem) ?? []
    const where = namespace === '' ? '' : `-n ${namespace} `
    const what = `${kind.toLowerCase()} ${name}`
    const adopt = `kubectl ${where}label --overwrite ${what} app.kubernetes.io/managed-by=Helm && kubectl ${where}annotate --overwrite ${what} meta.helm.sh/release-name=${release} meta.helm.sh/release-namespace=${evidence.namespace} && ${again}`
    const rename = `Choose another airflow.release or airflow.namespace, and leave ${owner === undefined ? 'the object' : `release ${owner}`} alone`
    const remove = kind === 'PersistentVolumeClaim' ? [] : [`${removed(kind, name, namespace)} && ${again} # where nobody needs it`]
    return wrong('helm-foreign-resource', {
      title: `${kind} ${namespace === '' ? name : `${namespace}/${name}`} is there already and belongs to ${owner === undefined ? 'no Helm release' : `release ${owner}`}`,
      evidence: [quoted(match)],
      why: 'Helm takes over only what carries its label and the release\'s annotations, so that two owners do not undo each other; it makes nothing at all then.',
      fix: (owner === undefined ? [`${adopt} # Helm takes it over, and gives it what the chart has`, ...remove, rename] : [rename, `${adopt} # takes it away from ${owner}`]),
    })
  })
}

/** What is in a Secret may be nowhere else. */
function removed(kind: string, name: string, namespace: string): string {
  return kind === 'Secret' ? deleted(namespace, name) : `kubectl ${namespace === '' ? '' : `-n ${namespace} `}delete ${kind.toLowerCase()} ${name}`
}

/** Helm 4 applies by the server, which gives each field to whoever wrote it last and lets nobody else take it. */
const conflict = /conflict occurred while applying object (\S*)\/(\S+) \S+, Kind=(\w+): Apply failed with \d+ conflicts?: conflicts? with "([^"]+)"[^\n]*/

function fieldsTaken(evidence: Evidence): Finding[] {
  const { release = 'airflow' } = evidence
  return matchesIn(evidence, conflict).map((match) => {
    const [, namespace = '', name = '', kind = '', manager = ''] = match.groups
    return wrong('helm-foreign-resource', {
      title: `${manager} has taken fields of ${kind} ${namespace === '' ? name : `${namespace}/${name}`} that the chart sets`,
      evidence: [quoted(match)],
      why: 'Somebody changed them by hand, or a controller does, and Helm 4 does not write over another one\'s fields.',
      fix: [
        `helm get manifest ${release} -n ${evidence.namespace} | kubectl -n ${evidence.namespace} apply --server-side --force-conflicts --field-manager=helm -f - && ${again} # gives the fields back to Helm, with the chart's values`,
        'Or take what was changed into airflow.values, and run again',
      ],
    })
  })
}

/** A Job of before that nobody deletes first, since it is no hook of this release. What Helm gathered begins on a line of its own. */
function hookThere(evidence: Evidence): Finding[] {
  return matchesIn(evidence, /(?:failed (?:pre|post)-\w+|hooks failed|Hook \S+ \S+ failed): [^]{0,300}?\b(\w+)(?:\.[\w.-]+)? "([^"]+)" already exists/).map((match) => {
    const [, kind = '', name = ''] = match.groups
    return wrong('helm-foreign-resource', {
      title: `${kind} ${evidence.namespace}/${name} is there already, where a hook of the chart is to be`,
      evidence: [quoted(match)],
      why: 'Helm makes its hooks anew and does not touch what it has not made.',
      fix: [`${removed(kind, name, evidence.namespace)} && ${again}`],
    })
  })
}

/** What the API server says of a field that is fixed once an object is made. */
export const immutableWords = 'Forbidden: updates to statefulset spec|field is immutable|spec is immutable|[Ff]orbidden: may not|primary clusterIP can not be unset|may not change once set|field can not be less than|only dynamically provisioned pvc can be resized|cannot change roleRef'
/** Helm's own words, or those of the API server alone; several are joined by &&. */
const patched = new RegExp(`(?:cannot patch "([^"]+)" with kind (\\w+): |(\\w+)(?:\\.[\\w.-]+)? "([^"]+)" is invalid: )(?:(?! && )[^\\n])*(?:${immutableWords})(?:(?! && )[^\\n])*`)

function immutable(evidence: Evidence): Finding[] {
  return matchesIn(evidence, patched).flatMap((match) => {
    const [, patchedName, patchedKind, refusedKind, refusedName] = match.groups
    const [name, kind] = [patchedName ?? refusedName ?? '', patchedKind ?? refusedKind ?? '']
    return lives(evidence, kind, name) === false ? [] : wrong('immutable-field-on-upgrade', {
      title: `An upgrade would change what cannot be changed in ${kind} ${evidence.namespace}/${name}`,
      evidence: [quoted(match)],
      why: 'Kubernetes fixes these fields when the object is made, so it must be made again, or keep what it has.',
      fix: fixOf(kind, name, evidence.namespace),
    })
  })
}

function fixOf(kind: string, name: string, namespace: string): NonEmpty<string> {
  const back = 'Or take the change out of airflow.values again, and run again'
  if (kind === 'StatefulSet') return [`kubectl -n ${namespace} delete statefulset ${name} --cascade=orphan && ${again} # its pods and claims stay`, back]
  if (kind === 'PersistentVolumeClaim') return [`Take the change out of airflow.values again, then: ${again}`, `kubectl -n ${namespace} get pvc ${name} -o yaml # a new claim is a new, empty volume: move the data first`]
  return [`${removed(kind, name, namespace)} && ${again}`, back]
}
