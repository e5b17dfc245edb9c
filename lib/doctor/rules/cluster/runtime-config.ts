/**
 * A runtime that is set up otherwise than the kubelet, or a pod, takes it to be. It says so of the sandbox:
 *
 *   FailedCreatePodSandBox: … desc = failed to get sandbox runtime: no runtime for "gvisor" is configured
 *   FailedCreatePodSandBox: … desc = failed to start sandbox container task "9f…": … OCI runtime create failed: … expected cgroupsPath
 *     to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/burstable/pod…/9f…" instead: unknown
 */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { fixOf, inNamespace } from '../../../observe/observation.ts'
import { ownerName, targetOf, thenDeletePod } from '../../../observe/owners.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { failedSandboxes, sandboxLine } from './pod-network.ts'

// Of runc, which containerd, CRI-O and Docker call alike; of CRI-O itself; of Docker itself.
const otherCgroups = /expected cgroupsPath to be of format|did not receive slice as parent|cgroup-parent for systemd cgroup should be a valid slice/
// Of containerd, CRI-O and the kubelet's own shim for Docker.
const noHandler = /no runtime for "([^"]+)" is configured|failed to find runtime handler (\S+) from runtime list|RuntimeHandler "([^"]+)" not supported/

export function cgroupDrivers(evidence: Evidence): Finding[] {
  const lines = sandboxesOf(evidence).flatMap(({ line }) => (otherCgroups.test(line) ? [line] : []))
  if (lines.length === 0) return []
  return [wrong('cgroup-driver-mismatch', {
    title: 'The kubelet hands out cgroups in one form and the container runtime wants another',
    evidence: lines.slice(0, 5),
    why: 'The runtime is set to systemd and the kubelet to cgroupfs: what one calls a pod\'s group the other refuses, and no pod starts.',
    fix: [
      'sudo sed -i \'/^cgroupDriver:/d\' /var/lib/kubelet/config.yaml && echo \'cgroupDriver: systemd\' | sudo tee -a /var/lib/kubelet/config.yaml && sudo systemctl restart kubelet # on the node; the kubelet tries again by itself',
      'grep -rn "SystemdCgroup\\|cgroup_manager\\|native.cgroupdriver" /etc/containerd/config.toml /etc/crio /etc/docker/daemon.json # on the node: what the runtime is set to',
    ],
  })]
}

export function runtimeHandlers(evidence: Evidence): Finding[] {
  const byHandler = new Map<string, { pod: KubernetesObject; line: string }[]>()
  for (const one of sandboxesOf(evidence)) {
    const handler = noHandler.exec(one.line)?.slice(1).find((word) => word !== undefined)
    if (handler !== undefined) byHandler.set(handler, [...(byHandler.get(handler) ?? []), one])
  }
  return [...byHandler].map(([handler, found]) => wrong('runtime-handler-missing', {
    title: `The node's runtime has no handler ${handler}, which ${classesOf(found.map(({ pod }) => pod))} asks for`,
    evidence: found.map(({ line }) => line).slice(0, 5),
    why: 'A RuntimeClass only names a handler; it must be installed and set up in the runtime of each node that such a pod may come to.',
    fix: fixOf(
      [...new Set(found.flatMap(({ pod }) => withoutClass(pod)))],
      `grep -n "runtimes" /etc/containerd/config.toml # on the node: ${handler} must be among them, then: sudo systemctl restart containerd`,
    ),
  }))
}

function sandboxesOf(evidence: Evidence): { pod: KubernetesObject; line: string }[] {
  return failedSandboxes(evidence).map((found) => ({ pod: found.pod, line: sandboxLine(found) }))
}

function classesOf(pods: readonly KubernetesObject[]): string {
  return [...new Set(pods.map((pod) => `RuntimeClass ${(pod as Pod).spec?.runtimeClassName ?? 'unknown'} of ${ownerName(pod)}`))].join(', ')
}

function withoutClass(pod: KubernetesObject): string[] {
  const target = targetOf(pod)
  return target === undefined ? [] : [`kubectl ${inNamespace(pod)} patch ${target} -p '{"spec":{"template":{"spec":{"runtimeClassName":null}}}}'${thenDeletePod(pod)} # runs it with the node's usual runtime`]
}
