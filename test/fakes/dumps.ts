/** A folder of dumps that keeps a list of what was asked of it. */
import type { DumpFolder } from '../../lib/cluster/backup.ts'
import type { Kept } from '../../lib/database/record.ts'

export interface RecordedFolder extends DumpFolder {
  acts: string[]
}

export function recordedFolder(kept: readonly Kept[] = [], sealed = { size: 12, sha256: 'ab'.repeat(32) }): RecordedFolder {
  const acts: string[] = []
  const all = [...kept]
  return {
    acts,
    begin: (name) => {
      acts.push(`begin ${name}`)
      return `/backups/.${name}`
    },
    seal: () => {
      acts.push('seal')
      return Promise.resolve(sealed)
    },
    keep: (_, dump, name) => {
      acts.push(`keep ${name}`)
      const whole = { ...dump, file: `/backups/${name}` }
      all.push({ dump: { version: 1, verified: true, ...whole }, whole: true })
      return Promise.resolve(whole)
    },
    discard: () => {
      acts.push('discard')
    },
    list: () => all,
    remove: (file) => {
      acts.push(`remove ${file}`)
    },
  }
}

/** For a Writer that is to dump nothing. */
export function nowhere(): DumpFolder {
  const never = (): never => {
    throw new Error('unscripted: a dump')
  }
  return { begin: never, seal: never, keep: never, discard: never, list: never, remove: never }
}
