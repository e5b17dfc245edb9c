/** Time, passed in so that a test can own it. */
export interface Clock {
  /** To be compared with the cluster's times. Whoever measures must not: it jumps when a machine without a clock of its own hears the time, or a laptop wakes up. */
  now(): Date
  /** Only ever goes on, from some point in the past: for how long something takes. */
  elapsedMs(): number
  /** Ends early, without an error, when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
