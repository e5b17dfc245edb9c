/** Few numbers are known of each contender, and some of them are of a moment when the machine did something else. */

export interface Spread {
  median: number
  /** The lowest and the highest. */
  from: number
  to: number
  n: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const [from, to] = [sorted[0], sorted.at(-1)]
  if (from === undefined || to === undefined) throw new Error('there is no spread of no values')
  return { median: median(sorted), from, to, n: sorted.length }
}

function median(sorted: readonly number[]): number {
  const half = sorted.length / 2
  const around = Number.isInteger(half) ? [sorted[half - 1], sorted[half]] : [sorted[Math.floor(half)]]
  return around.reduce<number>((sum, value) => sum + (value ?? 0), 0) / around.length
}

export interface Verdict {
  promise: string
  measured: number
  limit: number
  unit: string
  /** False where it is shown and not judged, with the reason in `note`. */
  judged: boolean
  note: string
}

export function kept({ judged, measured, limit }: Verdict): boolean {
  return !judged || measured <= limit
}
