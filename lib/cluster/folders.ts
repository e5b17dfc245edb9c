/** Looking into folders on the node, in which pods and people put what they like. */
import { readdirSync } from 'node:fs'

/** What this user may not see is not read. */
export function entriesOf(folder: string): ReturnType<typeof listed> {
  return unlessRefused(() => listed(folder)) ?? []
}

export const listed = (folder: string) => readdirSync(folder, { withFileTypes: true })

export function unlessRefused<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
