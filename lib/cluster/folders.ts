/** Looking into folders on the node, in which pods and people put what they like. */
import { readdirSync, type Dirent } from 'node:fs'
import { join } from 'node:path'

/** What this user may not see is not read. */
export function entriesOf(folder: string): ReturnType<typeof listed> {
  return unlessRefused(() => listed(folder)) ?? []
}

export const listed = (folder: string) => readdirSync(folder, { withFileTypes: true })

export interface Below {
  path: string
  entry: Dirent
}

/** At most so many entries, those of the upper folders first. Follows no link: one could lead anywhere, and round. */
export function below(top: string, most: number, isWanted: (entry: Dirent) => boolean = () => true): Below[] {
  const [found, folders]: [Below[], string[]] = [[], [top]]
  let left = most
  for (let folder = folders.shift(); folder !== undefined && left > 0; folder = folders.shift()) {
    const entries = entriesOf(folder).slice(0, left)
    left -= entries.length
    for (const entry of entries.filter(isWanted)) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) folders.push(path)
      found.push({ path, entry })
    }
  }
  return found
}

export function unlessRefused<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENXIO', 'EIO', 'ESTALE'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
