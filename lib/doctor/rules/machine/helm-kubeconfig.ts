/** Helm looks for the kubeconfig in KUBECONFIG and ~/.kube/config alone; K3s' own kubectl knows its file by itself. */
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { matchesIn, quoted } from '../../failures.ts'
import { wrong } from '../../rule.ts'

/** Error: Kubernetes cluster unreachable: Get "http://localhost:8080/version": dial tcp 127.0.0.1:8080: connect: connection refused */
const nowhere = /Kubernetes cluster unreachable: Get "http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):8080\/version[^\n]*/

export function helmWithout(evidence: Evidence): Finding[] {
  const said = evidence.unreachable === undefined ? matchesIn(evidence, nowhere) : []
  if (said.length === 0) return []
  return [wrong('cluster-unreachable-kubeconfig', {
    title: 'Helm has no kubeconfig, and kubectl has one',
    evidence: said.map(quoted),
    why: 'It then asks localhost:8080, where no cluster has listened for years. K3s\' own kubectl finds its file by itself; Helm does not.',
    fix: [
      'export KUBECONFIG=/etc/rancher/k3s/k3s.yaml && npx tsx run.ts apply --from helm # or --kubeconfig FILE',
      'mkdir -p ~/.kube && sudo cp --backup=numbered /etc/rancher/k3s/k3s.yaml ~/.kube/config && sudo chown "$(id -u):$(id -g)" ~/.kube/config && chmod 600 ~/.kube/config # where only root may read it; then: export KUBECONFIG=~/.kube/config',
    ],
  })]
}
