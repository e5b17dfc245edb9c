import t from 'tap'
import { observePod } from '../../../lib/observe/pod.ts'
import { container, context, crashed, event, now, pod } from './objects.ts'

function main(status: Record<string, unknown>, owner?: { kind: string; name: string }) {
  return pod({ ...(owner ? { owner } : {}), status: { containerStatuses: [status] } })
}

void t.test('a crash loop that held is hopeless', (t) => {
  const look = observePod(main(crashed(5, {})), context())
  t.match(look, { state: 'failed', settleMs: 30_000, finding: { id: 'crash-loop', title: 'Container scheduler of Deployment airflow-scheduler keeps crashing', evidence: [/exit code 1, restarted 5 times/], fix: [/logs .* --previous/] } })
  t.match(look, { triedAt: '2023-08-02T10:29:42Z' }, 'and is told with its last try, of which a later change knows nothing')
  t.match(observePod(main(crashed(4, { exitCode: 128, reason: 'ContainerCannotRun', startedAt: null, finishedAt: null })), context()), { state: 'failed' }, 'one that cannot even start')
  const startError = { exitCode: 128, reason: 'StartError', startedAt: '1970-01-01T00:00:00Z', message: 'failed to create containerd task: exec: "/nope": stat /nope: no such file or directory: unknown' }
  const cannot = { state: 'failed', settleMs: 20_000, finding: { id: 'container-config-error', title: /cannot be started: exec: "\/nope": stat \/nope: no such file or directory$/ } }
  // runc 1.1 to 1.3, libcontainer/rootfs_linux.go: a mount within one that is read-only.
  const readOnly = { ...startError, message: 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error mounting "/var/lib/kubelet/pods/x/volumes/kubernetes.io~empty-dir/logs" to rootfs at "/opt/airflow/dags/logs": create mountpoint for /opt/airflow/dags/logs mount: mkdirat logs: read-only file system: unknown' }
  t.match(observePod(main(crashed(1, readOnly)), context()), { state: 'failed', finding: { id: 'container-config-error', title: /read-only file system$/ } })
  // containerd, pkg/oci/spec_opts.go, ErrNoUsersFound: the image names a user that it does not have.
  const noUser = container({ state: { waiting: { reason: 'CreateContainerError', message: 'failed to create containerd container: mount callback failed on /var/lib/containerd/tmpmounts/x: no users found' } } })
  t.match(observePod(main(noUser), context()), { state: 'failed', finding: { id: 'container-config-error' } })
  t.match(observePod(main(crashed(1, startError)), context()), cannot, 'what containerd cannot start, it cannot start the next time either')
  t.end()
})

void t.test('a few crashes are not a loop', (t) => {
  t.match(observePod(main(crashed(3, {})), context()), { state: 'waiting', reason: /CrashLoopBackOff \(last exit code 1, restarted 3 times\)/ })
  t.end()
})

void t.test('a container that runs again is given its chance', (t) => {
  const again = crashed(6, {}, { state: { running: { startedAt: '2023-08-02T10:29:00Z' } } })
  t.match(observePod(main(again), context()), { state: 'waiting', reason: /runs \(last exit code 1/ })
  t.end()
})

void t.test('between its end and the back-off it is as crashed as in it', (t) => {
  const terminated = { exitCode: 1, reason: 'Error', startedAt: '2023-08-02T10:29:50Z', finishedAt: '2023-08-02T10:29:55Z' }
  t.match(observePod(main(crashed(5, {}, { state: { terminated } })), context()), { state: 'failed', finding: { id: 'crash-loop' } })
  t.match(observePod(main(crashed(5, {}, { state: { terminated: { ...terminated, exitCode: 0 } } })), context()), { state: 'waiting' })
  t.end()
})

void t.test('what a probe or a signal killed was slow, not broken', (t) => {
  t.match(observePod(main(crashed(9, { exitCode: 137 })), context()), { state: 'waiting' })
  t.match(observePod(main(crashed(9, { exitCode: 143 })), context()), { state: 'waiting' })
  t.match(observePod(main(crashed(9, { exitCode: 0, reason: 'Completed' })), context()), { state: 'waiting' })
  const killed = main(crashed(9, {}))
  const events = [event(killed, 'Killing', 'Container scheduler failed liveness probe, will be restarted', { type: 'Normal' })]
  t.match(observePod(killed, context({ events })), { state: 'waiting' }, 'even where it ends with an error of its own')
  const other = [event(killed, 'Killing', 'Container git-sync failed liveness probe, will be restarted')]
  t.match(observePod(killed, context({ events: other })), { state: 'failed' }, 'but not where that was another container')
  t.end()
})

void t.test('a webserver that gave up after two minutes is a slow machine', (t) => {
  t.match(observePod(main(crashed(6, { startedAt: '2023-08-02T10:27:30Z' })), context()), { state: 'waiting' })
  t.end()
})

void t.test('a crash of some minutes ago may be mended by now, so the next try decides', (t) => {
  const old = { startedAt: '2023-08-02T10:26:00Z', finishedAt: '2023-08-02T10:26:05Z' }
  t.match(observePod(main(crashed(6, old)), context()), { state: 'failed', settleMs: 330_000, finding: { id: 'crash-loop' } })
  t.end()
})

void t.test('killed for memory again and again is hopeless', (t) => {
  t.match(observePod(main(crashed(4, { exitCode: 137, reason: 'OOMKilled' })), context()), { state: 'failed', finding: { id: 'oom-killed' } })
  t.match(observePod(main(crashed(2, { exitCode: 137, reason: 'OOMKilled' })), context()), { state: 'waiting', reason: /OOMKilled/ })
  const ranged = main(crashed(4, { exitCode: 137, reason: 'OOMKilled' }))
  ranged.metadata.annotations = { 'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu, memory request for container scheduler; memory limit for container scheduler' }
  t.match(observePod(ranged, context()), { finding: { evidence: [/OOMKilled/, /default that a LimitRange/], fix: [/set resources/, /^kubectl -n airflow edit limitrange #/, /airflow\.values/] } }, 'whose limit it is')
  t.end()
})

void t.test('an init container that dies of the limit of another one is told with whose limit it was', (t) => {
  // Kubernetes 1.20: 24Mi on the only main container is the limit of the pod's cgroup, and runs for its init container too.
  const tight = pod({
    spec: {
      initContainers: [{ name: 'wait-for-airflow-migrations', resources: {} }],
      containers: [{ name: 'webserver', resources: { limits: { memory: '24Mi' }, requests: { memory: '24Mi' } } }],
    },
    status: { phase: 'Pending', initContainerStatuses: [crashed(4, { exitCode: 137, reason: 'OOMKilled' }, { name: 'wait-for-airflow-migrations' })] },
  })
  t.match(observePod(tight, context()), { state: 'failed', finding: {
    id: 'webserver-oom-or-slow-start', title: 'Container webserver of Deployment airflow-scheduler needs more memory than it may use',
    evidence: [/container wait-for-airflow-migrations: OOMKilled/, /wait-for-airflow-migrations has no limit of its own; the limit of webserver is that of the whole pod/], fix: [/set resources deployment\/airflow-scheduler -c webserver --limits=memory=2Gi/],
  } })
  t.end()
})

void t.test('an init container that waits for the migrations may crash as long as it likes', (t) => {
  const waits = pod({
    status: {
      phase: 'Pending',
      initContainerStatuses: [crashed(12, {}, { name: 'wait-for-airflow-migrations' })],
      containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })],
    },
  })
  t.match(observePod(waits, context()), { state: 'waiting', reason: /^init container wait-for-airflow-migrations: CrashLoopBackOff/ })
  t.end()
})

void t.test('the pod of a Job is left to the Job, which counts its tries', (t) => {
  t.match(observePod(main(crashed(5, {}), { kind: 'Job', name: 'airflow-run-airflow-migrations' }), context()), { state: 'waiting' })
  t.end()
})

void t.test('a container that its own postStart hook ends says with which words', (t) => {
  const one = pod({ status: { containerStatuses: [crashed(5, { exitCode: 137 })] } })
  // pkg/kubelet/kuberuntime/kuberuntime_container.go, as the lab's kubelet had it.
  const failed = { ...event(one, 'FailedPostStartHook', 'Exec lifecycle hook ([cat /etc/nope]) for Container "scheduler" in Pod "airflow-scheduler-6d5b9c7f9-x2x4z" failed - error: command \'cat /etc/nope\' exited with 1: cat: can\'t open \'/etc/nope\': No such file or directory') }
  const about = { ...failed, involvedObject: { ...(failed.involvedObject as object), fieldPath: 'spec.containers{scheduler}' } }
  t.match(observePod(one, context({ events: [about] })), { state: 'failed', finding: { id: 'crash-loop', title: /its postStart hook fails$/, evidence: [/exit code 137/, /FailedPostStartHook.*can't open '\/etc\/nope'/] } })
  t.end()
})

void t.test('a program that the runtime itself lacks is installed on the node, and no matter of the image', (t) => {
  // containerd 1.7 on Debian 12, where AppArmor is on in the kernel and its package is not there.
  const message = 'failed to create containerd container: get apparmor_parser version: exec: "apparmor_parser": executable file not found in $PATH'
  t.match(observePod(main(container({ state: { waiting: { reason: 'CreateContainerError', message } } })), context()), { state: 'failed', finding: { id: 'container-config-error', title: 'Node home has no apparmor_parser, without which its runtime makes no container', fix: [/^sudo apt install apparmor && sudo systemctl restart containerd # on home/] } })
  t.end()
})

void t.test('a start that fails anew each time is one failure: what is of one try alone is no part of its title', (t) => {
  const title = (message: string): string => {
    const look = observePod(main(container({ state: { waiting: { reason: 'RunContainerError', message } } })), context())
    return look.state === 'failed' ? look.finding.title : look.state
  }
  const mount = (id: string, number: number) => `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: error mounting "/var/lib/containerd/tmpmounts/containerd-mount${number}" to rootfs at "/etc/x": mount /run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/rootfs: not a directory: unknown`
  t.equal(title(mount('a'.repeat(64), 123)), title(mount('0123456789abcdef'.repeat(4), 4567)))
  t.match(title(mount('a'.repeat(64), 123)), /error mounting .*tmpmounts\/….*k8s\.io\/….*not a directory$/)
  for (const kind of ['shared', 'shared or slave']) t.match(title(`failed to generate container "${'b'.repeat(64)}" spec: failed to generate spec: path "/srv/dags" is mounted on "/srv" but it is not a ${kind} mount`), new RegExp(`container "…" spec.* not a ${kind} mount$`), kind)
  t.end()
})

void t.test('restarts are counted for life, so a loop is told by the pause that the kubelet really keeps', (t) => {
  const kept = (pause: string, restarts: number, last = {}) => observePod(main(crashed(restarts, last, { state: { waiting: { reason: 'CrashLoopBackOff', message: `back-off ${pause} restarting failed container=scheduler pod=airflow-scheduler-6d5b9c7f9-x2x4z_airflow(0b5f)` } } })), context()).state
  for (const pause of ['10s', '20s', '40s']) t.equal(kept(pause, 12), 'waiting', `${pause} after a boot of the node, with twelve restarts of before`)
  t.equal(kept('40s', 12, { exitCode: 137, reason: 'OOMKilled' }), 'waiting')
  t.equal(kept('1m20s', 4), 'failed', 'the fourth pause of a pod that is new')
  for (const pause of ['1m20s', '2m40s', '5m0s']) t.equal(kept(pause, 12), 'failed', pause)
  t.equal(kept('1m0s', 12), 'failed', 'the longest of a kubelet that is told to pause less (ReduceDefaultCrashLoopBackOffDecay)')
  const one = main(crashed(12, {}, { state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container=scheduler pod=x' } } }))
  const paused = (seconds: number) => observePod(one, context({ events: [{ ...event(one, 'BackOff', 'Back-off restarting failed container', { firstTimestamp: new Date(now.getTime() - seconds * 1000).toISOString() }), involvedObject: { kind: 'Pod', name: one.metadata.name, namespace: 'airflow', uid: one.metadata.uid, fieldPath: 'spec.containers{scheduler}' } }] })).state
  t.same([paused(60), paused(200)], ['waiting', 'failed'], 'of a kubelet that never pauses for longer (maxContainerRestartPeriod) the time tells')
  t.end()
})
