import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { claim, container, crashed, deployment, event, inManifest, job, node, pod, ready, release, workload } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

type Parts = Parameters<typeof evidence>[0]

function of(parts: Parts) {
  return diagnose(evidence({ record: release({ updatedAt: long }), ...parts })).findings
}

const ids = (parts: Parts) => of(parts).map(({ id }) => id)
const system = (object: KubernetesObject): KubernetesObject => ({ ...object, metadata: { ...object.metadata, namespace: 'kube-system' } })

// As kubeadm's components write them by their documentation; the lab elects no leader, so none was seen.
const lease = (name: string, renewTime: string, namespace = 'kube-system'): KubernetesObject =>
  ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: { holderIdentity: `home_${name}`, leaseDurationSeconds: 15, renewTime } })
const fresh = [lease('home', '2023-08-02T10:29:55.000000Z', 'kube-node-lease'), lease('kube-scheduler', '2023-08-02T10:29:58.000000Z'), lease('kube-controller-manager', '2023-08-02T10:29:58.000000Z')]
const untouched = pod({ spec: { nodeName: undefined }, status: { phase: 'Pending', conditions: undefined } })

void t.test('a leader that renews no more is gone', (t) => {
  t.same(ids({ leases: fresh }), [])
  const stale = [...fresh.slice(0, 1), lease('kube-scheduler', '2023-08-02T10:20:00.000000Z'), ...fresh.slice(2)]
  t.match(of({ leases: stale }), [{ id: 'control-plane-down', title: 'kube-scheduler does not work', evidence: [/renewed last at 2023-08-02T10:20/], fix: [/component=kube-scheduler/, /kube-scheduler\.yaml/] }])
  t.end()
})

void t.test('an old lease proves nothing where the work is done, or where this machine\'s clock is wrong', (t) => {
  const left = [...fresh.slice(0, 1), lease('kube-scheduler', '2023-08-01T10:20:00.000000Z'), ...fresh.slice(2)]
  const placed = pod({ status: { ...ready, conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2023-08-02T10:00:00Z' }, { type: 'Ready', status: 'True' }] } })
  t.same(ids({ leases: left, pods: [placed] }), [], 'K3s elects no leader any more')
  t.same(ids({ leases: fresh.map((one) => lease(one.metadata.name, '2023-08-02T10:20:00.000000Z', one.metadata.namespace)) }), [], 'all ten minutes old: this clock is ahead')
  t.end()
})

void t.test('a store that takes no writes shows in a cluster that fell silent as a whole, or in what was said of a write', (t) => {
  const clock = '2023-08-02T10:30:00.000Z'
  const silent = fresh.map((one) => lease(one.metadata.name, '2023-08-02T10:20:00.000000Z', one.metadata.namespace))
  t.match(of({ leases: silent, clock }), [{ id: 'control-plane-down', severity: 'error', title: /only be read/, evidence: [/Lease kube-node-lease\/home was renewed last at 2023-08-02T10:20.*10:30:00/, /./, /./], fix: [/endpoint status/, /alarm disarm/] }])
  t.same(ids({ leases: silent, clock: '2023-08-02T10:20:05.000Z' }).filter((id) => id.startsWith('control-plane')), [], 'where the API server\'s clock is as old, this machine\'s is wrong')
  t.same(ids({ leases: silent.slice(0, 1), clock, nodes: [node({ conditions: [{ type: 'Ready', status: 'Unknown' }] })] }).filter((id) => id.startsWith('control-plane')), [], 'a node that is lost is silent too')
  t.same(ids({ leases: fresh, clock }), [])
  // Of an etcd 3.4 with a quota that was used up, beneath Kubernetes 1.20.
  const said = [{ source: 'this run', at: '2023-08-02T10:29:59Z', text: 'kubectl apply was refused.\nError from server: etcdserver: mvcc: database space exceeded' }]
  t.match(of({ leases: fresh, said }), [{ id: 'control-plane-down', title: /only be read/, evidence: ['this run: etcdserver: mvcc: database space exceeded'] }])
  const k3s = { ...node(), status: { nodeInfo: { kubeletVersion: 'v1.22.8+k3s1' }, conditions: [{ type: 'Ready', status: 'True' }] } }
  t.match(of({ leases: fresh, said, nodes: [k3s] }), [{ fix: [/^df -h \/var\/lib\/rancher\/k3s\/server\/db; sudo journalctl -u k3s -n 50 --no-pager # on the server$/, /restart k3s/] }], 'K3s has its store in itself')
  t.end()
})

void t.test('without leases a scheduler that is gone shows in pods that nobody has looked at', (t) => {
  t.match(of({ pods: [untouched] }), [{ id: 'control-plane-down', title: 'kube-scheduler does not work', evidence: [/no scheduler has looked at it/] }])
  const but = (changes: object, parts: Parts = {}) => ids({ pods: [{ ...untouched, ...changes }], ...parts })
  t.same(but({ metadata: { ...untouched.metadata, creationTimestamp: '2023-08-02T10:29:30Z' } }), [], 'a young one')
  t.same(but({ spec: { ...untouched.spec as object, schedulerName: 'volcano' } }), [], 'one of another scheduler')
  t.same(but({ metadata: { ...untouched.metadata, deletionTimestamp: '2023-08-02T10:29:30Z' } }), [], 'one that goes')
  const chosen = claim({}, { phase: 'Pending' })
  const waits = { spec: { nodeName: undefined, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: chosen.metadata.name } }] } }
  t.notOk(but(waits, { claims: [{ ...chosen, metadata: { ...chosen.metadata, annotations: { 'volume.kubernetes.io/selected-node': 'home' } } }] }).includes('control-plane-down'), 'one whose volume is being made')
  const later = pod({ name: 'later', status: { ...ready, conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2023-08-02T10:20:00Z' }, { type: 'Ready', status: 'True' }] } })
  t.same(ids({ pods: [untouched, later] }), [], 'a scheduler that placed others since')
  t.end()
})

void t.test('without leases controllers that are gone show in what they leave undone', (t) => {
  const behind = workload('Deployment', 'airflow-webserver', { observedGeneration: undefined })
  const title = 'kube-controller-manager does not work'
  t.match(of({ workloads: [behind] }), [{ id: 'control-plane-down', title, evidence: [/airflow-webserver was changed/] }])
  t.match(of({ jobs: [job({})] }), [{ id: 'control-plane-down', title, evidence: [/Job airflow\/airflow-run-airflow-migrations is there since/] }])
  const set: KubernetesObject = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'airflow-scheduler-6d5b9c7f9', namespace: 'airflow', uid: 'uid-airflow-scheduler-6d5b9c7f9' }, status: { replicas: 1 } }
  t.match(of({ replicaSets: [set] }), [{ id: 'control-plane-down', title, evidence: [/says that it has 1 pods, and 0 are there/] }])
  t.same(ids({ replicaSets: [set], pods: [pod({ status: ready })] }), [])
  t.end()
})

void t.test('a controller that was at work a moment ago is alive', (t) => {
  const behind = workload('Deployment', 'airflow-webserver', { observedGeneration: undefined })
  t.same(ids({ workloads: [{ ...behind, metadata: { ...behind.metadata, creationTimestamp: '2023-08-02T10:29:30Z' } }] }), [])
  const scaled = event(behind, 'ScalingReplicaSet', 'Scaled up replica set', { source: { component: 'deployment-controller' } })
  t.same(ids({ workloads: [behind], events: [scaled] }), [])
  t.end()
})

const labels = { 'k8s-app': 'kube-dns' }
const coredns = (available: number, spec: object = {}, conditions: object[] = [{ type: 'Available', status: 'False', lastTransitionTime: '2023-08-02T10:25:00Z' }]) => {
  const one = system(deployment('coredns', available))
  return { ...one, metadata: { ...one.metadata, labels }, spec: { replicas: 1, template: { spec: { containers: [{ name: 'coredns', image: 'k8s.gcr.io/coredns/coredns:v1.8.4' }] } }, ...spec }, status: { observedGeneration: 1, availableReplicas: available, conditions } }
}
const service = system({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns', labels }, spec: { selector: labels } })
const endpoints = (addresses: object[]) => system({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'kube-dns' }, subsets: addresses.length === 0 ? [] : [{ addresses }] })
const dnsPod = (status: object) => system(pod({ name: 'coredns-558bd4d5db-x2x4z', labels: { ...labels, 'pod-template-hash': '558bd4d5db' }, owner: { kind: 'ReplicaSet', name: 'coredns-558bd4d5db' }, status: { ...status } }))
const dnsLog = (...lines: string[]) => ({ namespace: 'kube-system', pod: 'coredns-558bd4d5db-x2x4z', container: 'coredns', previous: false, lines })
const healthy = [coredns(1, {}, []), service, endpoints([{ ip: '10.244.0.2' }])]
const untold = [{ namespace: 'airflow', pod: 'airflow-scheduler-6d5b9c7f9-x2x4z', container: 'scheduler', previous: true, lines: ['sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not translate host name "airflow-postgresql.airflow" to address: Temporary failure in name resolution'] }]

void t.test('a DNS that is well is left alone, whatever a pod says of a name', (t) => {
  t.same(ids({ system: healthy }), [])
  t.same(ids({ system: healthy, logs: untold }), [], 'a wrong name is another fault')
  t.end()
})

void t.test('a DNS that is scaled away, or crashes, or leads nowhere', (t) => {
  t.match(of({ system: [coredns(0, { replicas: 0 }), service, endpoints([])] }), [{ id: 'cluster-dns-broken', title: /scaled to no pod/, fix: [/scale deployment coredns --replicas=2/] }])
  const crashing = dnsPod({ containerStatuses: [crashed(6, {}, { name: 'coredns' })] })
  // From coredns/coredns#2087; the lab's DNS is a stand-in.
  const loop = dnsLog('[FATAL] plugin/loop: Loop (127.0.0.1:47464 -> :53) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO 1"')
  t.match(of({ system: [coredns(0), service, endpoints([]), crashing], logs: [loop] }), [{ id: 'cluster-dns-broken', title: 'CoreDNS forwards to itself and ends for it', fix: [/^test -s \/run\/systemd\/resolve\/resolv\.conf && \{ grep -q \^resolvConf: .* \|\| echo "resolvConf: .*; \} #/, /restart kubelet/] }])
  t.match(of({ system: [coredns(0), service, endpoints([]), crashing], logs: [dnsLog('/etc/coredns/Corefile:3 - Error during parsing: Unknown directive \'kuberntes\'')] }), [{ title: 'CoreDNS cannot read its Corefile', fix: [/edit configmap coredns/] }])
  const begins = dnsPod({ containerStatuses: [container({ name: 'coredns', state: { waiting: { reason: 'ContainerCreating' } } })] })
  const unmounted = event(begins, 'FailedMount', 'MountVolume.SetUp failed for volume "config-volume" : configmap "coredns" not found')
  const from = (...keys: string[]) => coredns(0, { template: { spec: { containers: [{ name: 'coredns' }], volumes: [{ name: 'config-volume', configMap: { name: 'coredns', items: keys.map((key) => ({ key, path: key })) } }] } } }, [{ type: 'Available', status: 'False', lastTransitionTime: '2023-08-02T10:29:35Z' }])
  t.match(of({ system: [from('Corefile'), service, endpoints([]), begins, unmounted] }), [{ id: 'cluster-dns-broken', title: 'CoreDNS cannot start: ConfigMap kube-system/coredns does not exist', evidence: [/0\/1/, /ContainerCreating/, /configmap "coredns" not found$/], fix: [/^printf '\.:53 .*' \| kubectl -n kube-system create configmap coredns --from-file=Corefile=\/dev\/stdin && kubectl -n kube-system rollout restart deployment coredns #/, /kubeadm/, /k3s/] }])
  const there = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'coredns', namespace: 'kube-system' }, data: { Corefile: 'kubernetes' } }
  t.notMatch(JSON.stringify(of({ system: [from('Corefile'), service, endpoints([]), begins, unmounted, there] })), 'does not exist', 'it was made since')
  t.match(of({ system: [from('Corefile', 'NodeHosts'), service, endpoints([]), begins, unmounted] }), [{ fix: [/^sudo systemctl restart k3s/, /^printf/] }], 'K3s alone knows the rest of its own')
  t.match(of({ system: [coredns(0), service, endpoints([]), crashing] }), [{ title: 'CoreDNS is not ready', evidence: [/0\/1 available/, /CrashLoopBackOff/] }])
  t.match(of({ system: [coredns(0), service, endpoints([]), crashing], logs: [dnsLog('[ERROR] plugin/kubernetes: pkg/mod/k8s.io/client-go/tools/cache/reflector.go:167: Failed to watch *v1.Service: failed to list *v1.Service: services is forbidden: User "system:serviceaccount:kube-system:coredns" cannot list resource "services" in API group "" at the cluster scope')] }), [{ title: 'CoreDNS may not read the Services that it is to know', fix: [/kubeadm init phase addon coredns/] }])
  t.match(of({ system: [coredns(1, {}, []), service, endpoints([])] }), [{ title: /leads nowhere/ }])
  t.same(ids({ system: [coredns(0, {}, [{ type: 'Available', status: 'False', lastTransitionTime: '2023-08-02T10:29:50Z' }]), service, endpoints([])] }), [], 'a restart')
  t.end()
})

void t.test('a cluster without a DNS is told where it is missed', (t) => {
  t.match(of({ logs: untold }), [{ id: 'cluster-dns-broken', title: 'The cluster has no DNS' }])
  t.same(ids({}), [])
  t.same(ids({ logs: untold, unknown: ['deployments.apps could not be read: no'] }), [], 'but not where it could not be looked for')
  t.end()
})

void t.test('a crash that speaks of names is under a broken DNS, another one is not', (t) => {
  const scheduler = pod({ status: { containerStatuses: [crashed(6, {})] } })
  const record = release({ updatedAt: long, objects: [inManifest(deployment('airflow-scheduler', 0))] })
  const parts = { record, workloads: [deployment('airflow-scheduler', 0)], pods: [scheduler], system: [coredns(0), service, endpoints([])] }
  const roots = (logs: typeof untold) => of({ ...parts, logs }).filter(({ causes = [] }) => causes.length === 0).map(({ id }) => id)
  t.same(roots(untold), ['cluster-dns-broken'])
  t.same(roots(untold.map((log) => ({ ...log, lines: ['airflow.exceptions.AirflowConfigException: no such key'] }))), ['cluster-dns-broken', 'crash-loop'])
  t.end()
})

const creating = pod({ status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }], containerStatuses: [container()] } })

void t.test('pods without a sandbox: the runtime\'s words say what the network lacks', (t) => {
  // Texts of containerd and the CNI plugins from bug reports; not made on a cluster here.
  const words: [string, RegExp][] = [
    ['rpc error: code = Unknown desc = failed to setup network for sandbox "9f": cni plugin not initialized', /no network plugin/],
    ['rpc error: code = Unknown desc = failed to setup network for sandbox "9f": plugin type="host-local" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.254', /no pod address left/],
    ['rpc error: code = Unknown desc = failed to setup network for sandbox "9f": plugin type="flannel" failed (add): open /run/flannel/subnet.env: no such file or directory', /Flannel does not run/],
    ['rpc error: code = Unknown desc = failed to setup network for sandbox "9f": failed to find plugin "bridge" in path [/opt/cni/bin]', /lacks a program/],
    ['rpc error: code = Unknown desc = failed to setup network for sandbox "9f": failed to delegate add: failed to set bridge addr: "cni0" already has an IP address different from 10.244.1.1/24', /bridge has an address/],
    ['rpc error: code = Unknown desc = failed to setup network for sandbox "9f": dial tcp 10.96.0.1:443: connect: no route to host', /refuses pods/],
  ]
  const said = (text: string) => of({ pods: [creating], events: [event(creating, 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${text}`)] })
  for (const [text, title] of words) t.match(said(text), [{ id: 'pod-network-broken', title }], text)
  t.match(said(words[2]?.[0] ?? '')[0]?.fix[0], /^kubectl get pods -A -l app=flannel -o wide; kubectl get pods -A -l app=flannel -o jsonpath=.* logs "\$pod" --tail=30; done$/)
  t.match(said((words[3]?.[0] ?? '').replace('bridge', 'flannel')), [{ id: 'pod-network-broken', title: /program of Flannel/, fix: [/^kubectl -n kube-flannel rollout restart daemonset kube-flannel-ds #/, /./] }], 'its own program comes with its pods')
  t.match(said(words[4]?.[0] ?? '')[0]?.fix, [/^sudo ip link delete cni0 && sudo reboot #/], 'pods that run would stay without a bridge')
  t.end()
})

void t.test('a sandbox that failed once, long ago, or for a pod that has got its address is no fault', (t) => {
  const text = 'Failed to create pod sandbox: failed to setup network for sandbox "9f": cni plugin not initialized'
  t.same(ids({ pods: [creating], events: [event(creating, 'FailedCreatePodSandBox', text, { count: 1 })] }), [])
  t.same(ids({ pods: [creating], events: [event(creating, 'FailedCreatePodSandBox', text, { lastTimestamp: '2023-08-02T10:20:00Z' })] }), [])
  const there = { ...creating, status: { ...creating.status as object, podIP: '10.244.0.7' } }
  t.same(ids({ pods: [there], events: [event(there, 'FailedCreatePodSandBox', text)] }), [])
  t.end()
})

void t.test('a Job or StatefulSet whose controller is refused has no status, and its controller lives all the same', (t) => {
  // Kubernetes 1.20: neither writes a status before its first pod was made, and their pauses between two tries grow to minutes.
  const refused = (about: KubernetesObject, component: string) => event(about, 'FailedCreate', 'Error creating: pods "x" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4', { lastTimestamp: '2023-08-02T10:25:00Z', source: { component } })
  const unseen = job({})
  const set = workload('StatefulSet', 'airflow-worker', { replicas: 0 })
  delete (set.status as Record<string, unknown>).observedGeneration
  for (const one of of({ jobs: [unseen], workloads: [set], events: [refused(unseen, 'job-controller'), refused(set, 'statefulset-controller')] })) t.not(one.id, 'control-plane-down', one.evidence.join())
  t.not(of({ jobs: [unseen], leases: fresh })[0]?.id, 'control-plane-down', 'nor one who renews his lease')
  t.match(of({ jobs: [unseen] })[0], { id: 'control-plane-down' }, 'one that nobody has said anything of is not looked at')
  t.end()
})

void t.test('too many open files are said by whom, with the limits to raise', (t) => {
  const logs = [{ namespace: 'kube-system', pod: 'kube-proxy-x', container: 'kube-proxy', previous: false, lines: ['"command failed" err="failed complete: too many open files"'] }]
  t.match(of({ logs, nodes: [node()] }), [{ id: 'kind-too-many-open-files', evidence: [/kube-proxy-x/], fix: [/max_user_watches=524288/, /sysctl\.d/] }])
  t.end()
})

void t.test('a node that cannot get its sandbox image says so, and it is no fault of the network plugin', (t) => {
  // As containerd 1.6 says it on Kubernetes 1.20, where the registry of sandbox_image has no address.
  const said = 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox image "k8s.gcr.io/pause:3.5": failed to pull image "k8s.gcr.io/pause:3.5": failed to pull and unpack image "k8s.gcr.io/pause:3.5": failed to resolve reference "k8s.gcr.io/pause:3.5": failed to do request: Head "https://k8s.gcr.io/v2/pause/manifests/3.5": dial tcp: lookup k8s.gcr.io: no route to host'
  const waits = pod({ status: { phase: 'Pending', podIP: undefined } })
  const found = of({ pods: [waits], events: [event(waits, 'FailedCreatePodSandBox', said)] })
  t.match(found, [{ id: 'sandbox-image-missing', severity: 'error', title: /k8s\.gcr\.io\/pause:3\.5/, fix: [/images pull registry\.k8s\.io\/pause:3\.5 && sudo ctr -n k8s\.io images tag registry\.k8s\.io\/pause:3\.5 k8s\.gcr\.io\/pause:3\.5/, /sandbox_image/, /import FILE/] }])
  t.notOk(found.some(({ id }) => id === 'pod-network-broken'))
  // The built-in dockershim up to 1.23 (pkg/kubelet/dockershim/helpers.go) and cri-dockerd (core/sandbox_helpers.go)
  for (const words of ['unable to pull sandbox image', 'failed pulling image']) {
    const docker = of({ pods: [waits], events: [event(waits, 'FailedCreatePodSandBox', `Failed to create pod sandbox: rpc error: code = Unknown desc = ${words} "k8s.gcr.io/pause:3.5": Error response from daemon: Get "https://k8s.gcr.io/v2/": dial tcp 142.250.1.82:443: connect: no route to host`)] })
    t.match(docker, [{ id: 'sandbox-image-missing', title: /k8s\.gcr\.io\/pause:3\.5/, fix: [/^sudo docker pull registry\.k8s\.io\/pause:3\.5 && sudo docker tag registry\.k8s\.io\/pause:3\.5 k8s\.gcr\.io\/pause:3\.5/, /pod-infra-container-image/, /docker load/] }], words)
    t.notOk(docker.some(({ id }) => id === 'pod-network-broken'), words)
  }
  t.end()
})

void t.test('a Corefile without the kubernetes plugin knows no name of the cluster', (t) => {
  const server = system(workload('Deployment', 'coredns', { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 }, { template: { spec: { containers: [{ name: 'coredns', image: 'registry.k8s.io/coredns/coredns:v1.8.0' }], volumes: [{ name: 'config', configMap: { name: 'coredns', defaultMode: 420 } }] } } }))
  const map = (plugins: string[]): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'coredns', namespace: 'kube-system' }, data: { Corefile: plugins.join('\n') } })
  const look = (...plugins: string[]) => of({ system: [server, service, endpoints([{ ip: '10.244.0.2' }]), map(plugins)] })
  t.match(look('errors', 'health', 'forward', 'cache', 'reload'), [{ id: 'cluster-dns-broken', severity: 'error', title: /no kubernetes plugin/, evidence: ['ConfigMap kube-system/coredns has the plugins errors, health, forward, cache, reload'], fix: [/^kubectl -n kube-system get configmap coredns -o json \| sed .* \| kubectl -n kube-system replace -f - && .* rollout restart deployment coredns$/, /edit configmap coredns/] }])
  t.match(look('errors', 'forward'), [{ severity: 'warning' }], 'one that is not read again may still run with what it had')
  t.same(look('errors', 'kubernetes', 'forward'), [])
  t.same(look('errors', 'import'), [], 'what is brought in is not known')
  t.match(of({ system: [server, map(['kubernetes'])] }), [{ id: 'cluster-dns-broken', severity: 'warning', title: /Service of the cluster's DNS is not there/ }], 'before any pod says so')
  t.end()
})

void t.test('a runtime that is set up otherwise than the kubelet or a pod takes it to be says which of both', (t) => {
  const said = (words: string) => {
    const waits = pod({ spec: { runtimeClassName: 'sandboxed' }, status: { phase: 'Pending', podIP: undefined } })
    return of({ pods: [waits], events: [event(waits, 'FailedCreatePodSandBox', `Failed to create pod sandbox: rpc error: code = Unknown desc = ${words}`)] })
  }
  // As runc says it below containerd 1.6, and CRI-O by itself (server/sandbox_run_linux.go).
  for (const words of [
    'failed to start sandbox container task "9f": failed to create shim task: OCI runtime create failed: runc create failed: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/besteffort/pod1/9f" instead: unknown',
    'cri-o configured with systemd cgroup manager, but did not receive slice as parent: /kubepods/besteffort/pod1',
  ]) t.match(said(words), [{ id: 'cgroup-driver-mismatch', severity: 'error', fix: [/cgroupDriver: systemd/, /SystemdCgroup/] }], words)
  for (const words of ['failed to get sandbox runtime: no runtime for "gvisor" is configured', 'failed to find runtime handler gvisor from runtime list map[runc:0xc000]', 'RuntimeHandler "gvisor" not supported']) {
    t.match(said(words), [{ id: 'runtime-handler-missing', title: /no handler gvisor, which RuntimeClass sandboxed asks for$/, fix: [/^kubectl -n \S+ patch \S+\/\S+ -p '\{"spec".*"runtimeClassName":null/, /gvisor must be among them/] }], words)
  }
  t.same(said('failed to get sandbox runtime: something else'), [], 'another reason is neither')
  t.end()
})
