import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { LabError, say } from './exec.ts'
import { formatProcessId, identify, isAlive, parseProcessId } from './process.ts'

/** Lets one process at a time do `work`; a lock whose owner was killed counts as none. */
export async function withLock<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true })
  await take(file, what)
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

async function take(file: string, what: string): Promise<void> {
  const me = identify(process.pid)
  if (me === undefined) throw new LabError('/proc is not there: the lab needs Linux')
  const mine = `${file}.${process.pid}`
  for (let told = false; ; told = true) {
    // A link appears with its content in one step; a file opened with O_EXCL would be empty for a moment.
    writeFileSync(mine, formatProcessId(me))
    try {
      linkSync(mine, file)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(mine, { force: true })
    }
    const owner = ownerOf(file)
    if (owner === undefined || !isAlive(owner)) {
      rmSync(file, { force: true })
      continue
    }
    if (!told) say(`waiting for process ${owner.pid}, which is ${what}`)
    await new Promise(resolve => setTimeout(resolve, 300))
  }
}

function ownerOf(file: string): ReturnType<typeof parseProcessId> {
  try {
    return parseProcessId(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
