/** What `helm uninstall` leaves: with --keep-history a record that says so, and one that says `uninstalling` where it was cut off. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { deployment, inManifest, release, statefulSet } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'
import { answers, site, unrouted } from './way.ts'

const made = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const left = (status: string, updatedAt: string, parts: Partial<Evidence> = {}) =>
  diagnose(evidence({ workloads: [], autoscalers: [], record: release({ objects: made.map(inManifest), status, updatedAt, revision: 3 }), ...parts }))

void t.test('a record that is kept of a release that is gone is no release', (t) => {
  for (const updatedAt of [long, '2023-08-02T10:25:00Z']) {
    const { healthy, findings } = left('uninstalled', updatedAt)
    t.notOk(healthy)
    t.match(findings, [{ id: 'release-not-installed', severity: 'error', evidence: ['Helm\'s record of it, revision 3, says uninstalled', 'none of its workloads is there'], fix: [/^helm uninstall airflow -n airflow && npx tsx run\.ts apply #/] }])
    t.equal(findings.length, 1)
  }
  const record = release({ objects: made.map(inManifest), status: 'uninstalled', updatedAt: long })
  const state = { path: 'state.json', doneAt: { ingress: '2023-08-02T09:30:00Z' } }
  t.same(diagnose(site({ record, state, workloads: [], pods: [], services: [], endpoints: [], answered: answers(unrouted) })).findings.filter(({ severity, causes = [] }) => severity === 'error' && causes.length === 0).map(({ id }) => id), ['release-not-installed'], 'and Traefik leads nowhere for it')
  t.end()
})

void t.test('an uninstall that was cut off is taken over, and never gone on with', (t) => {
  t.match(left('uninstalling', '2023-08-02T10:25:00Z').findings, [{ id: 'release-not-installed', evidence: ['Helm\'s record of it, revision 3, says uninstalling since 2023-08-02T10:25:00Z', /./], fix: [/^npx tsx run\.ts apply # from 2023-08-02T10:41:00\.000Z on/] }])
  t.match(left('uninstalling', long).findings, [{ id: 'release-not-installed', fix: ['npx tsx run.ts apply # takes the record over, and makes again what is gone'] }])
  const operation = (alive: boolean) => ({ operation: { holderIdentity: 'home/12/34', leaseDurationSeconds: 300, alive } })
  t.same(left('uninstalling', '2023-08-02T10:29:00Z', operation(true)).findings, [], 'destroy is at work')
  t.match(left('uninstalling', '2023-08-02T10:29:00Z', operation(false)).findings, [{ fix: [/^npx tsx run\.ts apply # takes/] }])
  t.end()
})

void t.test('where anything of it runs, or nobody could look, it is no release that is gone', (t) => {
  t.match(left('uninstalling', long, { workloads: made }).findings, [{ id: 'helm-pending-lock', severity: 'error', fix: [/^npx tsx run\.ts apply --from helm/] }])
  t.same(left('uninstalling', '2023-08-02T10:29:30Z', { workloads: made }).findings.map(({ id }) => id), [])
  t.same(left('uninstalled', long, { unknown: ['deployments.apps in airflow could not be read: no', 'statefulsets.apps in airflow could not be read: no'] }).findings, [])
  t.end()
})

void t.test('a release whose record alone is gone is no release that was never there', (t) => {
  const marked = (name: string) => made.map((object) => ({ ...object, metadata: { ...object.metadata, annotations: { 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': 'airflow' } } }))
  const without = (parts: Partial<Evidence>) => diagnose(evidence({ record: undefined, ...parts })).findings.filter(({ id }) => id === 'release-not-installed')
  t.match(without({ workloads: marked('airflow') }), [{
    severity: 'error', title: 'Helm\'s record of release airflow/airflow is gone, and what it made is there', evidence: [/^there is no record of it/, /^made by it, as their annotations say: StatefulSet airflow\/airflow-postgresql, Deployment airflow\/airflow-scheduler$/],
    why: /sh\.helm\.release\.v1\.airflow/, fix: [/^kubectl -n airflow create -f FILE #/, /^npx tsx run\.ts apply #/],
  }])
  t.match(without({ workloads: marked('other') }), [{ title: 'Helm release airflow/airflow is not installed' }], 'of another release')
  const going = marked('airflow').map((object) => ({ ...object, metadata: { ...object.metadata, deletionTimestamp: '2023-08-02T10:29:58Z' } }))
  t.match(without({ workloads: going }), [{ title: 'Helm release airflow/airflow is not installed' }], 'what an uninstall takes away')
  t.end()
})
