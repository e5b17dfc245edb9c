const mib = 1024 * 1024
/** What a server wants beside the copy itself: its log of the writes, and room to breathe. */
const reserve = 64 * mib

/** Why a copy of that size should not be made there, or undefined. */
export function lackOfRoom(bytes: number, free: number | undefined): string | undefined {
  const needed = Math.ceil(bytes * 1.25) + reserve
  return free === undefined || free >= needed ? undefined : `${inWords(needed)} are needed for a copy of the database, ${inWords(free)} are free`
}

/** `812 MiB`, `3.4 GiB`. */
export function inWords(bytes: number): string {
  if (bytes < mib) return `${Math.ceil(bytes / 1024)} KiB`
  return bytes < 1024 * mib ? `${Math.round(bytes / mib)} MiB` : `${(bytes / mib / 1024).toFixed(1)} GiB`
}
