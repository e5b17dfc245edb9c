/**
 * Pods that get no sandbox, which is to say no address. The runtime's words are passed on by the kubelet:
 *
 *   FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "9f…": cni plugin not initialized
 *   … plugin type="host-local" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.254
 *   … plugin type="flannel" failed (add): open /run/flannel/subnet.env: no such file or directory
 */
import type { Event, Node, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { describeEvent, eventsAbout, latest, timeOf, timesOf } from '../../../observe/events.ts'
import { faults } from '../../../observe/faults.ts'
import { k3sUnit, observeNode } from '../../../observe/node.ts'
import { nameOf, notReadyMs } from '../../../observe/observation.ts'
import { logsOf } from '../../../observe/pod-logs.ts'
import { type Evidence, eventsIn, podsIn } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { lacksNetwork } from '../nodes/state.ts'
import { hasJustStarted } from './boot.ts'

const install = 'kubectl apply -f https://github.com/flannel-io/flannel/releases/latest/download/kube-flannel.yml # where none was installed yet; kubeadm then wants --pod-network-cidr=10.244.0.0/16'

/** `bundled`: what K3s brings with it and starts itself, so that nobody may lay another over it. */
interface Reason { text: RegExp; title: string; fix: NonEmpty<string>; bundled?: true }

const reasons: readonly Reason[] = [
  { text: /no IP addresses available in range set/, title: 'The node has no pod address left', fix: ['ls /var/lib/cni/networks/*/ | wc -l # on the node; each file holds an address', 'sudo systemctl stop kubelet && sudo rm -f /var/lib/cni/networks/*/[0-9]* && sudo reboot # on the node: addresses of pods that are gone come free'] },
  { text: /subnet\.env: no such file/, title: 'Flannel does not run on the node', bundled: true, fix: [`kubectl get pods -A -l app=flannel -o wide; ${logsOf('app=flannel', 30)}`, install] },
  { text: /failed to find plugin "?flannel"? in path/, title: 'The node lacks the program of Flannel', bundled: true, fix: ['kubectl -n kube-flannel rollout restart daemonset kube-flannel-ds # its init container puts it there', 'ls /opt/cni/bin # on the node'] },
  { text: /failed to find plugin "?([\w-]+)"? in path/, title: 'The node lacks a program of its network plugin', bundled: true, fix: ['ls /opt/cni/bin # on the node', 'sudo apt-get install --reinstall kubernetes-cni # on the node'] },
  { text: /already has an IP address different from/, title: 'The node\'s bridge has an address of a network that was there before', fix: ['sudo ip link delete cni0 && sudo reboot # on the node: what runs there hangs on the old bridge'] },
  { text: /cni plugin not initialized|cni config uninitialized|no networks found in|NetworkPluginNotReady|NetworkReady=false|network plugin is not ready/i, title: 'The node has no network plugin', bundled: true, fix: ['ls -l /etc/cni/net.d # on the node; empty where none is installed', 'kubectl get pods -A -o wide | grep -E "flannel|calico|cilium|weave|canal" # one that is installed must run', install] },
  { text: /Unauthorized|connection is unauthorized/, title: 'The network plugin\'s credentials are no longer accepted', fix: ['kubectl -n kube-system rollout restart daemonset/calico-node # or that of your plugin'] },
  { text: /failed to set ?up network|failed to setup network for sandbox|networkPlugin cni failed|error adding pod .* to CNI network|no route to host/i, title: 'The network plugin refuses pods', fix: ['kubectl get pods -A -o wide | grep -E "flannel|calico|cilium|weave|canal" # its pods must run, and their logs say more', 'sudo journalctl -u containerd -n 50 --no-pager # on the node'] },
]

/** A sandbox that failed and is tried again is everyday while a node starts. */
const recentMs = 300_000
const twice = 2

export function podNetwork(evidence: Evidence): Finding[] {
  const seen = [...barred(evidence), ...sandboxless(evidence)]
  const known = reasons.map((reason) => ({ reason, mine: seen.filter(({ line }) => reasons.find(({ text }) => text.test(line)) === reason) }))
  return known.filter(({ mine }) => mine.length > 0).map(({ reason, mine }) => wrong('pod-network-broken', {
    title: reason.title,
    evidence: mine.slice(0, 5).map(({ line }) => line),
    why: 'A pod is made only when it has got an address; until then it stays in ContainerCreating.',
    fix: fixOn(mine[0]?.node, reason),
  }))
}

interface Seen { line: string; node?: KubernetesObject | undefined }

function barred({ nodes = [], at }: Evidence): Seen[] {
  return nodes.filter((node) => lacksNetwork(node) && notReadyMs(node, new Date(at)) >= faults['pod-network-broken'].settleMs).map((node) => {
    const look = observeNode(node)
    return { node, line: `${nameOf(node)} ${look.state === 'waiting' ? look.reason : ''}` }
  })
}

/** While a node starts its network does too, and the kubelet tries in vain every few seconds. */
function sandboxless(evidence: Evidence): Seen[] {
  const found = failedSandboxes(evidence).map((one) => ({ line: sandboxLine(one), node: evidence.nodes?.find(({ metadata }) => metadata.name === (one.pod as Pod).spec?.nodeName) }))
  return found.filter(({ line, node }) => !sandboxImage.test(line) && !(node !== undefined && hasJustStarted(node, evidence, new Date(evidence.at))))
}

function fixOn(node: KubernetesObject | undefined, { fix, bundled }: Reason): NonEmpty<string> {
  const unit = node && k3sUnit(node as Node)
  if (node === undefined || unit === undefined) return fix
  const [first, ...rest] = fix
  const own = (line: string): string => line.replace(/^sudo systemctl stop kubelet /, `sudo systemctl stop ${unit} `)
  return bundled !== true ? [own(first), ...rest.map(own)] : [
    `sudo systemctl restart ${unit}; sudo journalctl -u ${unit} -n 50 --no-pager # on the node ${node.metadata.name}: K3s has a Flannel of its own`,
    'kubectl get pods -A -o wide | grep -E "calico|cilium|weave|canal" # where K3s was started with --flannel-backend=none: what was put in its place must run',
  ]
}

/** Its image has a rule of its own, whatever the reason is that it cannot be had. The last two are Docker's, with the kubelet's own shim and with cri-dockerd. */
export const sandboxImage = /(failed to get sandbox image|unable to pull sandbox image|failed pulling image) "([^"]+)"/

export interface FailedSandbox { pod: KubernetesObject; event: Event }

export function failedSandboxes({ pods, system, events, at }: Evidence): FailedSandbox[] {
  const all = eventsIn({ events, system })
  return podsIn({ pods, system }).filter(hasNoAddress).flatMap((pod) => {
    const about = eventsAbout(pod, all)
    const event = latest(about, 'FailedCreatePodSandBox', 'NetworkNotReady')
    const tries = about.filter(({ reason }) => reason === event?.reason).reduce((sum, one) => sum + timesOf(one), 0)
    return event !== undefined && tries >= twice && Date.parse(at) - timeOf(event) < recentMs ? [{ pod, event }] : []
  })
}

export function sandboxLine({ pod, event }: FailedSandbox): string {
  return `${nameOf(pod)}: ${describeEvent(event)}`
}

function hasNoAddress(pod: KubernetesObject): boolean {
  const { podIP, phase } = (pod as Pod).status ?? {}
  return phase === 'Pending' && !podIP && pod.metadata.deletionTimestamp === undefined
}
