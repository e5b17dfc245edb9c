import t from 'tap'
import { observePod } from '../../../lib/observe/pod.ts'
import { observeStart } from '../../../lib/observe/start-error.ts'
import type { ContainerStatus } from 'kubernetes-types/core/v1.js'
import { container, context, now, pod } from './objects.ts'

const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()
const runc = 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: '

void t.test('a start that failed some minutes ago is not the last word: the node may have been mended since', (t) => {
  const look = (said: string, seconds: number, mended: Record<string, unknown> = {}) => {
    const terminated = { exitCode: 128, reason: 'StartError', message: runc + said, startedAt: '1970-01-01T00:00:00Z', finishedAt: ago(seconds) }
    const status = container({ restartCount: 14, state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container=scheduler' } }, lastState: { terminated }, ...mended })
    return observeStart(pod({ status: { containerStatuses: [status] } }), status as unknown as ContainerStatus, now)
  }
  const binary = 'exec: "/usr/bin/dumb-init": exec format error: unknown'
  t.match(look(binary, 180), { state: 'failed', settleMs: 330_000, triedAt: ago(180), finding: { id: 'wrong-cpu-architecture' } })
  t.match(look(binary, 5), { state: 'failed', settleMs: 20_000, triedAt: ago(5), finding: { id: 'wrong-cpu-architecture' } })
  t.match(look('exec: "airflwo": executable file not found in $PATH: unknown', 180), { state: 'failed', settleMs: 330_000, finding: { id: 'container-config-error' } })
  t.match(look('error unpacking image: failed to get reader from content store: content digest sha256:1b93: not found', 180), { settleMs: 330_000, finding: { title: /has lost a part/ } })
  t.match(look(binary, 0, { state: { terminated: { exitCode: 128, reason: 'StartError', message: runc + binary, finishedAt: ago(1) } }, lastState: {} }), { state: 'failed', settleMs: 20_000, triedAt: ago(1) })
  t.end()
})

void t.test('what the kubelet tries every few seconds needs no time of its last try', (t) => {
  const creating = container({ state: { waiting: { reason: 'CreateContainerError', message: 'Error response from daemon: No command specified' } }, lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: ago(400) } } })
  t.match(observeStart(pod(), creating as unknown as ContainerStatus, now), { state: 'failed', settleMs: 20_000, triedAt: undefined })
  t.end()
})

void t.test('a runtime that writes the time into each text says the same each time', (t) => {
  const title = (time: string) => {
    const message = `container create failed: time="${time}" level=error msg="runc create failed: unable to start container process: error during container init: chdir to cwd (\\"/opt/airflow\\") set in config.json failed: permission denied"`
    const look = observePod(pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerError', message } } })] } }), context())
    return look.state === 'failed' ? look.finding.title : undefined
  }
  t.match(title('2025-08-02T10:00:12Z'), /^Container scheduler of Deployment airflow-scheduler cannot be started: .*permission denied/)
  t.equal(title('2025-08-02T10:00:12Z'), title('2025-08-02T10:00:24Z'))
  t.end()
})
