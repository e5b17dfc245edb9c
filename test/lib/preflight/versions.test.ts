import t from 'tap'
import { judgeVersions } from '../../../lib/preflight/versions.ts'
import type { Versions } from '../../../lib/access.ts'

const reference: Versions = { server: 'v1.22.8', kubectl: 'v1.22.0', helm: 'v3.9.4' }
const ids = (versions: Partial<Versions>, chart = '1.8.0', require = {}): string[] => judgeVersions({ ...reference, ...versions }, chart, require).map(({ id }) => id)

void t.test('the verified pair with its Helm and a chart for it has nothing to say', (t) => {
  t.same(ids({}), [])
  t.end()
})

void t.test('Helm 3.19 with Kubernetes 1.22 is a named conflict, with the side to move', (t) => {
  t.match(judgeVersions({ ...reference, helm: 'v3.19.0' }, '1.8.0', {}), [{
    id: 'helm-kubernetes-skew', severity: 'warning', title: 'Helm v3.19.0 is too new for Kubernetes 1.22',
    evidence: ['Helm v3.19.0 supports Kubernetes 1.31 to 1.34', 'API server: 1.22'], fix: ['Move Helm: install Helm 3.7 to 3.10, which support Kubernetes 1.22.'],
  }])
  t.match(judgeVersions({ ...reference, server: 'v1.30.0', kubectl: 'v1.30.0' }, '1.8.0', { kubernetes: '1.30' }), [{ id: 'helm-kubernetes-skew', title: /too old/ }])
  t.same(ids({ helm: 'something' }), [], 'of a Helm that nobody knows nothing is said')
  t.end()
})

void t.test('kubectl may be one minor from the server, either way', (t) => {
  const table: [string, string[]][] = [['v1.21.0', []], ['v1.23.9', []], ['v1.20.0', ['kubectl-skew']], ['v1.24.0', ['kubectl-skew']], ['v1.31.0-dirty', ['kubectl-skew']], ['', []]]
  for (const [kubectl, found] of table) t.same(ids({ kubectl }), found, kubectl)
  t.end()
})

void t.test('a chart that asks for a newer Kubernetes is told, one that fits is not', (t) => {
  t.same(ids({}, '1.10.0'), ['chart-kubernetes-skew'])
  t.same(ids({}, '1.7.0'), [])
  t.same(ids({}, 'auto'), [])
  t.same(ids({}, '8.7.1'), [], 'the community\'s chart counts on from 7, and is not what the official one\'s README speaks of')
  t.end()
})

void t.test('a Kubernetes that is required is an error where it is not there, and one that is only verified a warning', (t) => {
  t.match(judgeVersions(reference, '1.8.0', { kubernetes: '1.23' }), [{ id: 'kubernetes-version-required', severity: 'error' }])
  t.same(ids({}, '1.8.0', { kubernetes: '1.22.8' }), [])
  t.same(ids({}, '1.8.0', { kubernetes: '1.22' }), [])
  t.same(ids({ server: 'v1.22.8+k3s1' }, '1.8.0', { kubernetes: '1.22.8' }), [])
  t.same(ids({ server: 'v1.22.80' }, '1.8.0', { kubernetes: '1.22.8' }), ['kubernetes-version-required'])
  t.match(judgeVersions({ ...reference, server: 'v1.22.9' }, '1.8.0', {}), [{ id: 'kubernetes-not-verified', severity: 'warning' }])
  t.end()
})

void t.test('a version that is none is said, and nothing is guessed from it', (t) => {
  t.same(ids({ server: 'dev' }), ['kubernetes-version-unknown'])
  t.end()
})
