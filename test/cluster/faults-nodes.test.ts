/** The cluster beneath: nodes, taints, DNS, and the programs of the control plane. Alone on the cluster, for all share these. */
import { readFileSync, readlinkSync } from 'node:fs'
import { rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { FaultId } from '../../lib/observe/faults.ts'
import { CLUSTER_DNS } from '../../scripts/lab/network.ts'
import { clusterDns } from '../../scripts/lab/standin/cluster-dns.ts'
import { runcOf } from '../../scripts/lab/containerd.ts'
import { readRecord } from '../../scripts/lab/record.ts'
import { instance } from '../../scripts/lab/paths.ts'
import { apply, get, kubectl, kubectlMaybe, lab, until } from './cluster.ts'
import { faults, look, pasted, type Fault } from './faults.ts'
import { deletePods, editContainer, editPods, kube, setImage } from './harm.ts'
import { exits, site, type Site } from './site.ts'

const node = async (): Promise<string> => (await kubectl(['get', 'nodes', '-o', 'name'])).trim().replace('node/', '')
const taint = async (text: string): Promise<string> => kubectlMaybe(['taint', 'nodes', await node(), text, '--overwrite'])

/** A taint keeps off what comes after it, so a pod has to come. */
const tainted = (name: string, key: string, value: string, id: Fault['id'], and?: Fault['and']): Fault => ({
  name, id, also: ['no-schedulable-node'], tells: new RegExp(key.replace('/', '\\/')), ...(and === undefined ? {} : { and }),
  harm: async it => {
    await taint(`${key}${value}:NoSchedule`)
    await deletePods(it, 'statsd')
  },
  undo: () => taint(`${key}:NoSchedule-`),
})

const nodes: Fault[] = [
  tainted('a taint that nothing tolerates', 'dedicated', '=games', ['untolerated-taint', 'no-schedulable-node']),
  tainted('the taint of a control plane, on the only node', 'node-role.kubernetes.io/master', '', ['control-plane-taint-single-node', 'no-schedulable-node']),
  { name: 'a cordoned node, and a pod that waits', id: ['node-cordoned', 'no-schedulable-node'], also: ['node-cordoned', 'no-schedulable-node'], harm: async it => {
    await kubectl(['cordon', await node()])
    await deletePods(it, 'statsd')
  }, undo: async () => kubectl(['uncordon', await node()]) },
  { name: 'two at once: a taint, and an image that is none', id: ['untolerated-taint', 'no-schedulable-node'], and: ['invalid-image-name'], also: ['untolerated-taint', 'no-schedulable-node'], harm: async it => {
    await setImage(it, 'webserver', 'Apache/Airflow:2')
    await kube(it, 'wait', '--for=jsonpath={.status.updatedReplicas}=1', 'deployment/airflow-webserver', '--timeout=20s').catch(() => '')
    await taint('dedicated=games:NoSchedule')
    await deletePods(it, 'statsd')
  }, mend: async it => {
    await taint('dedicated:NoSchedule-')
    await it.airstrip(['apply'])
  }, undo: async it => {
    await taint('dedicated:NoSchedule-')
    await it.airstrip(['apply'])
  } },
]

/** The lab's own process of that name, last: its record tells the nsenter that holds it in the lab's namespaces, whose only child it is, and which stops with it. */
function processesOf(name: string): number[] {
  const pid = readRecord(instance(lab.name))?.daemons.find(one => one.name === name)?.id.pid
  if (pid === undefined) throw new Error(`the lab has no ${name}`)
  const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return child === '' ? [pid] : [pid, Number(child)]
}

const halt = (name: string): void => { process.kill(processesOf(name).at(-1) ?? NaN, 'SIGSTOP') }
const proceed = (name: string): void => { for (const pid of processesOf(name)) process.kill(pid, 'SIGCONT') }

const halts = (name: string, seconds: number, id: Fault['id'], also: FaultId[], after: Fault['harm']): Fault => {
  const goOn = (): Promise<void> => {
    proceed(name)
    return Promise.resolve()
  }
  return {
    name: `${name} stands still`, id, seconds, also, tells: name === 'kubelet' ? /airstrip-/ : new RegExp(name.replace('kube-', '').replace('-', '.'), 'i'), mend: goOn, undo: goOn,
    harm: async it => {
      halt(name)
      await after(it)
    },
  }
}

const runc = runcOf(instance(lab.name))
const realRunc = readlinkSync(runc)

/** As the shim reads it: from the file that it names for errors. */
async function refuseExec(): Promise<void> {
  await writeFile(`${runc}.new`, `#!/bin/sh
case " $* " in *" exec "*)
  echo '{"level":"error","msg":"http: invalid Host header"}' >> "$(echo "$*" | sed 's/.*--log \\([^ ]*\\).*/\\1/')"
  exit 1;;
esac
exec '${realRunc}' "$@"
`, { mode: 0o755 })
  await rename(`${runc}.new`, runc)
}

async function allowExec(): Promise<void> {
  await symlink(realRunc, `${runc}.new`)
  await rename(`${runc}.new`, runc)
}

const dns = ['-n', 'kube-system', 'scale', 'deployment/coredns']

const programs: Fault[] = [
  halts('kube-scheduler', 90, 'control-plane-down', [], it => deletePods(it, 'statsd')),
  halts('kube-controller-manager', 90, 'control-plane-down', [], it => deletePods(it, 'statsd')),
  { name: 'no Service for the DNS', id: 'cluster-dns-broken', tells: /no Service kube-dns/, harm: () => kubectl(['-n', 'kube-system', 'delete', 'service', 'kube-dns']), mend: () => apply(...clusterDns(CLUSTER_DNS)), undo: () => apply(...clusterDns(CLUSTER_DNS)) },
  { name: 'a DNS without its rights', id: 'cluster-dns-broken', seconds: 90, tells: /may not read|not ready/, harm: async () => {
    await kubectl(['delete', 'clusterrolebinding', 'system:coredns'])
    await kubectl(['-n', 'kube-system', 'delete', 'pod', '-l', 'k8s-app=kube-dns', '--wait=false'])
  }, mend: () => apply(...clusterDns(CLUSTER_DNS)), undo: () => apply(...clusterDns(CLUSTER_DNS)) },
  { name: 'a DNS without its Corefile', id: 'cluster-dns-broken', tells: /ConfigMap kube-system\/coredns does not exist/, harm: async () => {
    await kubectl(['-n', 'kube-system', 'delete', 'configmap', 'coredns'])
    await kubectl(['-n', 'kube-system', 'delete', 'pod', '-l', 'k8s-app=kube-dns', '--wait=false'])
  }, undo: () => apply(...clusterDns(CLUSTER_DNS)) },
  // No Docker client with that Go can be had any more: the runtime refuses every exec in its words.
  { name: 'a runtime that cannot run exec probes', id: 'exec-invalid-host-header', seconds: 120, tells: /probe errored.*http: invalid Host header/, harm: async it => {
    await refuseExec()
    await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--grace-period=1', '--wait=false')
  }, mend: allowExec, undo: allowExec },
  { name: 'no DNS', id: 'cluster-dns-broken', tells: /coredns/i, harm: () => kubectl([...dns, '--replicas=0']), undo: () => kubectl([...dns, '--replicas=1']) },
  // The lab's own runs as a process of the node; this is what kubeadm makes of it.
  { name: 'kube-proxy that crashes', id: 'kube-proxy-not-running', seconds: 120, tells: /no-such-config/, harm: () => apply({
    apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'kube-proxy', namespace: 'kube-system' }, spec: { selector: { matchLabels: { 'k8s-app': 'kube-proxy' } }, template: {
      metadata: { labels: { 'k8s-app': 'kube-proxy' } },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'kube-proxy', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', 'echo open no-such-config: no such file or directory >&2; exit 1'] }] },
    } },
  }), mend: () => kubectl(['-n', 'kube-system', 'delete', 'daemonset', 'kube-proxy']), undo: () => kubectlMaybe(['-n', 'kube-system', 'delete', 'daemonset', 'kube-proxy']) },
  halts('kubelet', 150, 'node-not-ready', ['no-schedulable-node'], () => Promise.resolve()),
]

/** A node that no machine stands behind: what it says of itself is what the test says, for the forty seconds that its lease is good. */
async function secondNode({ short = false, aheadMs = 0 }: { short?: boolean; aheadMs?: number }): Promise<void> {
  const now = new Date(Date.now() + aheadMs).toISOString()
  const condition = (type: string, status: boolean, reason: string): object => ({ type, status: status ? 'True' : 'False', reason, message: reason, lastHeartbeatTime: now, lastTransitionTime: now })
  // Nothing of the cluster's own may come to it.
  await apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'second', labels: { 'kubernetes.io/hostname': 'second', 'kubernetes.io/os': 'linux' } }, spec: { taints: [{ key: 'nobody', effect: 'NoSchedule' }] } },
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'second', namespace: 'kube-node-lease' }, spec: { holderIdentity: 'second', leaseDurationSeconds: 40, renewTime: now.replace('Z', '000Z') } })
  const node = await get('node', 'second')
  const conditions = [condition('Ready', true, 'KubeletReady'), condition('DiskPressure', short, short ? 'KubeletHasDiskPressure' : 'KubeletHasNoDiskPressure')]
  await kubectl(['replace', '--raw', '/api/v1/nodes/second/status', '-f', '-'], JSON.stringify({ ...node, status: { conditions, allocatable: { cpu: '2', memory: '4Gi', pods: '110' }, capacity: { cpu: '2', memory: '4Gi', pods: '110' } } }))
}

async function oneNode(): Promise<void> {
  await kubectl(['delete', 'node', 'second', '--ignore-not-found'])
  await kubectl(['-n', 'kube-node-lease', 'delete', 'lease', 'second', '--ignore-not-found'])
}

const podNetwork = join(instance(lab.name).data, 'cni', '10-airstrip-lab.conflist')
const networkBack = (): Promise<void> => rename(`${podNetwork}.off`, podNetwork)

// What it asks for is what it gets, and Airflow's parts ask for nothing.
const transcoder = {
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'transcoder', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'transcoder' } }, template: {
    metadata: { labels: { app: 'transcoder' } },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'transcoder', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', resources: { requests: { cpu: '1' } }, command: ['sh', '-c', 'for i in $(seq 8); do while :; do :; done & done; wait'] }] },
  } },
}

/** Ms since 1970 at which probes anywhere had no answer in time. */
async function lateProbes(): Promise<number[]> {
  const { items } = JSON.parse(await kubectl(['get', 'events', '-A', '--field-selector', 'reason=Unhealthy', '-o', 'json'])) as { items: { message?: string; lastTimestamp?: string }[] }
  return items.filter(({ message = '' }) => message.includes('while awaiting headers')).map(({ lastTimestamp = '' }) => Date.parse(lastTimestamp))
}

/** The kubelet counts what a pod uses some seconds after it has begun; then the fix is of that. */
async function heldBack(it: Site): Promise<void> {
  let fix = ''
  await until('doctor says how to hold it back', async () => {
    fix = (await look(it)).diagnosis.findings[0]?.fix[0] ?? ''
    return fix.includes('set resources deployment/transcoder')
  }, 120_000)
  await pasted(it, fix)
}

const machines: Fault[] = [
  { name: 'a second node that is short of disk', id: 'node-pressure-evicted', tells: /second/, harm: () => secondNode({ short: true }), mend: oneNode, undo: oneNode },
  { name: 'a second node whose clock runs ahead', id: 'clock-skew', tells: /second/, harm: () => secondNode({ aheadMs: 120_000 }), mend: oneNode, undo: oneNode },
  { name: 'a node without a pod network', id: 'pod-network-broken', seconds: 120, also: ['no-schedulable-node'], tells: /network plugin/, harm: async it => {
    await rename(podNetwork, `${podNetwork}.off`)
    await deletePods(it, 'statsd')
  }, mend: networkBack, undo: networkBack },
  { name: 'a runtime with another cgroup driver', id: 'cgroup-driver-mismatch', seconds: 90, tells: /statsd.*slice:prefix:name/s, harm: async it => {
    await apply({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'systemd-cgroups' }, handler: 'systemd-cgroups' })
    await editPods(it, 'statsd', { runtimeClassName: 'systemd-cgroups' })
  }, mend: it => it.airstrip(['apply', '--from', 'helm']) },
  { name: 'a pod that writes more than it may', id: 'node-pressure-evicted', seconds: 120, tells: /statsd.*ephemeral/s, harm: it => editContainer(it, 'statsd', {
    command: ['sh', '-c', 'head -c 30000000 /dev/zero > /tmp/much; exec node /opt/standin/statsd.js'], resources: { limits: { 'ephemeral-storage': '4Mi' } },
  }) },
  { name: 'a program that takes every processor of the node', id: 'node-busy', seconds: 420, tells: /of \d+ cores are in use/, harm: async () => {
    const since = Date.now()
    await apply(transcoder)
    // A person looks when it shows.
    await until('a probe gets no answer', async () => (await lateProbes()).some(at => at > since), 180_000)
  }, mend: heldBack, undo: () => kubectlMaybe(['delete', 'deployment', 'transcoder', '--ignore-not-found']) },
]

void t.test('the cluster beneath', async t => {
  const it = await site(t, 'doctornodes')
  t.teardown(oneNode)
  t.teardown(() => kubectlMaybe(['delete', 'deployment', 'transcoder', '--ignore-not-found']))
  t.teardown(() => kubectlMaybe(['delete', 'runtimeclass', 'systemd-cgroups', '--ignore-not-found']))
  t.teardown(() => { for (const name of ['kube-scheduler', 'kube-controller-manager', 'kubelet']) proceed(name) })
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, [...nodes, ...machines, ...programs])
})

/** Longer than a question waits for its answer; it is asked again. */
const awayMs = 40_000

void t.test('an API server that stands still while an install waits', async t => {
  const it = await site(t, 'doctoraway', { airflow: { values: { webserver: { env: [{ name: 'AIRSTRIP_LAB_SLOW_START', value: '60' }] } } } })
  t.teardown(() => { proceed('kube-apiserver') })
  const running = it.start(['apply'])
  await until('Helm has made the webserver', async () => (await kubectlMaybe(['-n', it.namespace, 'get', 'deployment', 'airflow-webserver', '-o', 'name'])) !== '', 120_000)
  halt('kube-apiserver')
  await sleep(awayMs)
  proceed('kube-apiserver')
  exits(t, await running.ended, 0, 'it is waited for')
  exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
})
