import type { Chart, ChartSource, Rendered, ReleaseWish } from '../access.ts'
import { AirstripError } from '../errors.ts'
import { helmFlags, interrupted, type Connection } from './connection.ts'
import { parseManifest } from './release.ts'

/** The parts of Helm's `-o json` that are read here. */
interface DryRun {
  manifest: string
  hooks?: { manifest: string }[] | null
}

/**
 * What Helm would apply, by its own dry run, which reads from the cluster and writes nothing. Slow
 * (seconds of CPU), so it is only asked for where the release is about to change.
 */
export async function renderRelease(connection: Connection, chartOf: (source: ChartSource) => Promise<Chart>, wish: ReleaseWish): Promise<Rendered> {
  const { name, namespace, values } = wish
  const chart = await chartOf(wish.chart)
  const args = ['upgrade', '--install', name, chart.path, '-n', namespace, '--values', '-', '--dry-run', '-o', 'json', ...helmFlags(connection.target)]
  const outcome = await connection.exec({ tool: 'helm', args, stdin: JSON.stringify(values), signal: connection.signal })
  if (connection.signal?.aborted === true) throw interrupted()
  if (outcome.exitCode !== 0) {
    const seen = connection.redactor.redact(outcome.stderr).split('\n').filter((line) => line.trim() !== '' && !line.startsWith('WARNING')).slice(-8)
    throw new AirstripError('HELM_FAILED', `Helm cannot render release ${namespace}/${name} from ${chart.path}.`, { seen })
  }
  const { manifest, hooks } = JSON.parse(outcome.stdout) as DryRun
  return {
    objects: parseManifest(manifest, namespace),
    hooks: (hooks ?? []).flatMap((hook) => parseManifest(hook.manifest, namespace)),
  }
}
