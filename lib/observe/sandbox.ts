/**
 * A pod whose sandbox the runtime will not make, since it is set up otherwise than the pod, or the kubelet, takes it to be:
 *
 *   FailedCreatePodSandBox: … desc = failed to get sandbox runtime: no runtime for "gvisor" is configured
 *   FailedCreatePodSandBox: … desc = failed to start sandbox container task "9f…": … OCI runtime create failed: … expected cgroupsPath
 *     to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/burstable/pod…/9f…" instead: unknown
 *
 * Every other refusal may pass: the network of a node starts after the node.
 */
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { describeEvent, latest } from './events.ts'
import { type Failed, failed, fixOf, inNamespace, nameOf } from './observation.ts'
import { targetOf, thenDeletePod } from './owners.ts'

// Of runc, which containerd, CRI-O and Docker call alike; of CRI-O itself; of Docker itself.
const otherCgroups = /expected cgroupsPath to be of format|did not receive slice as parent|cgroup-parent for systemd cgroup should be a valid slice/
// Of containerd, CRI-O and the kubelet's own shim for Docker.
const noHandler = /no runtime for "([^"]+)" is configured|failed to find runtime handler (\S+) from runtime list|RuntimeHandler "([^"]+)" not supported/

/** What the kubelet said of it last counts: it mounts, makes the sandbox and pulls, in this order, and begins anew with each try. */
export function observeSandbox(pod: KubernetesObject, events: readonly Event[]): Failed | undefined {
  const event = latest(events, 'FailedCreatePodSandBox', 'FailedMount', 'Pulling', 'Pulled', 'Created')
  return event?.reason === 'FailedCreatePodSandBox' ? refusedSandbox(pod, event) : undefined
}

/** The same of one event; undefined where it says something else. */
export function refusedSandbox(pod: KubernetesObject, event: Event): Failed | undefined {
  const line = `${nameOf(pod)}: ${describeEvent(event)}`
  const handler = noHandler.exec(line)?.slice(1).find((word) => word !== undefined)
  if (handler !== undefined) return withoutHandler(pod, handler, line)
  return otherCgroups.test(line) ? withOtherCgroups(pod, line) : undefined
}

function withoutHandler(pod: KubernetesObject, handler: string, line: string): Failed {
  const target = targetOf(pod)
  return failed(pod, 'runtime-handler-missing', {
    title: `The node's runtime has no handler ${handler}, which RuntimeClass ${(pod as Pod).spec?.runtimeClassName ?? 'unknown'} asks for`,
    evidence: [line],
    why: 'A RuntimeClass only names a handler; it must be installed and set up in the runtime of each node that such a pod may come to.',
    fix: fixOf(
      target === undefined ? [] : [`kubectl ${inNamespace(pod)} patch ${target} -p '{"spec":{"template":{"spec":{"runtimeClassName":null}}}}'${thenDeletePod(pod)} # runs it with the node's usual runtime`],
      `grep -n "runtimes" /etc/containerd/config.toml # on the node: ${handler} must be among them, then: sudo systemctl restart containerd`,
    ),
  })
}

function withOtherCgroups(pod: KubernetesObject, line: string): Failed {
  return failed(pod, 'cgroup-driver-mismatch', {
    title: 'The kubelet hands out cgroups in one form and the container runtime wants another',
    evidence: [line],
    why: 'The runtime is set to systemd and the kubelet to cgroupfs: what one calls a pod\'s group the other refuses, and no pod starts.',
    fix: [
      'sudo sed -i \'/^cgroupDriver:/d\' /var/lib/kubelet/config.yaml && echo \'cgroupDriver: systemd\' | sudo tee -a /var/lib/kubelet/config.yaml && sudo systemctl restart kubelet # on the node; the kubelet tries again by itself',
      'grep -rn "SystemdCgroup\\|cgroup_manager\\|native.cgroupdriver" /etc/containerd/config.toml /etc/crio /etc/docker/daemon.json # on the node: what the runtime is set to',
    ],
  })
}
