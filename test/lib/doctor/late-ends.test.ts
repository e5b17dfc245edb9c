import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import { crashed, event, pod } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const twoMinutes = { exitCode: 1, startedAt: '2023-08-02T10:26:00Z', finishedAt: '2023-08-02T10:28:00Z' }

function found(end: Record<string, unknown>, more: { status?: Record<string, unknown>; says?: string[]; container?: string; events?: (of: ReturnType<typeof pod>) => Evidence['events'] } = {}) {
  const name = more.container ?? 'webserver'
  const one = pod({ name: `airflow-${name}-6f8-x`, owner: { kind: 'ReplicaSet', name: `airflow-${name}-6f8` }, labels: { 'tier': 'airflow', 'pod-template-hash': '6f8' }, status: { containerStatuses: [{ ...crashed(12, end, more.status), name }] } })
  const logs = more.says === undefined ? [] : [{ namespace: 'airflow', pod: one.metadata.name, container: name, previous: false, lines: more.says }]
  return diagnose(evidence({ pods: [one], logs, events: more.events?.(one) ?? [] }), [], processRules).findings
}

void t.test('a webserver that gives up after two minutes, again and again, is told by its own words', (t) => {
  t.match(found(twoMinutes, { says: ['[ERROR] No response from gunicorn master within 120 seconds', '[ERROR] Shutting down webserver'] }), [{ id: 'webserver-oom-or-slow-start', title: /gives up before its workers/, why: /waits 120 s/, fix: [/web_server_master_timeout: 600/] }])
  t.end()
})

void t.test('any other that ends after minutes is told with its last words, and while it runs once more, too', (t) => {
  const late = { id: 'crash-loop', title: /^Container scheduler of Deployment airflow-scheduler ends again and again, the last time after 120 s$/, evidence: [/exit code 1, restarted 12 times/, /MemoryError/] }
  t.match(found(twoMinutes, { container: 'scheduler', says: ['MemoryError'] }), [late])
  const again = { ready: true, state: { running: { startedAt: '2023-08-02T10:29:00Z' } } }
  const backOff = (one: ReturnType<typeof pod>) => [event(one, 'BackOff', 'Back-off restarting failed container')]
  t.match(found(twoMinutes, { container: 'scheduler', says: ['MemoryError'], status: again, events: backOff }), [late])
  t.same(found(twoMinutes, { container: 'scheduler', status: again }), [], 'a node that was started anew many times leaves no pause')
  t.end()
})

void t.test('who is killed and by no probe is looked for where the kernel writes it down', (t) => {
  t.match(found({ ...twoMinutes, exitCode: 137 }, { container: 'scheduler' }), [{ id: 'oom-killed', title: /is killed again and again, and by no probe/, fix: [/dmesg/, /limits\.memory/] }])
  t.same(found({ ...twoMinutes, exitCode: 137 }, { container: 'scheduler', events: (one) => [event(one, 'Unhealthy', 'Liveness probe failed: ')] }).map(({ id }) => id), [], 'that one is the probe\'s')
  t.end()
})

void t.test('who ends well again and again is to run on, and is told however long it ran', (t) => {
  const well = { exitCode: 0, reason: 'Completed', startedAt: '2023-08-02T10:29:00Z', finishedAt: '2023-08-02T10:29:35Z' }
  const told = { id: 'crash-loop', severity: 'error', title: 'Container scheduler of Deployment airflow-scheduler ends again and again without an error, the last time after 35 s', evidence: [/exit code 0, restarted 4 times/], fix: [/command/] }
  const of = (end: Record<string, unknown>, restartCount: number, more: Parameters<typeof found>[1] = {}) => found({ ...well, ...end }, { container: 'scheduler', ...more, status: { restartCount, ...more.status } })
  t.match(of({}, 4), [told])
  t.match(of({ ...twoMinutes, exitCode: 0 }, 3).map(({ id }) => id), ['crash-loop'])
  t.same(of({}, 2), [], 'twice may be chance')
  t.same(of({ startedAt: '2023-08-02T09:29:00Z' }, 14), [], 'who is told to begin anew after an hour (num_runs)')
  t.same(of({}, 4, { events: (one) => [event(one, 'Unhealthy', 'Liveness probe failed: ')] }).filter(({ title }) => title.includes('without an error')), [], 'that one is the probe\'s')
  const backOff = (one: ReturnType<typeof pod>) => [event(one, 'BackOff', 'Back-off restarting failed container')]
  const since = (startedAt: string) => ({ status: { ready: true, state: { running: { startedAt } } }, events: backOff })
  t.match(of({}, 4, since('2023-08-02T10:29:45Z')), [told], 'between two ends')
  t.same(of({ startedAt: '2023-08-02T09:00:00Z', finishedAt: '2023-08-02T09:00:35Z' }, 4, since('2023-08-02T09:01:15Z')), [], 'one that has run on since')
  t.end()
})
