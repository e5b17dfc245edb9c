/** What only a log says. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { BrokenDag } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { nameOf } from '../../../observe/observation.ts'
import { lasting, ownerName, targetOf, thenDeletePod } from '../../../observe/owners.ts'
import { placeOf } from '../../../observe/place.ts'
import { complaints } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { restarted } from '../../restart.ts'
import { type Rule, doubtful, wrong } from '../../rule.ts'
import { logLines } from './statuses.ts'

export const saidRules: readonly Rule[] = [withoutToken, otherCpu, brokenDag, logsRefused, logsUnreachable]

// kubernetes.config.config_exception.ConfigException: Service token file does not exists. · certification file of the same
const tokenless = /Service (?:token|certification) file does not exists?|\/var\/run\/secrets\/kubernetes\.io\/serviceaccount\/(?:token|ca\.crt)/

/** What a pod has of its account is decided when it is made. */
function withoutToken(evidence: Evidence): Finding[] {
  return complaints(evidence, tokenless).flatMap(({ pod, container, line }): Finding[] => {
    const { serviceAccountName = 'default', containers = [] } = (pod as Pod).spec ?? {}
    const own = containers.find(({ name }) => name === container)
    if (own === undefined || own.volumeMounts?.some(({ mountPath }) => mountPath === '/var/run/secrets/kubernetes.io/serviceaccount') === true) return []
    const target = targetOf(pod)
    const namespace = pod.metadata.namespace ?? evidence.namespace
    const anew = target === undefined ? `kubectl -n ${namespace} delete pod ${pod.metadata.name}` : `kubectl -n ${namespace} rollout restart ${target}${thenDeletePod(pod)}`
    return [wrong('k8s-executor-forbidden', {
      title: `${ownerName(pod)} has no token of its service account ${serviceAccountName}`,
      evidence: [`${placeOf(pod, container)}: ${line}`, `${nameOf(pod)} was made without one at ${String(pod.metadata.creationTimestamp)}`],
      why: 'The account, or the pod\'s template, says automountServiceAccountToken: false, or said so when the pod was made; without the token nobody makes the pods of tasks.',
      fix: [`kubectl -n ${namespace} patch serviceaccount ${serviceAccountName} -p '{"automountServiceAccountToken":true}' && ${anew}`, 'npx tsx run.ts apply # puts back what was changed by hand, and makes the pods anew that were made since'],
    })]
  })
}

/** standard_init_linux.go:228: exec user process caused: exec format error */
function otherCpu(evidence: Evidence): Finding[] {
  return logLines(evidence, /\bexec (?:user process caused.*|\S+: )?exec format error|: exec format error|^exec format error/i).map(({ pod, container, evidence: seen }) => {
    const object = evidence.pods.find(({ metadata }) => metadata.name === pod)
    type Named = { name: string; image?: string }[]
    const { nodeName, containers = [], initContainers = [] } = (object?.spec ?? {}) as { nodeName?: string; containers?: Named; initContainers?: Named }
    const node = evidence.nodes?.find(({ metadata }) => metadata.name === nodeName)
    const cpu = node?.metadata.labels?.['kubernetes.io/arch'] ?? 'another'
    const image = [...initContainers, ...containers].find(({ name }) => name === container)?.image ?? 'of the container'
    const target = object && targetOf(object)
    return wrong('wrong-cpu-architecture', {
      title: `Image ${image} is not made for the CPU of its node (${cpu})`,
      evidence: [seen],
      why: 'Its programs are of another architecture: old Bitnami images and Airflow before 2.3 know only amd64, and an image built on a Mac only arm64.',
      fix: [`docker manifest inspect ${image} # shows the architectures; choose a tag that has ${cpu}, in airflow.values, and run again`, ...(target === undefined ? [] : [`kubectl -n ${evidence.namespace} rollout history ${target} # whether the image was changed lately`])],
    })
  })
}

// [2023-08-02T10:29:40.123+0000] {dagbag.py:347} ERROR - Failed to import: /opt/airflow/dags/etl.py
const broken = /Failed to (?:import|bag_dag): (\S+)|Broken DAG: \[?([^\]\s]+)/

function brokenDag(evidence: Evidence): Finding[] {
  const lines = evidence.logs.filter(({ container }) => /^(?:airflow-)?(scheduler|dag-processor|web|webserver|api-server)$/.test(container)).flatMap(({ lines: said }) => said)
  const inLogs = lines.flatMap((line) => { const [, one, other] = broken.exec(line) ?? []; return one ?? other ?? [] })
  const { brokenDags = [] } = evidence
  const told = logLines(evidence, broken).map(({ evidence: seen }) => seen)
  const files = [...new Set([...told.length === 0 ? [] : inLogs, ...brokenDags.map(({ file }) => file)])]
  if (files.length === 0) return []
  const list = `kubectl -n ${evidence.namespace} exec ${readerOf(evidence)} -- airflow dags list-import-errors`
  const mend = `Mend ${files[0] ?? 'the file'}: a module that the image does not have, a mistake in the code, or a Variable or Connection that is not there`
  return [doubtful('dag-import-error', {
    title: `Airflow cannot read ${files.length === 1 ? 'a DAG file' : `${files.length} DAG files`}`,
    evidence: [...told, ...files.map((file) => `file ${file}${saidOf(file, brokenDags)}`)],
    why: 'A DAG that cannot be imported is not shown and not run; the page of DAGs says why at its top.',
    fix: brokenDags.length > 0 ? [mend, list] : [list, mend],
  })]
}

/** Before Airflow 3 the command reads the files itself, which the webserver does not have. */
function readerOf({ pods, wanted, release = 'airflow' }: Evidence): string {
  const scheduler = wanted?.family === 'official-3' ? undefined : (lasting(pods) as unknown as Pod[]).find(({ metadata }) => metadata?.labels?.component === 'scheduler')
  const container = scheduler?.spec?.containers.find(({ name }) => name.endsWith('scheduler'))?.name
  return scheduler?.metadata?.name === undefined || container === undefined ? `deploy/${wanted?.service ?? `${release}-webserver`}` : `${scheduler.metadata.name} -c ${container}`
}

function saidOf(file: string, brokenDags: readonly BrokenDag[]): string {
  const { said = '', at = '' } = brokenDags.find((one) => one.file === file) ?? {}
  return said === '' ? '' : `: ${said.slice(0, 300)}, as its log said at ${at}`
}

const webContainers = /^(webserver|api-server|airflow-web)$/
/** Port 8793 is where a worker or scheduler gives its logs to who has a token. */
const refused = /(?:403 Client Error: FORBIDDEN|Client error '403 FORBIDDEN') for url:? '?https?:\/\/\S+:8793\//i

/** They are asked with a token that is signed with the webserver's key and lasts some seconds. */
function logsRefused(evidence: Evidence): Finding[] {
  const lines = logLines(evidence, refused, webContainers)
  if (lines.length === 0) return []
  return [doubtful('webserver-secret-dynamic', {
    title: 'Workers or the scheduler refuse the webserver the logs of tasks',
    evidence: lines.map(({ evidence: seen }) => seen),
    why: 'The question carries a token, signed with the secret key that the webserver read at its start: the other part has another key, or a clock that is more than 30 s away.',
    fix: [`${restarted(evidence)} # all read the same key then`, 'timedatectl # on every node: the clock must be synchronized'],
  })]
}

const unread = /Could not read served logs|Failed to fetch log file from worker|Unable to fetch logs from worker pod/

function logsUnreachable(evidence: Evidence): Finding[] {
  const lines = logLines(evidence, unread, webContainers)
  if (lines.length === 0 || logsRefused(evidence).length > 0) return []
  return [doubtful('task-logs-unreachable', {
    title: 'The webserver cannot get at the logs of tasks',
    evidence: lines.map(({ evidence: seen }) => seen),
    why: 'Without a shared folder it asks the pod that ran the task, and that pod is gone or has no name that resolves.',
    fix: ['In airflow.values: logs.persistence.enabled: true and logs.persistence.existingClaim: airflow-local-logs-folder (the storage step makes it), then: npx tsx run.ts apply', 'or remote logging (config.logging.remote_logging)'],
  })]
}
