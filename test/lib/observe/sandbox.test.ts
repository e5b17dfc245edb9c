/** Sandboxes that the runtime will not make, in the words of containerd (the lab's), CRI-O and the kubelet's own shim for Docker. */
import t from 'tap'
import { observePod } from '../../../lib/observe/pod.ts'
import { container, context, event, placed, pod } from './objects.ts'

const waits = pod({ spec: { runtimeClassName: 'sandboxed' }, status: { ...placed, phase: 'Pending', containerStatuses: [container()] } })
const refused = (words: string, fields: Record<string, unknown> = {}) => event(waits, 'FailedCreatePodSandBox', `Failed to create pod sandbox: rpc error: code = Unknown desc = ${words}`, fields)
const look = (...events: ReturnType<typeof event>[]) => observePod(waits, context({ events }))

void t.test('a RuntimeClass whose handler the node does not have ends the wait once nobody has brought it for two minutes', (t) => {
  for (const words of ['failed to get sandbox runtime: no runtime for "gvisor" is configured', 'failed to find runtime handler gvisor from runtime list map[runc:0xc000]', 'RuntimeHandler "gvisor" not supported']) {
    t.match(look(refused(words)), {
      state: 'failed', settleMs: 120_000,
      finding: { id: 'runtime-handler-missing', title: 'The node\'s runtime has no handler gvisor, which RuntimeClass sandboxed asks for', evidence: [/^Pod airflow\/airflow-scheduler-.*gvisor/], fix: [/^kubectl -n airflow patch deployment\/airflow-scheduler -p '\{"spec".*"runtimeClassName":null/, /gvisor must be among them/] },
    }, words)
  }
  t.end()
})

void t.test('cgroups that the runtime takes in another form end it after a minute', (t) => {
  for (const words of [
    'failed to start sandbox container task "9f": failed to create shim task: OCI runtime create failed: runc create failed: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/besteffort/pod1/9f" instead: unknown',
    'cri-o configured with systemd cgroup manager, but did not receive slice as parent: /kubepods/besteffort/pod1',
  ]) t.match(look(refused(words)), { state: 'failed', settleMs: 60_000, finding: { id: 'cgroup-driver-mismatch' } }, words)
  t.end()
})

void t.test('every other refusal of a sandbox may pass, and one that is over is over', (t) => {
  const handler = 'failed to get sandbox runtime: no runtime for "gvisor" is configured'
  t.match(look(refused('failed to setup network for sandbox "9f": cni plugin not initialized')), { state: 'waiting' })
  t.match(look(refused(handler, { lastTimestamp: '2023-08-02T10:29:00Z' }), refused('context deadline exceeded', { lastTimestamp: '2023-08-02T10:29:50Z' })), { state: 'waiting' }, 'the runtime is restarted, with the handler in its configuration')
  t.match(look(refused(handler, { lastTimestamp: '2023-08-02T10:29:00Z' }), event(waits, 'Pulling', 'Pulling image "apache/airflow:2.6.2"', { lastTimestamp: '2023-08-02T10:29:50Z' })), { state: 'waiting' }, 'its sandbox was made since')
  t.end()
})
