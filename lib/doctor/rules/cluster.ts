/** The control plane, DNS and the pod network. */
import type { Finding } from '../../step.ts'
import type { Explains, Rule } from '../rule.ts'
import { controlPlane, takesNoWrites } from './cluster/control-plane.ts'
import { dns } from './cluster/dns.ts'
import { openFiles } from './cluster/open-files.ts'
import { podNetwork } from './cluster/pod-network.ts'
import { runtimeConfig } from './cluster/runtime-config.ts'
import { sandboxImages } from './cluster/sandbox-image.ts'
import { serviceRouting } from './cluster/service-routing.ts'
import { gitUnreached, needsPods, thatSpeakOf, unreached, unresolved } from './cluster/symptoms.ts'

export const clusterRules: readonly Rule[] = [takesNoWrites, controlPlane, dns, podNetwork, serviceRouting, sandboxImages, runtimeConfig, openFiles]

/** What the node says of itself in `lacksNetwork` is told with the network. */
const speaksOfNetwork = ({ evidence }: Finding): boolean => evidence.some((line) => /NetworkReady=false|NetworkPluginNotReady|cni (config|plugin)|network plugin is not ready/i.test(line))

export const clusterExplains: Explains = {
  'control-plane-down': ['cluster-dns-broken', ...needsPods, ...thatSpeakOf(unreached), { id: 'release-object-missing', when: ({ title }) => title.includes('is being deleted') }, 'namespace-terminating', 'claim-terminating', 'service-account-missing'],
  'cluster-dns-broken': [...needsPods, gitUnreached, 'scheduler-liveness-restart-loop', ...thatSpeakOf(unresolved)],
  'pod-network-broken': [{ id: 'node-not-ready', when: speaksOfNetwork }, 'no-schedulable-node', 'cluster-dns-broken', 'scheduler-liveness-restart-loop', gitUnreached, ...needsPods, ...thatSpeakOf(unreached)],
  'kube-proxy-not-running': ['cluster-dns-broken', 'pod-network-broken', gitUnreached, ...needsPods, ...thatSpeakOf(unreached)],
  'sandbox-image-missing': ['cluster-dns-broken', ...needsPods, ...thatSpeakOf(unreached)],
  'cgroup-driver-mismatch': ['cluster-dns-broken', ...needsPods, ...thatSpeakOf(unreached)],
  'runtime-handler-missing': [...needsPods, ...thatSpeakOf(unreached)],
  'kind-too-many-open-files': ['cluster-dns-broken', 'node-not-ready', ...needsPods, ...thatSpeakOf(/too many open files/i)],
}
