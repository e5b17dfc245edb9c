/** Time, passed in so that a test can own it. */
export interface Clock {
  now(): Date
  /** Ends early, without an error, when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
