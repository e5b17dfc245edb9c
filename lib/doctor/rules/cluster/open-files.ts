/** Too many open files: of the kernel's limits for watching, which kind's nodes share with the host, or of one process. */
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import { k3sUnit } from '../../../observe/node.ts'
import { isReady, writtenAt } from '../../../observe/observation.ts'
import { isRestless } from '../../../observe/restless.ts'
import type { Finding } from '../../../step.ts'
import { type ContainerLog, type Evidence, podsIn } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { watchesUsedUp } from '../nodes/disk.ts'

interface Line {
  text: string
  /** Who said it; undefined for kubectl. */
  log?: ContainerLog
}

/**
 * accept tcp [::]:8443: accept4: too many open files · dial udp 192.168.1.1:53: socket: too many open files
 * OSError: [Errno 24] Too many open files: '/opt/airflow/dags/a.py' · Error: EMFILE: too many open files, open '/app/x.js'
 */
const ofProcess = /\b(?:accept4?|socket|open(?:at)?|pipe2?|epoll_create1?|fork\/exec)\b(?! files).*too many open files|EMFILE|\[Errno 24\]/i
const ofWatches = /inotify|fsnotify|\bwatch/i

export function openFiles(evidence: Evidence): Finding[] {
  const { logs, unknown } = evidence
  // kubectl's own words for a log that it could not follow for the same reason.
  const seen = [...logs.flatMap((log) => saidBy(log, evidence)), ...unknown.map((text) => ({ text }))].filter(({ text }) => /too many open files/i.test(text) || watchesUsedUp.test(text))
  const isLimited = ({ text }: Line): boolean => ofProcess.test(text) && !ofWatches.test(text)
  const [watching, limited] = [seen.filter((line) => !isLimited(line)), seen.filter(isLimited)]
  return [...(watching.length === 0 ? [] : [ofKernel(watching)]), ...ofOneProcess(limited, evidence)]
}

const recentMs = 600_000

/** Of a container that is well only what it said just now: the last lines of its log may be days old. */
function saidBy(log: ContainerLog, { pods, system, at }: Evidence): Line[] {
  const now = new Date(at)
  const pod = podsIn({ pods, system }).find(({ metadata }) => metadata.name === log.pod && metadata.namespace === log.namespace)
  const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod | undefined)?.status ?? {}
  const status = [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === log.container)
  const isWell = pod !== undefined && isReady(pod) && status?.ready !== false && !isRestless(pod, now)
  const began = log.previous ? status?.lastState?.terminated?.startedAt : status?.state?.running?.startedAt
  let written = began === undefined ? -Infinity : Date.parse(began)
  return log.lines.flatMap((line) => {
    written = writtenAt(line) ?? written
    return isWell && now.getTime() - written > recentMs ? [] : [{ text: `${log.namespace}/${log.pod}, ${log.container}: ${line.trim()}`, log }]
  })
}

function textsOf(lines: readonly Line[]): string[] {
  return [...new Set(lines.map(({ text }) => text))].slice(-3)
}

function ofKernel(lines: readonly Line[]): Finding {
  return wrong('kind-too-many-open-files', {
    title: 'Too many files are open or watched on the node',
    evidence: textsOf(lines),
    why: 'All pods of a node share the kernel\'s inotify limits, which are small as they come; several kind clusters share them too.',
    fix: [
      'sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512 # on the node; for kind on the host',
      'printf "fs.inotify.max_user_watches = 524288\\nfs.inotify.max_user_instances = 512\\n" | sudo tee /etc/sysctl.d/90-inotify.conf # so that it lasts',
    ],
  })
}

function ofOneProcess(lines: readonly Line[], evidence: Evidence): Finding[] {
  const log = lines.findLast((line) => line.log !== undefined)?.log
  if (log === undefined) return []
  const unit = runtimeOf(log, evidence)
  return [wrong('kind-too-many-open-files', {
    title: 'A program has used up the files that it may open',
    evidence: textsOf(lines),
    why: 'It is the limit of one process (nofile), which a container has from its runtime, or sets itself; a program that never closes what it opened reaches any.',
    fix: [
      `sudo mkdir -p /etc/systemd/system/${unit}.service.d && printf "[Service]\\nLimitNOFILE=1048576\\n" | sudo tee /etc/systemd/system/${unit}.service.d/nofile.conf && sudo systemctl daemon-reload && sudo systemctl restart ${unit} && kubectl -n ${log.namespace} delete pod ${log.pod} # on the node`,
      `kubectl -n ${log.namespace} exec ${log.pod} -c ${log.container} -- sh -c 'ulimit -n' # the limit that it has`,
    ],
  })]
}

/** The unit that starts the containers of that pod's node: `docker://20.10.7`, `containerd://1.7.11` */
function runtimeOf({ namespace, pod }: ContainerLog, { nodes = [], pods, system }: Evidence): string {
  const said = podsIn({ pods, system }).find(({ metadata }) => metadata.name === pod && metadata.namespace === namespace) as Pod | undefined
  const node = (nodes.find(({ metadata }) => metadata.name === said?.spec?.nodeName) ?? nodes[0]) as Node | undefined
  const runtime = node?.status?.nodeInfo?.containerRuntimeVersion.startsWith('docker:') === true ? 'docker' : 'containerd'
  return (node && k3sUnit(node)) ?? runtime
}
