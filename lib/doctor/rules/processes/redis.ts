/**
 * A broker that cannot save what it holds. It stays ready and refuses every write, so nobody else's probe sees it:
 *
 *   redis:     # Write error saving DB on disk(rdbSaveRio): No space left on device
 *   scheduler: Error sending Celery task: MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.
 */
import { pressuresOf } from '../../../observe/node.ts'
import { fixOf } from '../../../observe/observation.ts'
import type { Finding } from '../../../step.ts'
import { mentions, told } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { volumesOf } from '../nodes/disk.ts'
import { relief } from '../nodes/pressure.ts'

const full = 'No space left on device'
const saved = /Background saving terminated with success|DB saved on disk/

export function brokerFull(evidence: Evidence): Finding[] {
  // A node that says so itself has told it.
  if ((evidence.nodes ?? []).some((node) => pressuresOf(node).length > 0)) return []
  const current = evidence.logs.filter(({ container, lines, previous }) => !previous && /^(airflow-)?redis$/.test(container) && lines.findLastIndex((line) => line.includes(full)) > lines.findLastIndex((line) => saved.test(line)))
  return mentions({ ...evidence, logs: current }, new RegExp(full)).map((one) => wrong('node-pressure-evicted', {
    title: 'Redis cannot save: no space is left on its volume',
    evidence: [...told([one]), ...volumesOf(one.pod, evidence).map(({ line }) => line), ...told(mentions(evidence, /MISCONF Redis is configured to save/)).slice(0, 1)],
    why: 'It takes no more writes then, so that nothing is lost: no task is sent to the workers, and all stay queued.',
    fix: fixOf([`kubectl -n ${evidence.namespace} exec ${one.pod.metadata.name} -c ${one.container} -- df -h # how full it is; it saves by itself once there is space`], ...relief.fix),
  }))
}
