import { basename } from 'node:path'

/**
 * Processes that ran a program of their own, by its name, from what `strace -f -e trace=execve` writes. A search
 * along the PATH fails once per folder; only what was found counts. A shell that becomes the program it was asked
 * for is one process, and goes by that program's name. The first is the contender itself, and counts too.
 *
 *   4711  execve("/usr/bin/kubectl", ["kubectl", "get"], 0x7ffd /* 20 vars *\/) = 0
 *   4712  execve("/bin/sh", ["sh"], 0x55 /* 20 vars *\/ <unfinished ...>
 *   4712  <... execve resumed>)             = 0
 */
export function processesIn(trace: string): Record<string, number> {
  const [begun, became] = [new Map<string, string>(), new Map<string, string>()]
  for (const line of trace.split('\n')) {
    const [, pid = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const path = /^execve\("([^"]+)"/.exec(call)?.[1] ?? (call.startsWith('<... execve resumed>') ? begun.get(pid) : undefined)
    if (path === undefined) continue
    begun.set(pid, path)
    if (call.endsWith('= 0')) became.set(pid, basename(path))
  }
  const counts: Record<string, number> = {}
  for (const name of became.values()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

export function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** The most frequent first: `kubectl 12, helm 1, node 1`. */
export function listed(counts: Record<string, number>, most = 6): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a)
  const rest = sorted.slice(most).reduce((sum, [, count]) => sum + count, 0)
  return [...sorted.slice(0, most).map(([name, count]) => `${name} ${count}`), ...(rest > 0 ? [`others ${rest}`] : [])].join(', ')
}
