/**
 * The image that holds a pod's network open, without which the node starts nothing. The runtime pulls it from
 * where its own configuration says, and no setting of Airflow's has to do with it:
 *
 *   FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox image "k8s.gcr.io/pause:3.5":
 *     failed to pull image "k8s.gcr.io/pause:3.5": failed to pull and unpack image "k8s.gcr.io/pause:3.5": failed to resolve reference …
 */
import type { NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { failedSandboxes, sandboxImage, sandboxLine } from './pod-network.ts'

export function sandboxImages(evidence: Evidence): Finding[] {
  const byImage = new Map<string, string[]>()
  for (const line of failedSandboxes(evidence).map(sandboxLine)) {
    const [, , image] = sandboxImage.exec(line) ?? []
    if (image !== undefined) byImage.set(image, [...(byImage.get(image) ?? []), line])
  }
  return [...byImage].map(([image, lines]) => wrong('sandbox-image-missing', {
    title: `The node cannot get ${image}, which it starts before each pod`,
    evidence: lines.slice(0, 5),
    why: 'Every pod begins with this image; the runtime has it nowhere and its registry does not give it. k8s.gcr.io, which older versions name, is closed.',
    fix: lines.every((line) => !line.includes('failed to get sandbox image')) ? byDocker(image) : [
      `sudo ctr -n k8s.io images pull ${image.replace(/^k8s\.gcr\.io\//, 'registry.k8s.io/')}${image.startsWith('k8s.gcr.io/') ? ` && sudo ctr -n k8s.io images tag ${image.replace(/^k8s\.gcr\.io\//, 'registry.k8s.io/')} ${image}` : ''} # on the node; the kubelet tries again by itself`,
      'grep -n sandbox_image /etc/containerd/config.toml # on the node: name one that can be pulled or is there (sudo crictl images), then: sudo systemctl restart containerd',
      'sudo ctr -n k8s.io image import FILE # on the node, without a network',
    ],
  }))
}

/** Docker keeps its images by itself, and the name is an argument of whoever talks to it. */
function byDocker(image: string): NonEmpty<string> {
  const there = image.replace(/^k8s\.gcr\.io\//, 'registry.k8s.io/')
  return [
    `sudo docker pull ${there}${there === image ? '' : ` && sudo docker tag ${there} ${image}`} # on the node; the kubelet tries again by itself`,
    'systemctl cat kubelet cri-docker | grep pod-infra-container-image # on the node: name one that can be pulled or is there (sudo docker images), then: sudo systemctl restart cri-docker kubelet',
    'sudo docker load -i FILE # on the node, without a network',
  ]
}
