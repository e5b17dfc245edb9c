/**
 * A kubelet that reports, and that the API server does not reach in return: logs, exec and port-forward all go that way.
 *
 *   Get "https://192.168.1.20:10250/containerLogs/airflow/…": dial tcp 192.168.1.20:10250: connect: connection refused
 *   Get "https://192.168.1.20:10250/containerLogs/airflow/…": remote error: tls: internal error, while its certificate is not approved
 *   Get "https://192.168.1.20:10250/containerLogs/airflow/…": proxy error from 127.0.0.1:6443 while dialing 192.168.1.20:10250, code 502: 502 Bad Gateway, of K3s
 *   Forbidden (user=kube-apiserver-kubelet-client, verb=get, resource=nodes, subresource=proxy)
 */
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import type { NonEmpty } from '../../../access.ts'
import { k3sUnit, observeNode } from '../../../observe/node.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'

const unread = /^the log of (\S+), container \S+, could not be read: (.*)$/

const ways: { said: RegExp; why: string; fix: (node: Node) => NonEmpty<string> }[] = [
  { said: /tls: internal error|x509: /, why: 'The certificate that the kubelet serves is missing, has ended or is not trusted.', fix: ({ metadata }) => [`kubectl get csr; kubectl certificate approve NAME # a request of system:node:${metadata?.name ?? ''} that is Pending`, `sudo systemctl restart kubelet # on the node ${metadata?.name ?? ''}: it asks for a new certificate`] },
  { said: /\bForbidden \(user=|\bUnauthorized\b/, why: 'The kubelet does not let the API server\'s user ask it.', fix: () => ['kubectl get clusterrolebinding -o wide | grep kubelet-api # kubeadm binds system:kubelet-api-admin to the user of the API server\'s kubelet client', 'sudo kubeadm certs check-expiration # on the control plane: apiserver-kubelet-client'] },
  { said: /dial tcp|while dialing|no route to host|connection (?:refused|reset)/, why: 'The kubelet has just ended, or its port is closed on the way: a firewall of the node, or an address that the API server cannot reach.', fix: (node) => {
    const unit = k3sUnit(node) ?? 'kubelet'
    const name = node.metadata?.name ?? ''
    return [`sudo systemctl status ${unit} --no-pager; sudo ss -ltnp 'sport = :10250' # on the node ${name}`, `sudo ufw allow proto tcp from CONTROL_PLANE to any port 10250 # on the node ${name}, where ufw is its firewall; CONTROL_PLANE is the API server's address`, 'kubectl get nodes -o wide # INTERNAL-IP is where the API server asks']
  } },
]

/** A node that is not Ready tells more than this. */
export function kubeletUnreached({ nodes = [], pods, system, unknown }: Evidence): Finding[] {
  const lines = unknown.flatMap((line) => {
    const [, pod = '', said = ''] = unread.exec(line) ?? []
    const node = [...pods, ...system].find(({ kind, metadata }) => kind === 'Pod' && metadata.name === pod)
    return node === undefined ? [] : [{ line, said, node: (node as Pod).spec?.nodeName }]
  })
  return nodes.filter((node) => observeNode(node).state === 'done').flatMap((node) => {
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
