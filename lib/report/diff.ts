import pc from 'picocolors'

/** One object that would be changed. */
interface Named {
  step: string
  op: string
  kind: string
  namespace: string
  name: string
  why: string
}

/** How many changes of each operation. */
export function countsOf(shown: readonly { op: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { op } of shown) counts[op] = (counts[op] ?? 0) + 1
  return counts
}

/** `storage      update   PersistentVolume x (spec.capacity differs)`, as a run says it, too. */
export function shownLine({ step, op, kind, namespace, name, why }: Named, colors: boolean): string {
  const { cyan, dim } = pc.createColors(colors)
  return `${step.padEnd(12)} ${cyan(op.padEnd(8))} ${kind} ${namespace === '' ? name : `${namespace}/${name}`} ${dim(`(${why})`)}`
}

/** The line, and below it the unified diff. */
export function diffLines(shown: Named & { diff: string }, colors: boolean): string[] {
  const body = shown.diff === '' ? [] : [...shown.diff.split('\n').map((line) => painted(line, colors)), '']
  return [shownLine(shown, colors), ...body]
}

function painted(line: string, colors: boolean): string {
  const { red, green, cyan, bold } = pc.createColors(colors)
  if (line.startsWith('---') || line.startsWith('+++')) return bold(line)
  if (line.startsWith('@@')) return cyan(line)
  return line.startsWith('-') ? red(line) : line.startsWith('+') ? green(line) : line
}
