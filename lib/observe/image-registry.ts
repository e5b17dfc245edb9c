/** A registry that answers nothing of use, and what the node can do without it. */
import type { KubernetesObject } from '../access.ts'
import { type Failed, failed, inNamespace } from './observation.ts'
import { targetOf, thenDeletePod } from './owners.ts'
import { serverOf } from './pull-secret.ts'

export function registryUnreachable(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  const always = policyOf(pod, image) === 'Always'
  return failed(pod, 'image-registry-unreachable', {
    title: always ? `Image ${image} is to be asked for at each start, and its registry cannot be reached` : `Image ${image} is not on the node, and its registry cannot be reached`,
    evidence: [...evidence, ...(always ? ['imagePullPolicy is Always: that the node may have it is of no use'] : [])],
    why: 'The node gets no connection to the registry: no network, no name resolution there, a firewall, or a wrong registry name.',
    fix: [`sudo crictl pull ${image} # on the node: says what its network, its DNS or the registry refuses`, 'npx tsx run.ts apply --from helm # where the registry in airflow.values was wrong, once it is right', 'sudo ctr -n k8s.io image import FILE # on the node, without a network', ...(always ? pullIfAbsent(pod, image).map((line) => `${line} # where the node has it`) : [])],
  })
}

/** The server that answers speaks no TLS. */
export function plainRegistry(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  // The folder is of the registry that the image is named with, and a mirror may be who answers.
  const server = serverOf(image)
  const host = server.startsWith('https://') ? 'docker.io' : server
  const asked = /https:\/\/([^/"\s]+)\//.exec(evidence.join('\n'))?.[1] ?? host
  return failed(pod, 'image-registry-unreachable', {
    title: `The registry of image ${image} speaks plain HTTP, and the node asks with TLS`,
    evidence,
    why: 'A runtime takes plain HTTP only from registries that it is told to; no retry changes that.',
    fix: [
      `sudo mkdir -p /etc/containerd/certs.d/${host} && echo '[host."http://${asked}"]' | sudo tee /etc/containerd/certs.d/${host}/hosts.toml # on ${nodeOf(pod)}, where config_path of containerd's config.toml names that folder`,
      `Where it is K3s: mirrors: {"${host}": {endpoint: ["http://${asked}"]}} in /etc/rancher/k3s/registries.yaml, then: sudo systemctl restart k3s`,
    ],
  })
}

export function registryUntrusted(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'image-registry-unreachable', {
    title: `The node does not trust the certificate of the registry of image ${image}`,
    evidence,
    why: 'The certificate is signed by an authority that the node does not know, or is made out to another name; no retry changes that.',
    fix: [
      `sudo cp CA.crt /usr/local/share/ca-certificates/ && sudo update-ca-certificates && sudo systemctl restart containerd # on ${nodeOf(pod)}; CA.crt is of whoever signed it (K3s: restart k3s)`,
      'or give the registry a certificate for the name, or the IP address as a SAN, that the image is named with',
    ],
  })
}

function policyOf(pod: KubernetesObject, image: string): string | undefined {
  type Named = { image?: string; imagePullPolicy?: string }[]
  const { initContainers = [], containers = [] } = (pod.spec ?? {}) as { initContainers?: Named; containers?: Named }
  return [...containers, ...initContainers].find((one) => one.image === image)?.imagePullPolicy
}

export function pullIfAbsent(pod: KubernetesObject, image: string): string[] {
  const { containers = [] } = (pod.spec ?? {}) as { containers?: { name: string; image?: string }[] }
  const container = containers.find((one) => one.image === image)
  const target = targetOf(pod)
  if (target === undefined || container === undefined) return []
  const patch = JSON.stringify({ spec: { template: { spec: { containers: [{ name: container.name, imagePullPolicy: 'IfNotPresent' }] } } } })
  return [`kubectl ${inNamespace(pod)} patch ${target} -p '${patch}'${thenDeletePod(pod)}`]
}

export function nodeOf({ spec }: KubernetesObject): string {
  return (spec as { nodeName?: string } | undefined)?.nodeName ?? 'the node'
}
