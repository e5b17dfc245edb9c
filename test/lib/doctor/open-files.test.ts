import t from 'tap'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { crashed, node, pod, ready } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const well = pod({ name: 'traefik-7d9f-abcde', owner: { kind: 'ReplicaSet', name: 'traefik-7d9f' }, labels: { 'pod-template-hash': '7d9f' }, status: { ...ready, containerStatuses: [{ name: 'traefik', ready: true, restartCount: 0, state: { running: { startedAt: '2023-08-02T05:00:00Z' } } }] } })
const found = (line: string, status?: Record<string, unknown>, parts: Partial<Evidence> = {}) => {
  const logs = [{ namespace: 'airflow', pod: well.metadata.name, container: 'traefik', previous: false, lines: [line] }]
  return diagnose(evidence({ nodes: [node()], pods: [status === undefined ? well : { ...well, status }], logs, ...parts })).findings.filter(({ id }) => id === 'kind-too-many-open-files')
}
const accepting = (time: string) => `time="${time}" level=error msg="Error while starting server" error="accept tcp [::]:8443: accept4: too many open files"`

void t.test('a line of a container that is well is told for ten minutes, and of one that is not for as long', (t) => {
  t.same(found(accepting('2023-08-02T05:20:00Z')), [], 'five hours ago')
  t.equal(found(accepting('2023-08-02T10:25:00Z')).length, 1)
  t.same(found('[ERROR] plugin/errors: 2 x. A: dial udp 192.168.1.1:53: socket: too many open files'), [], 'nobody knows when')
  const running = { name: 'traefik', ready: true, restartCount: 0, state: { running: { startedAt: '2023-08-02T10:25:00Z' } } }
  t.equal(found('socket: too many open files', { ...ready, containerStatuses: [running] }).length, 1, 'no longer ago than it runs')
  const down = { phase: 'Running', containerStatuses: [crashed(4, {}, { name: 'traefik' })] }
  t.equal(found('socket: too many open files', down).length, 1)
  t.equal(found(accepting('2023-08-02T05:20:00Z'), down).length, 1)
  t.end()
})

void t.test('the limit of one process is another than the kernel\'s for watching, and is raised elsewhere', (t) => {
  const down = { phase: 'Running', containerStatuses: [crashed(4, {}, { name: 'traefik' })] }
  const ofProcess = [
    accepting('2023-08-02T10:29:00Z'), 'dial udp 192.168.1.1:53: socket: too many open files', 'OSError: [Errno 24] Too many open files: \'/opt/airflow/dags/a.py\'',
    'cat: can\'t open \'/etc/hostname\': Too many open files', 'Error: EMFILE: too many open files, open \'/app/x.js\'',
  ]
  for (const line of ofProcess) t.match(found(line, down), [{ title: 'A program has used up the files that it may open', evidence: [/^airflow\/traefik-7d9f-abcde, traefik: /], fix: [/LimitNOFILE=1048576.*systemctl restart containerd && kubectl -n airflow delete pod traefik-7d9f-abcde/, /ulimit -n/] }], line)
  const ofKernel = [
    '"command failed" err="failed complete: too many open files"', 'failed to create fsnotify watcher: too many open files', 'Error: EMFILE: too many open files, watch \'/app\'',
    'OSError: [Errno 24] inotify instance limit reached: too many open files',
  ]
  for (const line of ofKernel) t.match(found(line, down), [{ title: 'Too many files are open or watched on the node', fix: [/max_user_watches=524288/, /sysctl\.d/] }], line)
  t.match(found('', undefined, { unknown: ['the log of x, container y, could not be read: failed to create fsnotify watcher: too many open files'] }), [{ fix: [/max_user_instances=512/, /./] }])
  const nodeOf = (containerRuntimeVersion: string) => ({ nodes: [{ ...node(), metadata: { name: 'home', labels: { 'node-role.kubernetes.io/control-plane': 'true' } }, status: { nodeInfo: { containerRuntimeVersion, kubeletVersion: containerRuntimeVersion.includes('k3s') ? 'v1.28.5+k3s1' : 'v1.28.5' }, conditions: [{ type: 'Ready', status: 'True' }] } }] })
  t.match(found(ofProcess[1] ?? '', down, nodeOf('docker://20.10.7')), [{ fix: [/docker\.service\.d.*restart docker &&/, /./] }])
  t.match(found(ofProcess[1] ?? '', down, nodeOf('containerd://1.7.11-k3s2')), [{ fix: [/k3s\.service\.d.*restart k3s &&/, /./] }])
  const k3s = (name: string, labels: Record<string, string>) => ({ ...node({}, name), metadata: { name, labels }, status: { nodeInfo: { containerRuntimeVersion: 'containerd://1.7.11-k3s2', kubeletVersion: 'v1.28.5+k3s1' }, conditions: [{ type: 'Ready', status: 'True' }] } })
  const two = { nodes: [k3s('home', { 'node-role.kubernetes.io/master': 'true' }), k3s('attic', {})], pods: [{ ...well, status: down, spec: { nodeName: 'attic' } }] }
  t.match(found(ofProcess[1] ?? '', down, two), [{ fix: [/k3s-agent\.service\.d.*restart k3s-agent &&/, /./] }], 'an agent\'s unit has another name')
  t.end()
})
