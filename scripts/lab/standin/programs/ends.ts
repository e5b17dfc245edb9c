/**
 * Process 1 gets no default action for TERM: without a handler every pod would take its whole grace
 * period to go, half a minute and more each.
 */
export function endOnTerm(before?: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      before?.()
      process.exit(0)
    })
  }
}

export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Python's logging, as Airflow prints it, so that what reads pod logs sees lines of the usual shape. */
export function log(place: string, level: 'INFO' | 'WARNING' | 'ERROR', message: string): void {
  console.log(`[${new Date().toISOString().replace('Z', '+0000')}] {${place}} ${level} - ${message}`)
}
