/** This machine: its tools, its kubeconfig, its clock and the state file. */
import type { NonEmpty } from '../../access.ts'
import type { Finding } from '../../step.ts'
import { type ErrorCode, errorCodes } from '../../errors.ts'
import type { Evidence } from '../evidence.ts'
import { type Explains, type Rule, wrong } from '../rule.ts'
import { skewed } from './machine/clock.ts'
import { cases } from './machine/cases.ts'
import { helmWithout } from './machine/helm-kubeconfig.ts'
import { denied } from './machine/permissions.ts'
import { describeWay, lostOf } from './machine/way.ts'

/** The only ones that are asked where the cluster does not answer. */
export const machineRules: readonly Rule[] = [unreachable, helmWithout, missingTools, skewed, denied, stateFile]

function unreachable({ unreachable: said, at }: Evidence): Finding[] {
  if (said === undefined) return []
  if (said.code === 'TOOL_MISSING') return [missing('kubectl')]
  const lost = lostOf(said)
  const evidence = [...said.seen, ...(said.kubeconfig === undefined ? [] : [describeWay(lost)])]
  for (const { text, when = () => true, id = 'cluster-unreachable-kubeconfig', tell } of cases) {
    const match = text.exec(lost.said)
    if (match && when(lost, at)) return [wrong(id, { evidence, ...tell(lost, match) })]
  }
  return [wrong('cluster-unreachable-kubeconfig', {
    title: said.sentence,
    evidence,
    why: 'Nothing of the cluster could be looked at.',
    fix: ['kubectl cluster-info # and correct --kubeconfig or --context; without a cluster, `npm run lab` makes one'],
  })]
}

function missingTools({ missingTools: tools = [] }: Evidence): Finding[] {
  return tools.map(missing)
}

const installs: Record<string, [string, ...string[]]> = {
  kubectl: [
    'curl -fLO "https://dl.k8s.io/release/v1.22.8/bin/linux/$(dpkg --print-architecture)/kubectl" && sudo install kubectl /usr/local/bin/ # take the version of your cluster',
    'sudo ln -s "$(command -v k3s)" /usr/local/bin/kubectl # K3s brings its own',
  ],
  helm: ['curl -fsSL https://raw.githubusercontent.com/helm/helm/main/scripts/get-helm-3 | bash', 'sudo snap install helm --classic'],
}

function missing(tool: string): Finding {
  return wrong('tool-missing', {
    title: `${tool} is not on the PATH`,
    evidence: [`${tool}: command not found`],
    why: tool === 'kubectl' ? 'airstrip talks to the cluster through it.' : 'airstrip installs and upgrades the release with it; only looking goes without.',
    fix: installs[tool] ?? [`Install ${tool}`],
  })
}

const elsewhere = 'npx tsx run.ts apply --state FILE # a file in a folder that this user may write to'

const stateFixes: Partial<Record<ErrorCode, (path: string, sentence: string) => NonEmpty<string>>> = {
  STATE_DAMAGED: (path) => [`mv ${path} ${path}.damaged && npx tsx run.ts apply # nothing is lost: the cluster is looked at anew`],
  STATE_NEWER: (path) => ['git pull && npm ci # the airstrip that wrote it', `npx tsx run.ts apply --state ${path}.mine # or a file of its own`],
  STATE_FOREIGN: (path) => ['kubectl config get-contexts # then --context NAME of the cluster that it belongs to', `npx tsx run.ts apply --state ${path.replace(/(\.json)?$/, '-other.json')} # or a file for this cluster`],
  // The file alone: its folder may be one that the system itself lives in. Where it is not access that lacks, no owner helps.
  STATE_UNUSABLE: (path, sentence) => (sentence.includes('may not use it') ? [`sudo chown "$(id -un)" ${path} && chmod 600 ${path} # or another file with --state FILE`] : [elsewhere]),
}

function stateFile({ state }: Evidence): Finding[] {
  if (state?.problem === undefined) return []
  const { code, sentence } = state.problem
  const known = code in errorCodes ? errorCodes[code as ErrorCode] : errorCodes.STATE_UNUSABLE
  return [wrong('state-file', {
    title: sentence,
    evidence: [`${state.path}: ${code}`],
    why: `${known.cause} The next run would be refused for it; Airflow itself does not need the file.`,
    fix: sentence.includes('it is a folder') ? [`mv ${state.path} ${state.path}.folder # whatever is in it stays`] : (stateFixes[code as ErrorCode]?.(state.path, sentence) ?? [known.fix]),
  })]
}

export const machineExplains: Explains = {
  'tool-missing': ['cluster-unreachable-kubeconfig'],
  'cluster-unreachable-kubeconfig': ['release-not-installed'],
  'kubeadm-certs-expired': ['cluster-unreachable-kubeconfig'],
  'clock-skew': ['cluster-unreachable-kubeconfig', 'task-logs-unreachable', { id: 'webserver-secret-dynamic', when: ({ evidence }) => evidence.some((line) => line.includes('403')) }],
}
