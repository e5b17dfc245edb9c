import t from 'tap'
import { families, familyById, familyOf, familyOfRelease, makerOf, servesWeb } from '../../../lib/airflow/families.ts'
import { nearestExecutor, partsOf } from '../../../lib/airflow/executors.ts'
import { executors } from '../../../lib/config/schema.ts'
import { release } from '../observe/objects.ts'

const official = 'https://airflow.apache.org/'
const id = (version: string, appVersion: string, home = official, values = {}): string => familyOf({ version, appVersion, home }, values).id

void t.test('a chart is told by its maker and by the Airflow that it carries', (t) => {
  t.equal(id('1.8.0', '2.5.1'), 'official-2')
  t.equal(id('1.15.0', '2.9.3'), 'official-2')
  t.equal(id('1.22.0', '3.2.2'), 'official-3')
  t.equal(id('8.7.1', '2.5.3', 'https://github.com/airflow-helm/charts/tree/main/charts/airflow'), 'community')
  t.equal(id('8.9.0', '2.8.4', ''), 'community', 'without a home it is told by its version')
  t.equal(id('1.0.0', '2.0.2', ''), 'official-2')
  t.end()
})

void t.test('a chart of somebody else has no maker that is known, and is taken for the one that most are made from', (t) => {
  t.equal(makerOf({ version: '3.1.0', home: 'https://charts.example.org' }), undefined)
  t.equal(id('3.1.0', '2.6.2', 'https://charts.example.org'), 'official-2')
  t.end()
})

void t.test('the same chart with another Airflow is another family', (t) => {
  t.equal(id('1.22.0', '3.2.2', official, { airflowVersion: '2.11.0' }), 'official-2')
  t.equal(id('1.17.0', '3.0.2', official, { airflowVersion: '2.10.5' }), 'official-2')
  t.end()
})

void t.test('keys are those that the version of the chart takes', (t) => {
  const keys = (version: string, appVersion: string): readonly string[] => familyOf({ version, appVersion, home: official }).keys
  t.ok(keys('1.10.0', '2.6.2').includes('webserverSecretKey'))
  t.notOk(keys('1.10.0', '2.6.2').includes('jwtSecret'))
  t.ok(keys('1.17.0', '3.0.2').includes('webserverSecretKey'), 'before 1.18 Airflow 3 was given the key of the webserver')
  t.notOk(keys('1.17.0', '3.0.2').includes('apiSecretKey'))
  t.ok(keys('1.18.0', '3.0.2').includes('apiSecretKey'))
  t.notOk(keys('1.18.0', '3.0.2').includes('webserverSecretKey'))
  t.ok(keys('1.18.0', '3.0.2').includes('jwtSecret'))
  t.end()
})

void t.test('the release as it runs tells its own family', (t) => {
  t.equal(familyOfRelease(release({ chart: { name: 'airflow', version: '1.22.0', appVersion: '3.2.2' } })).id, 'official-3')
  t.equal(familyById('community').web, 'web')
  t.end()
})

void t.test('every executor that a person may write is taken, or has a nearest that is', (t) => {
  for (const family of families) {
    for (const executor of executors) if (!family.executors.includes(executor)) t.ok(family.executors.includes(nearestExecutor(executor, family)), `${family.id}: ${executor}`)
    for (const executor of family.executors) {
      t.ok(partsOf(executor), `what ${executor} runs is known`)
      t.ok((executors as readonly string[]).includes(executor), `${executor} can be written`)
    }
  }
  const [official2, official3, community] = families
  t.equal(nearestExecutor('CeleryKubernetesExecutor', official3), 'CeleryExecutor,KubernetesExecutor')
  t.equal(nearestExecutor('CeleryExecutor,KubernetesExecutor', official2), 'CeleryKubernetesExecutor')
  t.equal(nearestExecutor('LocalExecutor', community), 'KubernetesExecutor')
  t.end()
})

void t.test('what serves the page is known by its container and by its component', (t) => {
  for (const name of ['webserver', 'api-server', 'web', 'airflow-web']) t.ok(servesWeb(name), name)
  for (const name of ['scheduler', 'airflow-scheduler', 'website']) t.notOk(servesWeb(name), name)
  t.end()
})
