/**
 * Probes that the runtime cannot run. "errored" is the runtime's trouble, "failed" the program's;
 * only the first can be hopeless, and of it only what no restart of the container changes.
 *
 *   Warning Unhealthy: Readiness probe errored: rpc error: code = Unknown desc = http: invalid Host header
 *   Kubernetes 1.33: Readiness probe errored and resulted in unknown state: rpc error: …
 */
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { describeEvent, timeOf } from './events.ts'
import { type Context, type Observation, failed, nameOf } from './observation.ts'

const hostHeader = /(Readiness|Liveness|Startup) probe errored\b.*http: invalid Host header/
/** After 25 of them the kubelet tells such events only every five minutes. */
const currentMs = 600_000

export function observeProbes(pod: KubernetesObject, events: readonly Event[], { now }: Context): Observation | undefined {
  const event = events.findLast(({ reason, message = '' }) => reason === 'Unhealthy' && hostHeader.test(message))
  if (!event || now.getTime() - timeOf(event) > currentMs || answersNow(pod, event)) return undefined
  const node = (pod.spec as { nodeName?: string } | undefined)?.nodeName ?? 'the node'
  return failed(pod, 'exec-invalid-host-header', {
    title: `The container runtime of ${node} cannot run exec probes`,
    evidence: [`${nameOf(pod)}: ${describeEvent(event)}`],
    why: 'A Docker client built with Go 1.20.6 or 1.19.11 sends a Host header that its own HTTP library refuses (CVE-2023-29406), so every exec fails. Neither Airflow nor the operating system is at fault.',
    fix: [
      `On ${node}: cri-dockerd --version; docker version`,
      'Upgrade cri-dockerd to 0.3.8 or newer, or k3s to 1.24.17, 1.25.13, 1.26.8, 1.27.5 or newer (or use containerd), then: sudo systemctl restart cri-docker kubelet',
    ],
    link: 'https://github.com/moby/moby/issues/45935',
  })
}

/** Of a node that has gone silent its pods are called not ready, and their containers as they were. */
function answersNow(pod: KubernetesObject, { involvedObject: { fieldPath = '' } }: Event): boolean {
  return ((pod as Pod).status?.containerStatuses ?? []).some(({ name, ready }) => ready && fieldPath.endsWith(`{${name}}`))
}
