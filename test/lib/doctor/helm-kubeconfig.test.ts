import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { release } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

// Helm 3, pkg/kube/client.go, IsReachable
const text = (host: string) => `Error: Kubernetes cluster unreachable: Get "http://${host}:8080/version?timeout=32s": dial tcp 127.0.0.1:8080: connect: connection refused`
const said = (host: string, at = '2023-08-02T10:29:00Z') => [{ source: 'step helm, in the state file', at, text: text(host) }]

void t.test('a Helm that has no kubeconfig, where kubectl has one, is told and explains the release that is not there', (t) => {
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    t.match(diagnose(evidence({ said: said(host) })).findings, [
      { id: 'cluster-unreachable-kubeconfig', severity: 'error', title: 'Helm has no kubeconfig, and kubectl has one', evidence: [/^step helm, in the state file: .*:8080\/version/], fix: [/^export KUBECONFIG=\/etc\/rancher\/k3s\/k3s\.yaml && npx tsx run\.ts apply --from helm #/, /^mkdir -p ~\/\.kube && sudo cp --backup=numbered \/etc\/rancher\/k3s\/k3s\.yaml/] },
      { id: 'release-not-installed', causes: [{ id: 'cluster-unreachable-kubeconfig' }] },
    ], host)
  }
  t.end()
})

void t.test('what another Helm has come to since, and an address of the kubeconfig\'s own, are none', (t) => {
  const ids = (parts: Parameters<typeof evidence>[0]) => diagnose(evidence(parts)).findings.map(({ id }) => id)
  t.same(ids({ said: said('localhost', '2023-08-02T08:00:00Z'), record: release({ updatedAt: long }) }), [])
  t.same(ids({ said: said('192.168.1.10') }), ['release-not-installed'])
  t.end()
})
