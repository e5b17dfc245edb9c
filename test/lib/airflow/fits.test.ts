import t from 'tap'
import { allows, judgeFit, type Place } from '../../../lib/airflow/fits.ts'
import { newestFitting, rankCharts } from '../../../lib/airflow/ranking.ts'
import type { ChartFacts } from '../../../lib/access.ts'

const official = (version: string, appVersion = '2.6.2', more: Partial<ChartFacts> = {}): ChartFacts => ({ name: 'airflow', version, appVersion, home: 'https://airflow.apache.org/', ...more })
const wanted = { executor: 'KubernetesExecutor', values: {} }
const judged = (chart: ChartFacts, place: Place, more: Partial<typeof wanted> = {}) => judgeFit(chart, place, { ...wanted, ...more })
const idsOf = (chart: ChartFacts, place: Place, more: Partial<typeof wanted> = {}): string[] => {
  const fit = judged(chart, place, more)
  return fit.state === 'unfit' ? fit.reasons.map(({ id, weight }) => `${weight} ${id}`) : [fit.state]
}

void t.test('a kubeVersion is read as Helm reads it', (t) => {
  const table: [string, string, boolean | undefined][] = [
    ['>=1.19.0-0', 'v1.22.8', true], ['>=1.19.0-0', 'v1.18.20', false], ['>=1.19.0-0', 'v1.27.3-gke.100', true], ['>=1.19.0', 'v1.27.3-gke.100', false],
    ['>= 1.21.0, < 1.25.0', 'v1.24.17+k3s1', true], ['>= 1.21.0 < 1.25.0', 'v1.25.0', false], ['^1.22.0', 'v1.30.1', true], ['~1.22', 'v1.23.0', false],
    ['>=1.19 || <1.10', 'v1.5.0', true], ['1.20 - 1.22', 'v1.21.5', true], ['1.20 - 1.22', 'v1.27.3-gke.100', false], ['1.x', 'v1.20.2', true], ['!=1.22.8', 'v1.22.8', false], ['!=1.22.8', 'v1.22.9', true], ['=>1.20', 'v1.20.2', true],
    ['whatever', 'v1.20.2', undefined], ['>=1.20', 'unknown', undefined], ['', 'v1.20.2', undefined],
  ]
  for (const [constraint, server, says] of table) t.equal(allows(constraint, server), says, `${constraint} ${server}`)
  t.end()
})

void t.test('each chart against each Helm, as the charts themselves were tried', (t) => {
  const modern = 'v1.31.0'
  const table: [string, string, string, string[]][] = [
    ['1.15.0', '2.9.3', 'v3.9.4', ['fits']], ['1.16.0', '2.10.5', 'v3.9.4', ['refused helm-too-old-for-chart']], ['1.17.0', '3.0.2', 'v3.9.4', ['refused helm-too-old-for-chart']],
    ['1.17.0', '3.0.2', 'v3.11.1', ['fits']], ['1.19.0', '3.1.7', 'v3.11.1', ['refused helm-too-old-for-chart']], ['1.19.0', '3.1.7', 'v3.12.1+gf32a527', ['fits']],
    ['1.22.0', '3.2.2', 'v3.11.1', ['fits']], ['1.22.0', '3.2.2', 'v3.9.4', ['refused helm-too-old-for-chart']], ['1.22.0', '3.2.2', 'v4.1.4', ['fits']], ['1.8.0', '2.5.1', 'v3.9.4', ['fits']],
  ]
  for (const [version, airflow, helm, says] of table) t.same(idsOf(official(version, airflow), { server: modern, helm }), says, `${version} ${helm}`)
  t.end()
})

void t.test('each chart against each Kubernetes: what its README asks for is unsupported below, and not refused', (t) => {
  const table: [string, string, string[]][] = [
    ['1.8.0', 'v1.20.2', ['unsupported chart-kubernetes-skew']], ['1.8.0', 'v1.22.8', ['fits']], ['1.10.0', 'v1.22.8', ['unsupported chart-kubernetes-skew']],
    ['1.10.0', 'v1.23.1+k3s2', ['fits']], ['1.15.0', 'v1.26.0', ['fits']], ['1.6.0', 'v1.20.2', ['fits']],
  ]
  for (const [version, server, says] of table) t.same(idsOf(official(version), { server, helm: 'v3.9.4' }), says, `${version} ${server}`)
  t.end()
})

void t.test('every reason says what does not go together, and one side to move', (t) => {
  const fit = judged(official('1.22.0', '3.2.2', { kubeVersion: '>=1.30.0' }), { server: 'v1.22.8', helm: 'v3.9.4', lacks: ['batch/v1 CronJob'] }, { executor: 'CeleryKubernetesExecutor', values: { cleanup: { enabled: true } } })
  t.match(fit, { state: 'unfit', reasons: [
    { id: 'kubeversion-refused', because: /1\.30\.0.*v1\.22\.8/, move: /^Move the cluster/ },
    { id: 'helm-too-old-for-chart', because: /v3\.9\.4.*break/, move: 'Move Helm to 3.10 or later.' },
    { id: 'chart-api-removed', because: /cleanup\.enabled.*CronJob of batch\/v1/, move: /cleanup\.enabled/ },
    { id: 'executor-not-supported-by-chart', because: /Airflow 3\.2\.2.*CeleryKubernetesExecutor/, move: /airflow\.executor/ },
    { id: 'chart-kubernetes-skew', weight: 'unsupported', move: /1\.30 or later/ },
  ] })
  t.end()
})

void t.test('what could not be asked is unknown, and never fits', (t) => {
  t.match(judged(official('1.10.0'), { helm: 'v3.9.4' }), { state: 'unknown', missing: ['the version of the cluster'] })
  t.match(judged(official('1.10.0'), { server: 'v1.23.0' }), { state: 'unknown', missing: ['the version of Helm'] })
  t.same(idsOf(official('1.17.0', '3.0.2'), { helm: 'v3.9.4' }), ['refused helm-too-old-for-chart'], 'one side alone can refuse')
  t.end()
})

void t.test('of another chart only its kubeVersion is known', (t) => {
  const other = { name: 'airflow', version: '8.9.0', appVersion: '2.8.4', home: 'https://github.com/airflow-helm/charts/tree/main/charts/airflow' }
  t.same(idsOf(other, { server: 'v1.20.2', helm: 'v3.9.4' }), ['fits'])
  t.same(idsOf(other, { server: 'v1.20.2', helm: 'v3.9.4' }, { executor: 'LocalExecutor' }), ['refused executor-not-supported-by-chart'])
  t.same(idsOf({ ...other, kubeVersion: '>=1.21.0-0' }, { server: 'v1.20.2', helm: 'v3.9.4' }), ['refused kubeversion-refused'])
  t.end()
})

void t.test('auto takes the newest that fits, and no pre-release and nothing that was given up', (t) => {
  const list = [official('1.22.0', '3.2.2'), official('1.16.0-rc1', '2.10.5'), official('1.12.0', '2.8.1', { deprecated: true }), official('1.11.0', '2.7.1'), official('1.10.0'), official('1.8.0', '2.5.1')]
  const chosen = (server: string | undefined, helm: string): string | undefined => newestFitting(rankCharts(list, { server, helm }, wanted))?.chart.version
  t.equal(chosen('v1.22.8', 'v3.9.4'), '1.8.0')
  t.equal(chosen('v1.25.0', 'v3.9.4'), '1.11.0')
  t.equal(chosen('v1.31.0', 'v3.17.0'), '1.22.0')
  t.equal(chosen('v1.20.2', 'v3.9.4'), undefined)
  t.equal(chosen(undefined, 'v3.17.0'), undefined)
  t.end()
})
