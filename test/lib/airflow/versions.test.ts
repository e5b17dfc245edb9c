import t from 'tap'
import { chartAsksFor, helmsFor, helmSupports, kubernetesMinor } from '../../../lib/airflow/versions.ts'

void t.test('Helm supports the Kubernetes it was built against and three before, as its own table says', (t) => {
  const table: [string, number, number][] = [
    ['v3.19.0', 31, 34], ['v3.18.4', 30, 33], ['v3.12.3', 24, 27], ['v3.9.4', 21, 24], ['v3.7.0', 19, 22], ['3.10.0+g123', 22, 25], ['v4.0.0', 31, 34],
  ]
  for (const [helm, from, to] of table) t.same(helmSupports(helm), { from, to }, helm)
  for (const helm of ['v2.17.0', 'v5.0.0', 'unknown', '']) t.equal(helmSupports(helm), undefined, helm)
  t.end()
})

void t.test('the table read the other way says the same', (t) => {
  t.same(helmsFor(22), { from: 7, to: 10 })
  for (let kubernetes = 19; kubernetes <= 34; kubernetes++) {
    const { from, to } = helmsFor(kubernetes)
    for (let minor = 4; minor <= 19; minor++) {
      const supported = helmSupports(`v3.${minor}.0`)
      const fits = supported !== undefined && kubernetes >= supported.from && kubernetes <= supported.to
      if (fits !== (minor >= from && minor <= to)) t.fail(`Helm 3.${minor} and Kubernetes 1.${kubernetes}`)
    }
  }
  t.end()
})

void t.test('what a chart asks for is what its own README says', (t) => {
  const table: [string, number | undefined][] = [['1.10.0', 23], ['1.9.0', 23], ['1.8.0', 21], ['1.7.0', 21], ['1.6.0', undefined], ['1.11.0', 24], ['1.16.0', 29], ['1.18.0', 30], ['auto', undefined]]
  for (const [chart, minor] of table) t.equal(chartAsksFor(chart), minor, chart)
  t.end()
})

void t.test('a minor is read from every form in which Kubernetes prints its version', (t) => {
  const table: [string, number | undefined][] = [['v1.22.8', 22], ['1.22.8', 22], ['v1.24.17+k3s1', 24], ['v1.20.2-dirty', 20], ['v1.30.0-gke.100', 30], ['v2.0.0', undefined], ['', undefined], ['latest', undefined]]
  for (const [version, minor] of table) t.equal(kubernetesMinor(version), minor, version)
  t.end()
})
