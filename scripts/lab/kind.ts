import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import type { Lab } from './cluster.ts'
import { must, run, say } from './exec.ts'
import type { Instance } from './paths.ts'

/** The last 1.22 that kind 0.20.0 has a node image for. */
const NODE_IMAGE = 'kindest/node:v1.22.17'

/** The reference's cluster on kind 0.20.0: one control plane, three labelled workers, a shared folder on two of them. */
export function kindConfig(data: string): string {
  const worker = (index: number): object => ({
    role: 'worker',
    image: NODE_IMAGE,
    kubeadmConfigPatches: [stringify({
      kind: 'JoinConfiguration',
      nodeRegistration: { kubeletExtraArgs: { 'node-labels': `node=worker_${index}` } },
    })],
    ...(index < 2 ? { extraMounts: [{ hostPath: data, containerPath: '/tmp/data' }] } : {}),
  })
  return stringify({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes: [{ role: 'control-plane', image: NODE_IMAGE }, worker(0), worker(1), worker(2)],
  })
}

/** Its own prefix keeps it apart from clusters that the lab did not make. */
function clusterName(instance: Instance): string {
  return `airstrip-${instance.name}`
}

export async function kindUp(instance: Instance): Promise<Pick<Lab, 'name' | 'kubeconfig'>> {
  const dir = dirname(instance.kubeconfig)
  mkdirSync(join(dir, 'data'), { recursive: true })
  const file = join(dir, 'kind.yaml')
  writeFileSync(file, kindConfig('./data'))
  if (!await kindExists(instance)) {
    say(`kind creates the cluster "${clusterName(instance)}" from ${file}…`)
    const args = ['--name', clusterName(instance), '--config', file, '--kubeconfig', instance.kubeconfig, '--wait', '120s']
    // A relative host path is taken from the folder that kind is started in.
    await must('kind', ['create', 'cluster', ...args], { cwd: dir })
  } else if (!existsSync(instance.kubeconfig)) {
    await must('kind', ['export', 'kubeconfig', '--name', clusterName(instance), '--kubeconfig', instance.kubeconfig])
  }
  return { name: instance.name, kubeconfig: instance.kubeconfig }
}

export async function kindExists(instance: Instance): Promise<boolean> {
  const listed = await run('kind', ['get', 'clusters'])
  return listed.code === 0 && listed.stdout.split('\n').includes(clusterName(instance))
}

export async function kindDown(instance: Instance): Promise<void> {
  if (await kindExists(instance)) await must('kind', ['delete', 'cluster', '--name', clusterName(instance)])
}
