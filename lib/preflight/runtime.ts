import semver from 'semver'
import type { Node } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import type { Finding } from '../step.ts'
import { warning } from './facts.ts'

/** K3s releases whose embedded Docker client was built with Go 1.20.6 or 1.19.11 (k3s-io/k3s#8089). */
const faultyK3s = ['v1.24.16+k3s1', 'v1.25.12+k3s1', 'v1.26.7+k3s1', 'v1.27.4+k3s1']

/**
 * The Docker client that refuses its own Host header (`http: invalid Host header`). Only nodes that
 * run Docker can have it, and only where the client is not the kubelet's own: before 1.24 the
 * kubelet brought its own, built with an older Go.
 */
export function judgeRuntime(objects: readonly KubernetesObject[]): Finding[] {
  return (objects as unknown as Node[]).flatMap((node) => {
    const { containerRuntimeVersion = '', kubeletVersion = '' } = node.status?.nodeInfo ?? {}
    if (!containerRuntimeVersion.startsWith('docker://')) return []
    const builtIn = semver.lt(kubeletVersion, '1.24.0') && !kubeletVersion.includes('+k3s')
    const clean = kubeletVersion.includes('+k3s') ? !faultyK3s.includes(kubeletVersion) : builtIn
    return clean ? [] : [suspect(node.metadata?.name ?? '', containerRuntimeVersion, kubeletVersion)]
  })
}

function suspect(name: string, runtime: string, kubelet: string): Finding {
  const k3s = kubelet.includes('+k3s')
  return warning('exec-invalid-host-header', {
    title: `Node ${name} may run a Docker client that breaks exec probes`,
    evidence: [`runtime ${runtime}`, `kubelet ${kubelet}`],
    why: 'A Docker client built with Go 1.20.6 or 1.19.11 answers every exec probe with "http: invalid Host header", so PostgreSQL never becomes Ready; cri-dockerd before 0.3.8 can be one.',
    fix: k3s
      ? ['Upgrade K3s by one patch release, or start it without --docker.']
      : ['On the node: cri-dockerd --version; if it is older than 0.3.8, upgrade it and run: systemctl restart cri-docker kubelet'],
    link: 'https://github.com/moby/moby/issues/45935',
  })
}

export type Distribution = 'k3s' | 'kind' | 'minikube' | 'kubernetes'

/** kind and Minikube say so in the node's provider id or labels, K3s in its version. */
export function distributionOf(objects: readonly KubernetesObject[]): Distribution {
  const [node] = objects as unknown as Node[]
  if (node?.status?.nodeInfo?.kubeletVersion?.includes('+k3s') === true) return 'k3s'
  if (node?.spec?.providerID?.startsWith('kind://') === true) return 'kind'
  return node?.metadata?.labels?.['minikube.k8s.io/name'] === undefined ? 'kubernetes' : 'minikube'
}

/** Where host folders are not on the machine that a person thinks of. */
export function judgeDistribution(objects: readonly KubernetesObject[], path: string): Finding[] {
  const distribution = distributionOf(objects)
  if (distribution !== 'kind' && distribution !== 'minikube') return []
  const inside = distribution === 'kind' ? 'the node container' : 'the Minikube VM'
  return [warning('hostpath-not-on-the-node', {
    title: `${path} lies inside ${inside}, not on this machine`,
    evidence: [`distribution: ${distribution}`],
    why: `A host path is resolved on the node, and with ${distribution} the node is ${inside}.`,
    fix: [distribution === 'kind' ? `Recreate the kind cluster with extraMounts: {hostPath: ${path}, containerPath: ${path}}.` : `minikube mount ${path}:${path}`],
  })]
}
