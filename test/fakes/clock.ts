/** A clock that only moves when somebody sleeps: a wait of half an hour takes no time. */
import type { Clock } from '../../lib/engine/clock.ts'

export interface FakeClock extends Clock {
  /** Milliseconds since the clock was made. */
  passed(): number
  /** Run when that much time has passed, before the sleep that crosses it ends. */
  at(ms: number, act: () => void): void
  /** Sets the clock on the wall to another time; nothing has passed by it. */
  jump(ms: number): void
}

const start = Date.parse('2023-08-02T10:00:00Z')

export function fakeClock(): FakeClock {
  let ms = 0
  let ahead = 0
  const acts: { ms: number; act: () => void }[] = []
  return {
    now: () => new Date(start + ahead + ms),
    // Not from 0, so that nobody takes it for a time since anything.
    elapsedMs: () => 4321.5 + ms,
    jump: (length) => {
      ahead += length
    },
    passed: () => ms,
    at: (when, act) => {
      acts.push({ ms: when, act })
      acts.sort((a, b) => a.ms - b.ms)
    },
    sleep: async (length, signal) => {
      const until = ms + length
      while (signal?.aborted !== true && acts[0] !== undefined && acts[0].ms <= until) {
        const next = acts.shift()
        ms = Math.max(ms, next?.ms ?? ms)
        next?.act()
        // What the act set going (a rejected promise, an aborted signal) is heard before time goes on.
        await settled()
      }
      if (signal?.aborted !== true) ms = until
      await settled()
    },
  }
}

/** Everything that was already decided has been heard of. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
