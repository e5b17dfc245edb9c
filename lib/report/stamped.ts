/** A line of a log: when first, in UTC as the state and Kubernetes' own events have it. */
export function stamped(line: string, now: Date): string {
  return `${now.toISOString().slice(0, 19)}Z ${line}`
}
