import { AirstripError } from '../errors.ts'

export interface Holder {
  /** `host/pid/start`. */
  holder: string
  since: string
  command: string
}

/** Where the lock lies; every act is atomic. */
export interface LockFile {
  path: string
  read(): string | undefined
  /** False where there is one already. */
  create(text: string): boolean
  /** Takes away the lock only if it still says `text`. */
  removeIf(text: string): boolean
}

/** Takes the lock or refuses at once, naming who has it; a dead holder's lock is taken over. */
export function takeLock(file: LockFile, mine: Holder, alive: (holder: string) => boolean | undefined, note: (text: string) => void): () => void {
  const text = JSON.stringify(mine)
  for (let attempt = 0; attempt < 5; attempt++) {
    if (file.create(text)) {
      return () => {
        file.removeIf(text)
      }
    }
    const current = file.read()
    if (current === undefined) continue
    const other = parseHolder(current)
    if (other === 'unknown') throw new AirstripError('LOCKED', `${file.path} is a lock that this airstrip does not understand.`, { place: file.path, next: `When no airstrip runs, delete ${file.path}.` })
    if (other !== 'damaged' && alive(other.holder) !== false) throw held(file.path, other)
    if (file.removeIf(current)) note(`took over the lock of a run that is gone (${other === 'damaged' ? 'unreadable' : `${other.holder}, since ${other.since}`})`)
  }
  throw new AirstripError('LOCKED', `${file.path} changes hands too quickly to be taken.`, { place: file.path })
}

/**
 * A lock comes into being whole, so half a one was left by a machine that went down, and its holder
 * with it. A whole one of another shape is somebody else's, and may well be alive.
 */
function parseHolder(text: string): Holder | 'damaged' | 'unknown' {
  try {
    const value = JSON.parse(text) as Partial<Holder> | null
    return typeof value?.holder === 'string' ? { holder: value.holder, since: value.since ?? '', command: value.command ?? '' } : 'unknown'
  } catch {
    return 'damaged'
  }
}

function held(path: string, { holder, since, command }: Holder): AirstripError {
  const [host = '', pid = ''] = holder.split('/')
  return new AirstripError('LOCKED', `Another run holds the lock: pid ${pid} on ${host} since ${since} (${command}).`, {
    place: path,
    next: `Wait for pid ${pid} on ${host} to end; if that machine is gone for good, delete ${path}.`,
  })
}
