/**
 * A kubelet that reports, and that the API server does not reach in return, or that lets it not in: logs, exec and port-forward all go that way.
 *
 *   Get "https://192.168.1.20:10250/containerLogs/airflow/…": dial tcp 192.168.1.20:10250: connect: connection refused
 *   Get "https://192.168.1.20:10250/containerLogs/airflow/…": remote error: tls: internal error, while its certificate is not approved
 *   Get "https://192.168.1.20:10250/containerLogs/airflow/…": proxy error from 127.0.0.1:6443 while dialing 192.168.1.20:10250, code 502: 502 Bad Gateway, of K3s
 *   Forbidden (user=kube-apiserver-kubelet-client, verb=get, resource=nodes, subresource=proxy)
 *   the server has asked for the client to provide credentials ( pods/log airflow-scheduler-0), whose client is the API server
 */
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import { k3sUnit, observeNode } from '../../../observe/node.ts'
import type { Finding } from '../../../step.ts'
import { type Evidence, podsIn } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { hasJustStarted } from '../cluster/boot.ts'
import { clusterTime } from '../cluster/control-plane.ts'

const unread = /^the log of (\S+), container \S+, could not be read: (.*)$/

const ways: { said: RegExp; why: string; fix: (node: Node) => NonEmpty<string> }[] = [
  { said: /tls: internal error|x509: /, why: 'The certificate that the kubelet serves is missing, has ended or is not trusted.', fix: ({ metadata }) => [`kubectl get csr; kubectl certificate approve NAME # a request of system:node:${metadata?.name ?? ''} that is Pending`, `sudo systemctl restart kubelet # on the node ${metadata?.name ?? ''}: it asks for a new certificate`] },
  { said: /\bForbidden \(user=|asked for the client to provide credentials/, why: 'The kubelet does not let the API server\'s user ask it.', fix: () => ['kubectl get clusterrolebinding -o wide | grep kubelet-api # kubeadm binds system:kubelet-api-admin to the user of the API server\'s kubelet client', 'sudo kubeadm certs check-expiration # on the control plane: apiserver-kubelet-client'] },
  { said: /dial tcp|while dialing|no route to host|connection (?:refused|reset)/, why: 'The kubelet has just ended, or its port is closed on the way: a firewall of the node, or an address that the API server cannot reach.', fix: (node) => {
    const unit = k3sUnit(node) ?? 'kubelet'
    const name = node.metadata?.name ?? ''
    // An agent of K3s is asked through a tunnel that it holds open itself.
    if (unit === 'k3s-agent') return [`sudo systemctl restart ${unit}; sudo journalctl -u ${unit} -n 50 --no-pager # on the node ${name}: it dials the server at port 6443, and is asked through that`]
    return [`sudo systemctl status ${unit} --no-pager; sudo ss -ltnp 'sport = :10250' # on the node ${name}`, `sudo ufw allow proto tcp from CONTROL_PLANE to any port 10250 # on the node ${name}, where ufw is its firewall; CONTROL_PLANE is the API server's address`, 'kubectl get nodes -o wide # INTERNAL-IP is where the API server asks']
  } },
]

const freshMs = 20_000

/** A node that is not Ready tells more than this; and one that has just gone is called Ready for 40 s yet. */
function reports(node: KubernetesObject, evidence: Evidence): boolean {
  const lease = (evidence.leases ?? []).find(({ metadata }) => metadata.namespace === 'kube-node-lease' && metadata.name === node.metadata.name) as Lease | undefined
  const silentMs = lease === undefined ? 0 : clusterTime(evidence) - Date.parse(String(lease.spec?.renewTime))
  return observeNode(node).state === 'done' && silentMs < freshMs && !hasJustStarted(node, evidence, new Date(evidence.at))
}

export function kubeletUnreached(evidence: Evidence): Finding[] {
  const { nodes = [], unknown } = evidence
  const lines = unknown.flatMap((line) => {
    const [, pod = '', said = ''] = unread.exec(line) ?? []
    const object = podsIn(evidence).find(({ metadata }) => metadata.name === pod)
    return object === undefined ? [] : [{ line, said, node: (object as Pod).spec?.nodeName }]
  })
  return nodes.filter((node) => reports(node, evidence)).flatMap((node) => {
    const mine = lines.filter((one) => one.node === node.metadata.name)
    const way = ways.find(({ said }) => mine.some((one) => said.test(one.said)))
    return way === undefined ? [] : [wrong('kubelet-unreachable', {
      title: `The API server cannot ask the kubelet of Node ${node.metadata.name}`,
      evidence: mine.filter((one) => way.said.test(one.said)).map(({ line }) => line).slice(0, 3),
      why: `${way.why} Pods run on, and nobody reads their logs, executes in them or forwards a port to them.`,
      fix: way.fix(node as Node),
    })]
  })
}
