/** A cluster that nobody can ask: where on the way to it the question was lost. */
import type { KubeconfigFacts, NonEmpty, Unreachable } from '../../../access.ts'
import type { FaultId } from '../../../observe/faults.ts'
import type { Text } from '../../rule.ts'

/** What was said, in one text, and the kubeconfig it was said of. */
export interface Lost {
  said: string
  seen: string[]
  kubeconfig: KubeconfigFacts
}

export interface Case {
  text: RegExp
  /** Where the same words can mean something else. */
  when?: (lost: Lost, at: string) => boolean
  id?: FaultId
  tell: (lost: Lost, match: RegExpExecArray) => Omit<Text, 'evidence'>
}

export function lostOf({ seen, sentence, kubeconfig }: Unreachable): Lost {
  return { said: [sentence, ...seen].join('\n'), seen, kubeconfig: kubeconfig ?? { file: '~/.kube/config', exists: true, contexts: [], others: [] } }
}

/** What the kubeconfig says of the way, beside what was said. */
export function describeWay({ kubeconfig }: Lost): string {
  const { file, exists, context, contexts, server } = kubeconfig
  if (!exists) return `kubeconfig ${file}: there is no such file`
  const asked = context === undefined ? 'no context is chosen' : `context ${context}`
  const known = contexts.length === 0 ? '; it has none' : context !== undefined && contexts.includes(context) ? '' : `; it has ${contexts.join(', ')}`
  return `kubeconfig ${file}, ${asked}${known}${server === undefined ? '' : `, server ${server}`}`
}

const keep = 'sudo chown "$(id -u):$(id -g)" ~/.kube/config && chmod 600 ~/.kube/config'
export const k3sFile = '/etc/rancher/k3s/k3s.yaml'
const places: [path: string, of: string][] = [['/etc/kubernetes/admin.conf', 'kubeadm'], [k3sFile, 'K3s']]

/** Whatever this machine has, or `only` that; otherwise where the two distributions that people have at home keep theirs. */
export function copyCommands({ others }: KubeconfigFacts, only?: string): NonEmpty<string> {
  const known = only === undefined ? places.map(([path]) => path) : [only]
  const here = others.filter((path) => only === undefined || path === only)
  const [first, ...rest] = (here.length > 0 ? here : known).map((path) => {
    const of = here.length > 0 ? '' : ` # on a node of ${places.find(([place]) => place === path)?.[1] ?? ''}`
    return `mkdir -p ~/.kube && sudo cp --backup=numbered ${path} ~/.kube/config && ${keep}${of}`
  })
  return [first ?? 'kubectl config get-contexts', ...rest]
}

/** By whom its administrator is called; a file of K3s that lies on this machine may be of another cluster. */
export function isK3s({ file, others, certificate }: KubeconfigFacts): boolean {
  const [, user] = /CN=(system:admin|kubernetes-admin|minikube-user)/.exec(certificate?.subject ?? '') ?? []
  return user === undefined ? [file, ...others].some((path) => path.includes('k3s')) : user === 'system:admin'
}

/** How the thing that the context's name speaks of is started; nothing where it does not say. */
export function startCommands(kubeconfig: KubeconfigFacts): NonEmpty<string> {
  const { context = '', others, server = '' } = kubeconfig
  const [, kind] = /^kind-(.+)$/.exec(context) ?? []
  if (kind !== undefined) return [`docker start $(docker ps -aq --filter label=io.x-k8s.kind.cluster=${kind})`]
  if (context.startsWith('minikube')) return [`minikube start -p ${context}`]
  if (/^(docker-desktop|rancher-desktop|colima)/.test(context)) return [`Start ${context} and wait until its Kubernetes runs`]
  if (isK3s(kubeconfig) || (others.length === 0 && context === 'default')) return ['sudo systemctl restart k3s; sudo journalctl -u k3s -n 50 --no-pager # on the node']
  if (others.some((path) => path.includes('microk8s'))) return ['sudo microk8s start']
  return [
    'sudo swapoff -a; sudo systemctl restart kubelet; sudo journalctl -u kubelet -n 50 --no-pager # on the node: a kubelet does not start while swap is on, as after a reboot',
    'sudo crictl ps -a --name kube-apiserver # on the node; then: sudo crictl logs ID',
    ...(server.includes(':6443') ? ['sudo kubeadm certs check-expiration # on the node: an API server whose certificates have ended does not start'] : []),
  ]
}

/** `https://10.0.0.1:6443` → `10.0.0.1`; what cannot be read as an address is given as it is. */
export function hostIn(server = ''): string {
  return URL.canParse(server) ? new URL(server).hostname : server
}
