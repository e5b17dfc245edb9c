/**
 * What a node that is not Ready says of itself, or what is said of it when it says nothing:
 *
 *   {type: Ready, status: Unknown, reason: NodeStatusUnknown, message: Kubelet stopped posting node status.}
 *   {type: Ready, status: False, reason: KubeletNotReady, message: [container runtime is down, PLEG is not healthy: pleg was last seen active 3m7s ago; threshold is 3m0s]}
 *   {type: Ready, status: False, reason: KubeletNotReady, message: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized}
 */
import type { Node } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import { k3sUnit } from '../../../observe/node.ts'
import { nameOf } from '../../../observe/observation.ts'

interface State {
  title: string
  why: string
  fix: NonEmpty<string>
}

function readyOf(node: KubernetesObject) {
  return (node as Node).status?.conditions?.find(({ type }) => type === 'Ready')
}

/** A runtime that is down cannot say that its network is well, so it is asked for first. */
export function lacksNetwork(node: KubernetesObject): boolean {
  const ready = readyOf(node)
  const message = ready?.message ?? ''
  return ready?.status === 'False' && !runtimeDown.test(message) && /NetworkReady=false|NetworkPluginNotReady|cni (config|plugin)|network plugin is not ready/i.test(message)
}

const runtimeDown = /container runtime is down|PLEG is not healthy|RuntimeReady=false|container runtime not ready|rpc error/i

export function stateOf(node: KubernetesObject): State {
  const ready = readyOf(node)
  if (ready === undefined || ready.status === 'Unknown') return silent(node)
  if (runtimeDown.test(ready.message ?? '')) return runtime(node)
  return {
    title: `${nameOf(node)} is not ready`,
    why: 'Its kubelet reports and says why; nothing new starts there until that is mended.',
    fix: [`kubectl describe node ${node.metadata.name}`, `sudo journalctl -u ${unitOf(node)} -n 50 --no-pager # on the node`],
  }
}

function silent(node: KubernetesObject): State {
  const ofKubeadm = k3sUnit(node as Node) === undefined ? ['sudo swapoff -a # on the node: a kubelet does not start while swap is on', 'sudo kubeadm certs check-expiration # on the node'] : []
  return {
    title: `The kubelet of ${nameOf(node)} does not report`,
    why: 'The kubelet has ended, or the node is off or cut off. Its pods look as they did last, nothing starts or ends there, and after five minutes its pods are given up.',
    fix: [`sudo systemctl restart ${unitOf(node)}; sudo journalctl -u ${unitOf(node)} -n 50 --no-pager # on the node ${node.metadata.name}`, ...ofKubeadm],
  }
}

function runtime(node: KubernetesObject): State {
  const version = (node as Node).status?.nodeInfo?.containerRuntimeVersion ?? ''
  const unit = version.startsWith('docker') ? 'docker' : version.startsWith('cri-o') ? 'crio' : 'containerd'
  const restart = k3sUnit(node as Node) ?? unit
  return {
    title: `The container runtime of ${nameOf(node)} is down`,
    why: 'The kubelet reports, but cannot talk to the runtime: what runs may run on, and nothing starts, ends or is probed.',
    fix: [`sudo systemctl restart ${restart}; sudo journalctl -u ${restart} -n 50 --no-pager # on the node ${node.metadata.name}`, ...(unit === 'docker' ? ['sudo systemctl restart cri-docker # where the kubelet talks to Docker through it'] : []), 'df -h /var/lib # on the node: a full disk stops a runtime'],
  }
}

function unitOf(node: KubernetesObject): string {
  return k3sUnit(node as Node) ?? 'kubelet'
}
