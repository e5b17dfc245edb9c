import t from 'tap'
import { describe, makeChanges, nameOf, objectChanges, objectsOf } from '../../lib/changes.ts'
import { blockedBy, checked } from '../../lib/check.ts'
import type { KubernetesObject, NonEmpty, Release, ReleaseWish } from '../../lib/access.ts'
import type { Change, Finding } from '../../lib/step.ts'
import { AirstripError } from '../../lib/errors.ts'
import { caught } from '../fakes/caught.ts'
import { recordingWriter } from '../fakes/writer.ts'

const map = (name: string, value = '1'): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'airflow' }, data: { value } })
const wish: ReleaseWish = { name: 'flow', namespace: 'airflow', chart: { reference: 'x', version: '1' }, values: {}, timeoutSeconds: 1 }
const why = 'because'

/** One of every kind. */
const every: { [Op in Change['op']]: Extract<Change, { op: Op }> } = {
  create: { op: 'create', want: map('created'), why },
  update: { op: 'update', want: map('updated'), live: map('updated', '2'), found: [], why },
  replace: { op: 'replace', want: map('replaced'), live: map('replaced', '2'), why },
  delete: { op: 'delete', live: map('deleted'), why },
  patch: { op: 'patch', live: map('patched'), patch: [{ op: 'remove', path: '/data' }], why },
  generate: { op: 'generate', refs: [{ apiVersion: 'v1', kind: 'Secret', name: 'generated', namespace: 'airflow' }], why, make: (random) => [{ ...map('generated'), kind: 'Secret', stringData: { bytes: random(2).toString('hex') } }] },
  release: { op: 'release', want: wish, sameWish: false, why },
  backup: { op: 'backup', wish: { place: { namespace: 'airflow', release: 'flow', database: 'metadata', pod: 'flow-postgresql-0', container: 'postgresql' }, airflow: '2.6.2', chart: 'airflow 1.10.0', why }, why },
  unlock: { op: 'unlock', release: { name: 'flow', namespace: 'airflow' }, live: {} as Release, why },
  uninstall: { op: 'uninstall', live: { name: 'flow', namespace: 'airflow' } as Release, why },
}

void t.test('every kind of change names its objects', (t) => {
  t.same(Object.values(every).flatMap(objectsOf), [
    'ConfigMap airflow/created', 'ConfigMap airflow/updated', 'ConfigMap airflow/replaced', 'ConfigMap airflow/deleted', 'ConfigMap airflow/patched',
    'Secret airflow/generated', 'Helm release airflow/flow', 'Database airflow/metadata', 'Helm release airflow/flow', 'Helm release airflow/flow',
  ])
  t.equal(nameOf({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'airflow' } }), 'Namespace airflow')
  t.end()
})

void t.test('every kind of change is made by its own act', async (t) => {
  for (const [op, acts] of Object.entries({ create: 'apply', update: 'apply', replace: 'remove,apply', delete: 'remove', patch: 'patch', generate: 'create', release: 'upgrade', backup: 'dump', unlock: 'unlock', uninstall: 'uninstall' })) {
    const writer = recordingWriter()
    await makeChanges([every[op as Change['op']]], writer)
    t.equal(writer.acts.map(({ verb }) => verb).join(), acts, op)
  }
})

void t.test('changes are made in their order, and neighbours that are applied go in one call', async (t) => {
  const writer = recordingWriter()
  await makeChanges(Object.values(every) as NonEmpty<Change>, writer)
  t.same(writer.acts.map(({ verb, what }) => [verb, ...what].join(' ')), [
    'apply ConfigMap created ConfigMap updated', 'remove ConfigMap replaced', 'apply ConfigMap replaced', 'remove ConfigMap deleted', 'patch ConfigMap patched remove /data', 'create Secret generated', 'upgrade flow', 'dump metadata', 'unlock flow', 'uninstall flow',
  ])
})

void t.test('a change that fails is the last one', async (t) => {
  const writer = recordingWriter((verb) => (verb === 'remove' ? new Error('refused') : undefined))
  await t.rejects(makeChanges([every.create, every.delete, every.release], writer), { message: 'refused' })
  t.same(writer.acts.map(({ verb }) => verb), ['apply', 'remove'])
})

void t.test('what is missing is created, what differs updated, what is as wanted left alone', (t) => {
  const changes = objectChanges([map('a'), map('b'), map('c')], [undefined, map('b', '2'), map('c')])
  t.match(changes, [{ op: 'create', why: 'it is not there' }, { op: 'update', why: 'data.value differs' }])
  t.equal(changes.length, 2)
  t.end()
})

void t.test('a reason names fields and never their values', (t) => {
  const found = ['a', 'b', 'c', 'd', 'e'].map((path) => ({ path, names: [path], at: [path], want: 'canary', live: 'canary' }))
  t.equal(describe(found), 'a, b, c and 2 more differ')
  t.equal(describe(found.slice(0, 1)), 'a differs')
  t.end()
})

void t.test('a check is satisfied without changes, and blocked by errors alone', (t) => {
  const one = (severity: Finding['severity']): Finding => ({ id: severity, severity, title: '', evidence: [], why: '', fix: [''] })
  t.match(checked([], ['seen'], [one('warning')]), { state: 'satisfied', evidence: ['seen'], warnings: [{ id: 'warning' }] })
  t.match(checked([every.create], ['seen']), { state: 'drifted', changes: [{ op: 'create' }], warnings: [] })
  t.match(blockedBy([one('warning')]), { blocked: undefined, warnings: [{}] })
  t.match(blockedBy([one('warning'), one('error')]), { blocked: { state: 'blocked', findings: [{ id: 'error' }], warnings: [{ id: 'warning' }] } })
  t.end()
})

void t.test('where the dump fails nothing comes after it, and that says how to go on', async (t) => {
  const writer = recordingWriter((verb) => (verb === 'dump' ? new AirstripError('BACKUP_FAILED', 'The disk is full.', { next: 'Make room.' }) : undefined))
  const error = await caught(makeChanges([every.backup, every.release], writer))
  t.match(error, { code: 'BACKUP_FAILED', message: 'The upgrade was not begun: The disk is full.', next: 'Make room. To go on without a dump: apply --dangerous-skip-backup.' })
  t.same(writer.acts.map(({ verb }) => verb), ['dump'])
})
