import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { withLock } from './lock.ts'

/**
 * Gives the folder, made first if it is not there. It is made beside its place and renamed when it is whole,
 * so a folder that exists is always complete, whatever was killed and when.
 */
export async function whole(dir: string, what: string, make: (temporary: string) => Promise<void>): Promise<string> {
  if (existsSync(dir)) return dir
  return withLock(`${dir}.lock`, what, async () => {
    if (existsSync(dir)) return dir
    sweep(dir)
    mkdirSync(dirname(dir), { recursive: true })
    const temporary = mkdtempSync(`${dir}.making-`)
    try {
      await make(temporary)
      renameSync(temporary, dir)
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
    return dir
  })
}

/** What an earlier, killed attempt left behind; we hold the lock, so nobody but its orphans is still at it. */
function sweep(dir: string): void {
  if (!existsSync(dirname(dir))) return
  for (const entry of readdirSync(dirname(dir))) {
    if (entry.startsWith(`${basename(dir)}.making-`)) {
      rmSync(join(dirname(dir), entry), { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
    }
  }
}
