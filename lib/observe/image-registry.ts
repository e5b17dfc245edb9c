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

/** failed to do request: Head "https://registry.home:5000/v2/airflow/manifests/1": http: server gave HTTP response to HTTPS client */
export function plainRegistry(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  // The folder is of the registry that the image is named with, and a mirror may be who answers.
  const server = serverOf(image)
  const named = server.startsWith('https://') ? 'docker.io' : server
  const asked = /https:\/\/([^/"\s]+)\//.exec(evidence.join('\n'))?.[1] ?? named
  const [folder, file] = [`/etc/containerd/certs.d/${named}`, '/etc/rancher/k3s/registries.yaml']
  return failed(pod, 'image-registry-unreachable', {
    title: `Registry ${asked} speaks plain HTTP, and node ${nodeOf(pod)} asks it by HTTPS`,
    evidence,
    why: 'A runtime speaks HTTPS with every registry that it is not told to speak HTTP with; no retry and no certificate changes that.',
    fix: [
      `sudo mkdir -p ${folder} && printf 'server = "http://${asked}"\\n[host."http://${asked}"]\\n  capabilities = ["pull", "resolve"]\\n' | sudo tee ${folder}/hosts.toml && sudo systemctl restart containerd # on ${nodeOf(pod)}; /etc/containerd/config.toml must have config_path = "/etc/containerd/certs.d" for its registries`,
      `! test -e ${file} && printf 'mirrors:\\n  "${named}":\\n    endpoint:\\n      - "http://${asked}"\\n' | sudo tee ${file} && sudo systemctl restart k3s # on ${nodeOf(pod)}, where it is K3s; a file that is there gets the same under its mirrors`,
    ],
  })
}

export function registryUntrusted(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'image-registry-unreachable', {
    title: `The node does not trust the certificate of the registry of image ${image}`,
    evidence,
    why: 'It is signed by an authority that the node does not know, or is made out to another name; no retry changes that.',
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
