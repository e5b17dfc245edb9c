import { AirstripError } from '../errors.ts'

const sentences: Record<string, [sentence: string, next: string]> = {
  EACCES: ['this user may not use it', 'Run as the user that it belongs to, give this one access to it, or name another file with --state FILE.'],
  EPERM: ['this user may not use it', 'Run as the user that it belongs to, give this one access to it, or name another file with --state FILE.'],
  EISDIR: ['it is a folder, and a file belongs there', 'Move the folder away, or name another file with --state FILE.'],
  ENOTDIR: ['a part of its path is a file, and a folder belongs there', 'Move that file away, or name another place with --state FILE.'],
  EROFS: ['the file system can only be read', 'Mount it for writing, or name a file elsewhere with --state FILE.'],
  ENOSPC: ['the disk is full', 'Make room on it and run again: the last state that was written is still whole.'],
}

/** What the disk refuses, told as what to do about it. */
export function refusal(path: string, error: unknown): AirstripError {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const next = sentences[code]?.[1]
  return new AirstripError('STATE_UNUSABLE', `${path} cannot be used: ${refusalWords(error)}.`, { place: path, cause: error, ...(next === undefined ? {} : { next }) })
}

export function refusalWords(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return code === 'ENOENT' ? 'it, or the folder that it lies in, is not there' : sentences[code]?.[0] ?? (error instanceof Error ? error.message : String(error))
}

/** The same for an act on the disk. */
export function onDisk<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw refusal(path, error)
  }
}
