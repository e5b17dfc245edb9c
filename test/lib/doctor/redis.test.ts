/** The broker's disk. The texts are of Redis 7 (rdb.c) on a file system without space, and of the Celery that asks it. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import { claim, container, node, pod, ready, volume } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const redis = pod({
  name: 'airflow-redis-0', owner: { kind: 'StatefulSet', name: 'airflow-redis' }, labels: { component: 'redis' },
  spec: { containers: [{ name: 'redis', image: 'redis:7' }], volumes: [{ name: 'redis-db', persistentVolumeClaim: { claimName: 'redis-db-airflow-redis-0' } }] },
  status: { ...ready, containerStatuses: [container({ name: 'redis', ready: true, state: { running: { startedAt: '2023-08-02T09:00:00Z' } } })] },
})
const scheduler = pod({ status: ready })
const full = '61:C 02 Aug 2023 10:29:40.104 # Write error saving DB on disk(rdbSaveRio): No space left on device'
const refused = '[2023-08-02T10:29:41.123+0000] {celery_executor.py:285} ERROR - Error sending Celery task: MISCONF Redis is configured to save RDB snapshots, but it\'s currently unable to persist to disk.'

function saying(lines: string[], parts: Partial<Evidence> = {}) {
  const log = (about: typeof redis, name: string, said: string[]) => ({ namespace: 'airflow', pod: about.metadata.name, container: name, previous: false, lines: said })
  return diagnose(evidence({
    release: undefined, pods: [redis, scheduler], logs: [log(redis, 'redis', lines), log(scheduler, 'scheduler', [refused])],
    claims: [claim({ volumeName: 'broker' }, { phase: 'Bound' }, 'redis-db-airflow-redis-0')], volumes: [volume({ hostPath: { path: '/srv/airflow/redis' } }, 'Bound', 'broker')], ...parts,
  }), [], processRules).findings
}

void t.test('a broker that finds no space to save on is told with its volume, though it is called ready', (t) => {
  t.match(saying([full, '1:M 02 Aug 2023 10:29:40.202 # Background saving error']), [{
    id: 'node-pressure-evicted', severity: 'error', title: 'Redis cannot save: no space is left on its volume',
    evidence: [/^airflow-redis-0\/redis: .*No space left on device$/, 'PersistentVolumeClaim airflow/redis-db-airflow-redis-0 is /srv/airflow/redis on home', /MISCONF/], fix: [/^kubectl -n airflow exec airflow-redis-0 -c redis -- df -h/, /./],
  }])
  t.end()
})

void t.test('one that has saved since, or whose node says itself that it is short of disk, is not told so', (t) => {
  t.same(saying([full, '1:M 02 Aug 2023 10:29:50.202 * Background saving terminated with success']), [])
  t.same(saying([full], { nodes: [node({ conditions: [{ type: 'Ready', status: 'True' }, { type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' }] })] }), [])
  t.same(saying(['1:M 02 Aug 2023 10:29:40.101 * 100 changes in 300 seconds. Saving...']), [])
  t.end()
})
