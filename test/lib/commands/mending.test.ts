import { join } from 'node:path'
import { readFileSync, writeFileSync, existsSync, mkdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseConfig } from '../../../lib/config/load.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { lookBehind } from '../../../lib/commands/examination.ts'
import { mendAll } from '../../../lib/commands/mending.ts'
import { patched } from '../../../lib/diff/patch.ts'
import { parseHistory } from '../../../lib/engine/history.ts'
import { AirstripError } from '../../../lib/errors.ts'
import type { Surgery } from '../../../lib/commands/mend-plan.ts'
import type { Event } from '../../../lib/engine/events.ts'
import type { KubernetesObject, Reader, Release, Writer } from '../../../lib/access.ts'
import { caught } from '../../fakes/caught.ts'
import { fakeDeps, smallest } from '../../fakes/deps.ts'
import { recordingWriter } from '../../fakes/writer.ts'
import { reader } from '../doctor/evidence.ts'
import { claim, inManifest, job, node, now, pod, release, statefulSet, storageClass, unplaced } from '../observe/objects.ts'

interface Operated extends Surgery {
  said: string[]
  events: Event[]
  acts: { verb: string; what: string[] }[]
  state: string
}

interface World {
  answers?: string[]
  record?: Release
  /** Somebody else, at the moment when the question is put. */
  meanwhile?: (objects: KubernetesObject[]) => void
}

/** A cluster that is a list of objects, and really changes where it is patched. */
function operated(t: Test, objects: KubernetesObject[], flags: Partial<Surgery['flags']> = {}, { answers, record, meanwhile }: World = {}): Operated {
  const folder = t.testdir({})
  const state = join(folder, 'state.json')
  const { deps, err } = fakeDeps({ folder })
  const events: Event[] = []
  const writes = recordingWriter()
  const same = (one: KubernetesObject, live: KubernetesObject): boolean => one.kind === live.kind && one.metadata.name === live.metadata.name
  const writer: Writer = {
    ...writes,
    patch: async (live, patch) => {
      await writes.patch(live, patch)
      objects.splice(objects.findIndex((one) => same(one, live)), 1, patched(live, patch))
    },
    remove: async (live) => {
      await writes.remove(live)
      objects.splice(objects.findIndex((one) => same(one, live)), 1)
    },
  }
  const key: KubernetesObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'airflow-airstrip-fernet-key', namespace: 'airflow' }, data: {} }
  const look = (): Reader => ({
    ...reader({ objects: [...objects, key], release: { ...(record ?? release({ objects: [] })), values: { fernetKeySecretName: 'airflow-airstrip-fernet-key' } } }).reader,
    resolve: () => Promise.resolve(['192.0.2.1']), folder: () => Promise.resolve(undefined), https: () => Promise.resolve({ status: 200, headers: {}, body: '{"metadatabase": {"status": "healthy"}}' }), now: () => now,
    permissions: () => Promise.reject(new Error('unscripted: permissions')),
  })
  const ask = answers === undefined ? undefined : () => {
    meanwhile?.(objects)
    return Promise.resolve(answers.shift() ?? '')
  }
  return {
    flags: { config: 'airstrip.yaml', state, color: false, ...flags }, deps: { ...deps, ask }, said: err, events, acts: writes.acts, state,
    session: { config: parseConfig(smallest, 'airstrip.yaml'), redactor: createRedactor(), file: { path: state, read: () => undefined, write: () => Promise.resolve(), moveAside: () => '' }, look, writer: () => writer, edition: () => '' },
    emit: (event) => {
      events.push(event)
    },
  }
}

const twoDefaults = (): KubernetesObject[] => [node(), storageClass('local-path', {}, true), storageClass('longhorn', {}, true)]
const ids = ({ diagnosis: { findings } }: Awaited<ReturnType<typeof mendAll>>): string[] => findings.map(({ id }) => id)
const historyOf = ({ state }: Operated): ReturnType<typeof parseHistory> => {
  const path = join(state, '..', 'history.ndjson')
  return existsSync(path) ? parseHistory(readFileSync(path, 'utf8')) : []
}

void t.test('what can be mended is shown, made, looked at again and written down', async (t) => {
  const all = operated(t, twoDefaults(), { yes: true })
  t.same(ids(await mendAll(all)), [])
  t.match(all.acts, [{ verb: 'patch', what: ['StorageClass longhorn', /^test /, /^replace /] }])
  t.match(all.said.join('\n'), /two-default-storageclasses[^]*to be mended: two-default-storageclasses/)
  t.match(all.events, [{ type: 'plan', counts: { patch: 1 } }, { type: 'change', op: 'patch', object: 'StorageClass longhorn', step: 'provisioner' }])
  t.match(historyOf(all), [{ command: 'airstrip apply', result: 'done', changed: 1, exitCode: 0, steps: {} }])
  t.notOk(existsSync(`${all.state}.lock`), 'the lock is given back')
})

void t.test('with nobody to ask and no --yes nothing is done, and it is said what would have been', async (t) => {
  for (const [flags, world] of [[{}, {}], [{ json: true }, { answers: ['y'] }]] satisfies [object, World][]) {
    const all = operated(t, twoDefaults(), flags, world)
    t.match(await caught(mendAll(all)), { code: 'CONSENT', exitCode: 1, seen: [/^provisioner: patch StorageClass longhorn/], next: /--yes/ })
    t.same([all.acts, historyOf(all)], [[], []])
    t.notOk(existsSync(`${all.state}.lock`))
  }
})

void t.test('a person is asked, sees the lines on demand, and No is the answer until somebody says Yes', async (t) => {
  const no = operated(t, twoDefaults(), {}, { answers: ['d', 'n'] })
  t.match(await caught(mendAll(no)), { code: 'CONSENT', message: /did not agree/, next: 'Run again when you do.' })
  t.same(no.acts, [])
  t.match(no.said.join('\n'), /patch +StorageClass longhorn[^]*-.*is-default-class: "true"\n\+.*is-default-class: "false"/)
  const yes = operated(t, twoDefaults(), {}, { answers: ['y'] })
  t.same(ids(await mendAll(yes)), [])
  t.equal(yes.acts.length, 1)
})

void t.test('where the cluster moved while a person thought, nothing is made of it', async (t) => {
  const other = operated(t, twoDefaults(), {}, { answers: ['y'], meanwhile: (objects) => {
    objects.splice(2, 1, { ...storageClass('longhorn', {}, true), metadata: { ...storageClass('longhorn', {}, true).metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true', 'storageclass.beta.kubernetes.io/is-default-class': 'true' } } })
  } })
  t.match(await caught(mendAll(other)), { code: 'MOVED', seen: ['StorageClass longhorn'] })
  t.same(other.acts, [])
  const mended = operated(t, twoDefaults(), {}, { answers: ['y'], meanwhile: (objects) => {
    objects.splice(2, 1, storageClass('longhorn'))
  } })
  t.same(ids(await mendAll(mended)), [])
  t.same(mended.acts, [], 'what mended itself is left alone')
})

void t.test('of what it cannot mend it says so, and asks nobody', async (t) => {
  const all = operated(t, [node({ conditions: [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting node status.' }] })], {}, { answers: ['y'] })
  t.same(ids(await mendAll(all)), ['node-not-ready'])
  t.match(all.said, [/^--fix can mend nothing of what was found/])
  t.same(all.acts, [])
  const well = operated(t, [node()], { yes: true })
  t.same([ids(await mendAll(well)), well.said], [[], []], 'and of health nothing')
})

void t.test('what one mend uncovers is mended in its turn: a class first, then the claim that is older', async (t) => {
  const set = { ...statefulSet('airflow-postgresql', 0), spec: { replicas: 1, volumeClaimTemplates: [{ metadata: { name: 'data' } }] } }
  const waiting = pod({
    name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {},
    spec: { nodeName: undefined, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] }, status: unplaced('unbound'),
  })
  const all = operated(t, [node(), storageClass('local-path'), set, waiting, claim()], { yes: true }, { record: release({ objects: [inManifest(set)] }) })
  await mendAll({ ...all, session: { ...all.session, look: () => ({ ...all.session.look(), versions: () => Promise.resolve({ server: 'v1.20.2', kubectl: 'v1.20.2', helm: 'v3.9.4' }) }) } })
  t.same(all.acts.map(({ verb, what: [what] }) => `${verb} ${what}`), ['patch StorageClass local-path', 'remove PersistentVolumeClaim data-airflow-postgresql-0', 'remove Pod airflow-postgresql-0'])
})

void t.test('what does not help is not tried again, and there is an end to the waiting', async (t) => {
  const stubborn = operated(t, twoDefaults(), { yes: true })
  const { session } = stubborn
  const writes = recordingWriter()
  const started = stubborn.deps.clock.now().getTime()
  t.same(ids(await mendAll({ ...stubborn, session: { ...session, writer: () => writes } })), ['two-default-storageclasses'])
  t.equal(writes.acts.length, 1)
  t.ok(stubborn.deps.clock.now().getTime() - started < 70_000)
})

void t.test('another run keeps its turn', async (t) => {
  const all = operated(t, twoDefaults(), { yes: true })
  mkdirSync(join(all.state, '..'), { recursive: true })
  writeFileSync(`${all.state}.lock`, JSON.stringify({ holder: `elsewhere/1/x`, since: '2023-08-02T10:00:00Z', command: 'airstrip apply' }))
  t.match(await caught(mendAll(all)), { code: 'LOCKED', exitCode: 75 })
  t.same(all.acts, [])
  t.ok(existsSync(`${all.state}.lock`))
})

void t.test('what lies behind a step\'s error is told with what the step found itself', async (t) => {
  const { session } = operated(t, [...twoDefaults(), node({ conditions: [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting node status.' }] }, 'second')])
  const own = { id: 'image-not-found', severity: 'error' as const, title: 'no such image', evidence: ['Pod airflow/a'], why: 'it is not there', fix: ['correct it'] as [string] }
  const { findings } = await lookBehind(new AirstripError('FAILED', 'helm cannot become ready', { findings: [own], seen: ['a'] }), session, now, () => [])
  t.same(findings.map(({ id, severity }) => `${id} ${severity}`), ['image-not-found error', 'node-not-ready warning', 'two-default-storageclasses warning'])
})

void t.test('what a run has seen of a Job is written down without what is secret', async (t) => {
  const secret = 'canary-4711-password'
  const { session } = operated(t, [job({})])
  session.redactor.add(secret)
  const migrating = pod({ name: 'airflow-run-airflow-migrations-x2x4z', owner: { kind: 'Job', name: job({}).metadata.name } })
  const logs = [{ namespace: 'airflow', pod: migrating.metadata.name, container: 'run-airflow-migrations', previous: false, lines: [`key ${secret}`, 'postgresql://postgres:unknown1@airflow-postgresql:5432'] }]
  const { witnessed } = await lookBehind(new AirstripError('FAILED', 'helm cannot become ready'), session, now, () => [{ pod: migrating, logs, at: '2023-08-02T10:00:00Z' }])
  t.match(witnessed, [{ at: now.toISOString(), job: { metadata: { name: 'airflow-run-airflow-migrations' } }, logs: [{ lines: ['key ••••••', 'postgresql://postgres:••••••@airflow-postgresql:5432'] }] }])
})

void t.test('the name of an object stays in what a step found, though a Secret holds it too', async (t) => {
  const { session } = operated(t, [pod({ name: 'pg-rw-2' })])
  for (const secret of ['pg-rw-2', 'canary-4711-password']) session.redactor.add(secret)
  const own = { id: 'not-ready-unexplained', severity: 'error' as const, title: 'Pod pg-rw-2 is not ready', evidence: ['it said canary-4711-password'], why: 'x', fix: ['y'] as [string] }
  const { findings } = await lookBehind(new AirstripError('FAILED', 'helm cannot become ready', { findings: [own] }), session, now, () => [])
  t.match(findings.find(({ title }) => title.startsWith('Pod')), { title: 'Pod pg-rw-2 is not ready', evidence: ['it said ••••••'] })
})
