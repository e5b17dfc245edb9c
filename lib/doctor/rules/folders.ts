/** The DAGs and logs folders, and where DAGs come from. */
import type { Container, PersistentVolume, Pod, Volume } from 'kubernetes-types/core/v1.js'
import type { Finding } from '../../step.ts'
import { shellWord } from '../../shell-word.ts'
import { type User, airflow, mayRead, unusable } from '../../preflight/folders.ts'
import type { Evidence, Folder } from '../evidence.ts'
import { type Explains, type ExplainsIf, type Rule, doubtful, wrong } from '../rule.ts'
import { written } from '../secret-commands.ts'
import { containersIn, logLines, type SaidLine } from './processes/statuses.ts'

export const folderRules: readonly Rule[] = [missing, logsReadOnly, logsNotWritable, unreadable, gitSync]

/** Folders of the volumes that are there. Until the storage step's Job has made them, or a release uses them, none is missed. */
export function inUse({ folders, volumes = [], jobs, record }: Evidence): Folder[] {
  const made = record !== undefined || jobs.some(({ metadata, status }) => metadata.name.startsWith('airstrip-folders-') && ((status ?? {}) as { succeeded?: number }).succeeded !== undefined)
  if (!made) return []
  const paths = volumes.map((volume) => (volume as PersistentVolume).spec?.hostPath?.path)
  return folders.filter(({ path }) => paths.includes(path))
}

const make = 'npx tsx run.ts apply --only storage # makes the folders, and proves them as uid 50000'

/** A mount of type Directory says so at the next start of a pod; any other makes an empty folder without a word. */
function missing(evidence: Evidence): Finding[] {
  return inUse(evidence).filter(({ exists }) => !exists).map(({ path, taken = false }) => wrong('hostpath-not-on-the-node', {
    title: `${path} is not a directory on node ${(evidence.nodes ?? []).map(({ metadata }) => metadata.name).join(', ')}`,
    evidence: [`${path} is ${taken ? 'no folder' : 'not there'} on this machine, which is the node`],
    why: 'A volume of the release is this folder: the next pod that starts cannot mount it, or gets an empty one.',
    fix: [taken ? `sudo mv ${path} ${path}-before && sudo install -d -o 50000 -g 0 -m 775 ${path}` : `sudo mount -a && { test -d ${path} || sudo install -d -o 50000 -g 0 -m 775 ${path}; } # where it lies on a disk that is not mounted, that is mounted first`, make],
  }))
}

// PermissionError: [Errno 13] Permission denied: '/opt/airflow/logs/scheduler'
// ValueError: Unable to configure handler 'processor'
const denied = /PermissionError: \[Errno 13\][^']*'[^']*\/logs\b|Unable to configure handler '(processor|task|processor_manager)'/

/** OSError: [Errno 30] Read-only file system: '/opt/airflow/logs/scheduler' */
const readOnly = /OSError: \[Errno 30\] Read-only file system: '[^']*\/logs\b/

function logsReadOnly(evidence: Evidence): Finding[] {
  const lines = logLines(evidence, readOnly).map((line) => line.evidence)
  return lines.length === 0 ? [] : [wrong('logs-not-writable-50000', {
    title: 'Airflow cannot write its logs folder',
    evidence: lines,
    why: 'The volume of the logs is mounted read-only: its claim or volume offers ReadOnlyMany, a mount says readOnly, or the node\'s disk has turned read-only after an error.',
    fix: ['npx tsx run.ts apply --from storage # once logs.persistence.existingClaim in airflow.values names a claim with ReadWriteMany: airflow-local-logs-folder, which the storage step makes', 'dmesg -T | grep -iE "remount|I/O error" # on the node: whether its disk has turned read-only'],
  })]
}

function logsNotWritable(evidence: Evidence): Finding[] {
  const lines = logLines(evidence, denied).map((line) => line.evidence)
  const bad = inUse(evidence).filter((folder) => folder.path.endsWith('/logs') && folder.exists && unusable(folder, true) !== undefined)
  if (lines.length === 0 && bad.length === 0) return []
  const path = bad[0]?.path ?? `${evidence.wanted?.storagePath ?? 'FOLDER'}/logs`
  return [wrong('logs-not-writable-50000', {
    title: 'Airflow cannot write its logs folder',
    evidence: [...bad.map(described), ...lines],
    why: 'Airflow runs as uid 50000 with group 0 and sets up its logs before anything else; Kubernetes changes no owner in a hostPath folder.',
    fix: [`sudo chown -R 50000:0 ${path} && sudo chmod -R u+rwX,g+rwX ${path} # on the node`, make],
  })]
}

function unreadable(evidence: Evidence): Finding[] {
  const bad = inUse(evidence).filter((folder) => folder.path.endsWith('/dags') && folder.exists && unusable(folder, false) !== undefined)
  return bad.length === 0 ? unreadableWithin(evidence) : bad.map((folder) => wrong('dags-not-readable', {
    title: 'Airflow cannot read its DAGs folder',
    evidence: [described(folder)],
    why: 'Airflow runs as uid 50000 with group 0: it sees no DAG in a folder that it may not enter.',
    fix: [`sudo chmod -R u+rX,g+rX,o+rX ${folder.path} # on the node`, make],
  }))
}

/** A warning: all other DAGs run, this one may be of no use yet, and what an access list allows no mode tells. */
function unreadableWithin(evidence: Evidence): Finding[] {
  const dags = inUse(evidence).find(({ path }) => path.endsWith('/dags'))?.path
  const user = readerOf(evidence)
  const closed = (evidence.dagEntries ?? []).filter((entry) => !mayRead(entry, user))
  const [[first], [group = 0]] = [closed, user.gids]
  if (dags === undefined || first === undefined) return []
  return [doubtful('dags-not-readable', {
    title: `Airflow cannot read ${closed.length === 1 ? `${first.path}, which is` : `${closed.length} files and folders`} among its DAGs`,
    evidence: closed.slice(0, few).map(described),
    why: `Airflow runs as uid ${user.uid} with group ${user.gids.join(', ')}, and passes over what it may not read: such a DAG is not there, and no error is on its page.`,
    fix: [closed.length <= few
      ? closed.map(({ path, folder }) => `sudo chgrp ${group} ${shellWord(path)} && sudo chmod g+r${folder ? 'x' : ''} ${shellWord(path)}`).join(' && ') + ' # on the node'
      : `sudo find ${shellWord(dags)} -not -path '*/.*' \\( -type d -o -name '*.py' -o -name '*.zip' \\) -exec chgrp ${group} {} + -exec chmod g+rX {} + # on the node; Airflow looks again by itself`],
  })]
}

const few = 5

/** Who reads the DAGs, as its pod says; the images' own where it says nothing. */
function readerOf({ pods }: Evidence): User {
  const spec = pods.map((pod) => (pod as Pod)).find(({ metadata }) => ['scheduler', 'dag-processor'].includes(metadata?.labels?.component ?? ''))?.spec
  const own = spec?.containers.map(({ securityContext }) => securityContext).find((one) => one !== undefined)
  const { runAsUser, runAsGroup, fsGroup, supplementalGroups = [] } = { ...spec?.securityContext, ...own }
  return { uid: runAsUser ?? airflow.uid, gids: [...new Set([...(runAsGroup === undefined ? airflow.gids : [runAsGroup]), ...(fsGroup === undefined ? [] : [fsGroup]), ...supplementalGroups])] }
}

function described({ path, uid, gid, mode = 0 }: Pick<Folder, 'path' | 'uid' | 'gid' | 'mode'>): string {
  return `${path} is of uid ${String(uid)}, gid ${String(gid)}, mode ${(mode & 0o7777).toString(8)}`
}

/** The repository is in the command that failed: ssh://git@HOST:PORT/PATH, or git@HOST:PATH. */
function known({ text }: SaidLine): string {
  const [, host, port, shortHost] = /ssh:\/\/(?:[^@\s]+@)?(\w[\w.-]*)(?::(\d+))?\/|\s[\w.-]+@(\w[\w.-]*):/.exec(text) ?? []
  return `ssh-keyscan ${port === undefined ? '' : `-p ${port} `}${host ?? shortHost ?? 'HOST'} # compare with the fingerprints that the host publishes, put the lines in dags.gitSync.knownHosts in airflow.values, and run again`
}

/** Who said a line, as it was made. */
function speakerOf({ pod, container }: SaidLine, { namespace, pods }: Evidence): { speaker?: Container | undefined; volumes: Volume[] } {
  const { initContainers = [], containers = [], volumes = [] } = (pods.find(({ metadata }) => metadata.name === pod && metadata.namespace === namespace) as Pod | undefined)?.spec ?? {}
  return { speaker: [...initContainers, ...containers].find(({ name }) => name === container), volumes }
}

/** The Secret that the container mounts. */
function secretOf(line: SaidLine, evidence: Evidence): string {
  const { speaker, volumes } = speakerOf(line, evidence)
  const mounted = speaker?.volumeMounts?.map(({ name }) => name) ?? []
  return volumes.find(({ name, secret: one }) => one !== undefined && mounted.includes(name))?.secret?.secretName ?? 'NAME'
}

/** What is in it: by their names only. */
function keysOf(line: SaidLine, evidence: Evidence): string {
  const { namespace } = evidence
  return `kubectl -n ${namespace} get secret ${secretOf(line, evidence)} -o jsonpath='{.data}' | tr , '\\n' | cut -d: -f1 # dags.gitSync.sshKeySecret: it wants the key gitSshKey`
}

/** FILE is first asked whether it is a key. Applied by the server, with that key alone: the known hosts beside it stay. */
function keyAnew(line: SaidLine, evidence: Evidence): string {
  const { namespace } = evidence
  return `ssh-keygen -y -f FILE && ${written(namespace, secretOf(line, evidence), 'gitSshKey', 'FILE')} # FILE is the private key as ssh-keygen wrote it, its last line break included (id_rsa=FILE in the community chart); then delete the pods`
}

/** fatal: unable to access 'https://gitea.home:3000/me/dags.git/': SSL certificate problem: self-signed certificate */
function trusted({ text }: SaidLine, { namespace }: Evidence): string {
  const [, host = 'HOST', port = '443'] = /https:\/\/(?:[^@/\s]+@)?([\w.-]+)(?::(\d+))?\//.exec(text) ?? []
  return `openssl s_client -showcerts -connect ${host}:${port} </dev/null 2>/dev/null | sed -n '/BEGIN CERT/,/END CERT/p' > git-host-ca.crt && kubectl -n ${namespace} create configmap git-ca --from-file=ca.crt=git-host-ca.crt # then in airflow.values: volumes: [{name: git-ca, configMap: {name: git-ca}}], dags.gitSync.extraVolumeMounts: [{name: git-ca, mountPath: /etc/git-ca}] and dags.gitSync.env: [{name: GIT_SSL_CAINFO, value: /etc/git-ca/ca.crt}], and run again; or the repository's ssh address`
}

const gitFaults: { text: RegExp; why: string; fix: string | ((line: SaidLine, evidence: Evidence) => string) }[] = [
  { text: /Load key .*: (?:error in libcrypto|invalid format)/i, why: 'What is in the Secret is no whole private key: its line breaks were lost, the last one is missing, or it was encoded twice.', fix: keyAnew },
  { text: /SSL certificate problem: (?:self[- ]signed certificate|unable to get local issuer certificate)|server certificate verification failed/i, why: 'The certificate of the repository\'s host is of an authority that git-sync does not know, as one that was made at home.', fix: trusted },
  { text: /The requested URL returned error: 403/i, why: 'The host of the repository knows the login and does not let it read this repository: its token has not that right, or has ended.', fix: 'Make a token that may read the contents of this repository (an organisation may have to allow it) and put it in the Secret of dags.gitSync.credentialsSecret, then delete the pods' },
  { text: /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/i, why: 'The host of the repository shows a key that is not among the known ones; GitHub changed its RSA key in March 2023.', fix: known },
  { text: /Permission denied \(publickey/i, why: 'The host does not take the key: it is not the repository\'s deploy key, or its Secret has it under another name than gitSshKey (id_rsa in the community chart).', fix: keysOf },
  { text: /Permissions 0\d+ for '[^']+' are too open|bad permissions/i, why: 'ssh refuses a key that others may read.', fix: 'Set dags.gitSync.securityContext.runAsUser and fsGroup to 65533 in airflow.values, and run again' },
  { text: /can't (?:set up git SSH|configure SSH|access SSH)|could not access SSH/i, why: 'git-sync does not find its key, or the known hosts, where it is told to look.', fix: (line, evidence) => `${keysOf(line, evidence)}; and dags.gitSync.knownHosts the lines of ssh-keyscan` },
  { text: /detected dubious ownership|unsafe repository/i, why: 'The folder belongs to another user than the one that git runs as, and git refuses it.', fix: 'Set dags.gitSync.uid, or dags.gitSync.securityContexts, to the user that owns the volume in airflow.values (65533 in the chart), and run again' },
  { text: /Could not resolve host/i, why: 'The name of the repository\'s host is not resolved in the pod.', fix: 'Correct dags.gitSync.repo in airflow.values, or mend the cluster\'s DNS' },
  { text: /Remote branch \S+ not found|couldn't find remote ref|unknown revision|did not match any file/i, why: 'The repository has no such branch or revision.', fix: 'Correct dags.gitSync.branch (and rev) in airflow.values, and run again' },
  { text: /Repository not found|repository '[^']+' not found|does not appear to be a git repository/i, why: 'There is no such repository, or only those who log in may see it.', fix: 'Correct dags.gitSync.repo, or give it a credential (dags.gitSync.credentialsSecret), in airflow.values, and run again' },
  { text: /Authentication failed|could not read (Username|Password)|Invalid username or (password|token)/i, why: 'The repository wants a login that git-sync does not have, or that has ended.', fix: 'Make the token anew and put it in the Secret of dags.gitSync.credentialsSecret (GIT_SYNC_USERNAME, GIT_SYNC_PASSWORD; for git-sync 4 GITSYNC_USERNAME, GITSYNC_PASSWORD beside them), then delete the pods' },
  { text: /unable to access|Connection (timed out|refused)|Failed to connect|port \d+: |context deadline exceeded/i, why: 'The host of the repository does not answer from the pod.', fix: 'Look whether the node reaches it: git ls-remote REPOSITORY; where port 22 is closed use the https address' },
  { text: /"msg"="too many failures, aborting"|too many failures/i, why: 'It gave up after several tries; the lines before say why.', fix: 'Read the lines before it' },
]

/** What git-sync gives a try; where all is well again it logs nothing until the next. */
const tryMs = 150_000

/** Between two tries, as its container is told: GITSYNC_PERIOD=5m, GIT_SYNC_WAIT=60 (seconds), --period=5m. Undefined where that cannot be read. */
function periodOf(line: SaidLine, evidence: Evidence): number | undefined {
  const { env = [], args = [] } = speakerOf(line, evidence).speaker ?? {}
  const told = env.flatMap(({ name, value }) => (/^GIT_?SYNC_(?:PERIOD|WAIT)$/.test(name) ? [value ?? ''] : []))
  // git-sync 4's own is ten seconds, that of 3 is one.
  const [text = args.flatMap((arg) => /^--(?:period|wait)=(.+)$/.exec(arg)?.[1] ?? [])[0] ?? '10s'] = told
  const parts = [...text.matchAll(/([\d.]+)(h|ms|m|s|$)/g)]
  return parts.length === 0 ? undefined : parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * ({ h: 3_600_000, m: 60_000, ms: 1 }[unit] ?? 1000), 0)
}

/** That it failed is over where the container runs on and has not said so since. It writes the time in UTC, without saying so: `E0802 10:29:40.123456`, `"ts":"2023-08-02 10:29:40.123456"`. */
function isOver(line: SaidLine, evidence: Evidence): boolean {
  const { pod, container, text } = line
  const runs = containersIn(evidence).some((one) => one.pod.metadata.name === pod && one.status.name === container && one.status.state?.running !== undefined)
  const [, month, day, shortTime, date, time] = /^[EW](\d\d)(\d\d) ([\d:.]+)|"ts":"([\d-]{10}) ([\d:.]+)"/.exec(text) ?? []
  const at = date === undefined ? `${evidence.at.slice(0, 4)}-${month ?? ''}-${day ?? ''}T${shortTime ?? ''}Z` : `${date}T${time ?? ''}Z`
  const period = periodOf(line, evidence)
  return runs && period !== undefined && Date.parse(evidence.at) - Date.parse(at) > tryMs + period
}

function gitSync(evidence: Evidence): Finding[] {
  const linesOf = (text: RegExp): SaidLine[] => logLines(evidence, text, /git-(sync|clone)/).filter((line) => !isOver(line, evidence))
  const fault = gitFaults.map((one) => ({ ...one, lines: linesOf(one.text) })).find(({ lines }) => lines.length > 0)
  const [first] = fault?.lines ?? []
  if (fault === undefined || first === undefined) return []
  return [wrong('git-sync-failure', {
    title: 'git-sync cannot fetch the DAGs',
    evidence: fault.lines.map((line) => line.evidence),
    why: fault.why,
    fix: [typeof fault.fix === 'string' ? fault.fix : fault.fix(first, evidence), `kubectl -n ${evidence.namespace} logs ${first.pod} -c ${first.container} --tail=20`],
  })]
}

/** Of the storage step, which proves the folders as Airflow's user and changes nothing in a DAGs folder that is there. */
const proof: ExplainsIf = { id: 'job-failed', when: ({ title }, _evidence, { severity }) => severity === 'error' && title.includes('/airstrip-folders-') }

export const folderExplains: Explains = {
  'logs-not-writable-50000': ['wait-for-migrations-crashloop', 'not-ready-unexplained', 'post-install-hook-timeout', 'helm-release-failed'],
  'git-sync-failure': ['wait-for-migrations-crashloop', 'not-ready-unexplained', 'post-install-hook-timeout', 'helm-release-failed'],
  'hostpath-not-on-the-node': ['not-ready-unexplained', 'post-install-hook-timeout', 'helm-release-failed', proof, { id: 'dag-import-error', when: (_symptom, _evidence, { title }) => /\/dags\b/.test(title) }],
  'dags-not-readable': [proof, { id: 'dag-import-error', when: ({ evidence }, _evidence, { severity }) => severity === 'error' || evidence.some((line) => line.includes('Permission')) }],
}
