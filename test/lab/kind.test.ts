import t from 'tap'
import { parse } from 'yaml'
import { kindConfig } from '../../scripts/lab/kind.ts'

interface Node {
  role: string
  kubeadmConfigPatches?: string[]
  extraMounts?: { hostPath: string; containerPath: string }[]
}

void t.test('the reference: one control plane, three labelled workers, the folder on two of them', t => {
  const config = parse(kindConfig('./data')) as { kind: string; apiVersion: string; nodes: Node[] }
  t.match(config, { kind: 'Cluster', apiVersion: 'kind.x-k8s.io/v1alpha4' })
  t.same(config.nodes.map(node => node.role), ['control-plane', 'worker', 'worker', 'worker'])
  const labels = config.nodes.slice(1).map(node => {
    const patch = parse(node.kubeadmConfigPatches?.[0] ?? '') as { kind: string; nodeRegistration: object }
    t.equal(patch.kind, 'JoinConfiguration')
    return (patch.nodeRegistration as { kubeletExtraArgs: Record<string, string> }).kubeletExtraArgs['node-labels']
  })
  t.same(labels, ['node=worker_0', 'node=worker_1', 'node=worker_2'])
  const mounts = config.nodes.filter(node => node.extraMounts !== undefined)
  t.equal(mounts.length, 2)
  t.same(mounts[0]?.extraMounts, [{ hostPath: './data', containerPath: '/tmp/data' }])
  t.end()
})
