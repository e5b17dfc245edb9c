/** The kernel's limits for watching files, which kind's nodes share with the host. */
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { watchesUsedUp } from '../nodes/disk.ts'

/** Of containers that are not well, or said it just now: the logs that were taken are the last lines. */
export function openFiles({ logs, unknown }: Evidence): Finding[] {
  // kubectl's own words for a log that it could not follow for the same reason.
  const told = [...logs.flatMap(({ namespace, pod, container, lines }) => lines.map((line) => `${namespace}/${pod}, ${container}: ${line.trim()}`)), ...unknown]
  const seen = told.filter((line) => /too many open files/i.test(line) || watchesUsedUp.test(line))
  if (seen.length === 0) return []
  return [wrong('kind-too-many-open-files', {
    title: 'Too many files are open or watched on the node',
    evidence: [...new Set(seen)].slice(-3),
    why: 'All pods of a node share the kernel\'s inotify limits, which are small as they come; several kind clusters share them too.',
    fix: [
      'sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512 # on the node; for kind on the host',
      'printf "fs.inotify.max_user_watches = 524288\\nfs.inotify.max_user_instances = 512\\n" | sudo tee /etc/sysctl.d/90-inotify.conf # so that it lasts',
    ],
  })]
}
