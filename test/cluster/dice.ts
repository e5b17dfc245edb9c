/** Seeded, so that a failure can be had again. Numbers from 0 up to 1, as Math.random gives them. */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export const seed = Number(process.env.AIRSTRIP_TEST_SEED ?? 20_220_806)
