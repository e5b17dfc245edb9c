import { existsSync, readFileSync } from 'node:fs'
import { must } from './exec.ts'

/** Mount points below a folder, the innermost first. */
export function mountsBelow(dir: string, mountinfo: string): string[] {
  return mountinfo.split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(path => path === dir || path.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length)
}

/**
 * Removes a folder of the lab. The node's mounts went with its namespace; should one be in the machine's own
 * after all, it is taken off first, and `rm` is told not to cross into another file system: what is mounted
 * may be a person's data.
 */
export async function removeFolder(dir: string): Promise<void> {
  if (!existsSync(dir)) return
  for (const mount of mountsBelow(dir, readFileSync('/proc/self/mountinfo', 'utf8'))) await must('umount', [mount])
  await must('rm', ['-rf', '--one-file-system', dir])
}
