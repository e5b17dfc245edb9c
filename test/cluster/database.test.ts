/** The reference's own failure: the database's claim cannot be bound, and Helm alone would only say "timed out". */
import t from 'tap'
import { apply, get, kubectl, kubectlMaybe, recordsOf } from './cluster.ts'
import { audit } from './people.ts'
import { exits, says, site } from './site.ts'

const mark = 'storageclass.kubernetes.io/is-default-class'
const claim = 'PersistentVolumeClaim database/data-airflow-postgresql-0'

function storageClass(name: string, provisioner: string): object {
  return { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner, volumeBindingMode: 'WaitForFirstConsumer', reclaimPolicy: 'Delete' }
}

void t.test('no usable StorageClass for the database', async t => {
  const it = await site(t, 'database', { airflow: { values: { postgresql: { primary: { persistence: { storageClass: 'not-there' } } } } } })
  t.teardown(() => kubectlMaybe(['delete', 'storageclass', 'not-there', '--ignore-not-found']))
  const failed = await it.airstrip(['apply'])

  await t.test('ends with claim, reason, unready objects and events', async t => {
    exits(t, failed, 1)
    t.ok((it.state().steps.helm?.ms ?? Infinity) < 60_000, `step helm took ${it.state().steps.helm?.ms ?? 0} ms`)
    says(t, failed.stderr, '[pvc-no-usable-storageclass]', claim, 'not-there')
    says(t, failed.stderr, 'StatefulSet database/airflow-postgresql:', 'Deployment database/airflow-scheduler:', 'Job database/airflow-run-airflow-migrations:')
    // No log lines: what waits for the database has not said anything yet. Those are for the migration that crashes.
    says(t, failed.stderr, 'event: ', 'storageclass.storage.k8s.io "not-there" not found')
    t.match(it.state().steps.helm, { status: 'failed', error: { findings: [{ id: 'pvc-no-usable-storageclass' }] } })
    t.same((await recordsOf('database')).filter(status => status.startsWith('pending-')), [])
  })

  await t.test('with the cause mended a plain rerun finishes', async t => {
    await apply(storageClass('not-there', 'rancher.io/local-path'))
    const mended = await it.airstrip([])
    exits(t, mended, 0)
    says(t, mended.stderr, 'resuming at helm')
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
  })

  await t.test('--from helm without a default class is refused, and names the provisioner', async t => {
    await kubectl(['annotate', 'storageclass', 'local-path', `${mark}-`])
    const log = audit(it)
    const refused = await it.airstrip(['apply', '--from', 'helm'])
    exits(t, refused, 64)
    says(t, refused.stderr, '[SELECTION]', 'provisioner')
    t.same(log.writes(), [], 'nothing is written')
    exits(t, await it.airstrip(['apply']), 0)
    t.equal((await get('storageclass', 'local-path'))?.metadata.annotations?.[mark], 'true')
  })
})

void t.test('a default class whose provisioner is not there', async t => {
  // What a person has who deleted the provisioner and kept the class: nobody says no, and nothing comes.
  const it = await site(t, 'absent', { airflow: { values: { postgresql: { primary: { persistence: { storageClass: 'nobodys' } } } } } })
  t.teardown(() => kubectlMaybe(['delete', 'storageclass', 'nobodys', '--ignore-not-found']))
  await apply(storageClass('nobodys', 'example.org/nobody'))
  const run = await it.airstrip(['apply', '--timeout', '45s'])
  t.ok([1, 70].includes(run.code), `ended with ${run.code}`, { said: run.stderr })
  t.ok(run.ms < 120_000, `--timeout 45s ended it after ${run.ms} ms`)
  says(t, run.stderr, 'data-airflow-postgresql-0', 'example.org/nobody', 'event: ')
  exits(t, await it.airstrip(['status']), 0)
})
