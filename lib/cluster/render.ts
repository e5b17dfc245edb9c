import type { Chart, ChartSource, KubernetesObject, Rendered, ReleaseWish } from '../access.ts'
import { letsChartsLook } from '../airflow/versions.ts'
import { AirstripError } from '../errors.ts'
import { helmFlags, interrupted, type Connection } from './connection.ts'
import type { Outcome } from './exec.ts'
import { parseManifest } from './release.ts'

/** The parts of Helm's `-o json` that are read here. */
interface DryRun {
  manifest: string
  hooks?: { manifest: string }[] | null
}

/** What is asked of this machine. */
interface Machine {
  chart(source: ChartSource): Promise<Chart>
  tools(): Promise<{ helm: string }>
}

/**
 * What Helm would apply, by its own dry run, which reads from the cluster and writes nothing. Slow
 * (seconds of CPU), so it is only asked for where the release is about to change.
 */
export async function renderRelease(connection: Connection, machine: Machine, wish: ReleaseWish): Promise<Rendered> {
  const { name, namespace, values } = wish
  const [chart, tools] = await Promise.all([machine.chart(wish.chart), machine.tools()])
  const helm = async (...words: string[]): Promise<Outcome> => {
    const args = [...words, name, chart.path, '-n', namespace, '--values', '-', ...helmFlags(connection.target)]
    const outcome = await connection.exec({ tool: 'helm', args, stdin: JSON.stringify(values), signal: connection.signal })
    if (connection.signal?.aborted === true) throw interrupted()
    return outcome
  }
  const tried = await helm('upgrade', '--install', letsChartsLook(tools.helm) ? '--dry-run=server' : '--dry-run', '-o', 'json')
  if (tried.exitCode === 0) return fromDryRun(tried.stdout, namespace)
  const way = otherWays.find(({ after }) => tried.stderr.includes(after))
  const outcome = way === undefined ? tried : await helm(...way.words)
  if (outcome.exitCode === 0) return fromTemplate(outcome.stdout, namespace)
  const seen = connection.redactor.said(outcome.stderr).split('\n').filter((line) => line.trim() !== '' && !line.startsWith('WARNING')).slice(-8)
  throw new AirstripError('HELM_FAILED', `Helm cannot render release ${namespace}/${name} from ${chart.path}.`, { seen })
}

const otherWays: readonly { after: string; words: readonly string[] }[] = [
  // What a Helm that was cut off has left keeps the next from a dry run, but nobody from reading the chart.
  { after: 'another operation (install/upgrade/rollback) is in progress', words: ['template', '--is-upgrade', '--validate'] },
  // Bitnami's PostgreSQL looks for the present password before an upgrade, and for a first install it does not.
  { after: 'PASSWORDS ERROR', words: ['template', '--validate'] },
]

function fromDryRun(text: string, namespace: string): Rendered {
  const { manifest, hooks } = JSON.parse(text) as DryRun
  return { objects: parseManifest(manifest, namespace), hooks: (hooks ?? []).flatMap((hook) => parseManifest(hook.manifest, namespace)) }
}

/** Objects and hooks in one text, told apart by what Helm itself tells them by. */
function fromTemplate(text: string, namespace: string): Rendered {
  const isHook = ({ metadata }: KubernetesObject): boolean => metadata.annotations?.['helm.sh/hook'] !== undefined
  const all = parseManifest(text, namespace)
  return { objects: all.filter((object) => !isHook(object)), hooks: all.filter(isHook) }
}
