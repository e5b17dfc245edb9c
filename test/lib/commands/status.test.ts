import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { runCommandLine } from '../../../lib/commands/cli.ts'
import { stateText, type State } from '../../../lib/engine/state.ts'
import { statusSchema, type Status } from '../../../lib/report/status.ts'
import { fakeApi } from '../../fakes/api.ts'
import { fakeDeps, tools, type World } from '../../fakes/deps.ts'
import { real } from '../engine/recorded.ts'

const schema = JSON.parse(fs.readFileSync(new URL('../../../lib/report/status.schema.json', import.meta.url), 'utf8')) as object
const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)

type Cluster = Pick<World, 'script' | 'ask'>

const view = { when: /^kubectl config view/, answers: { stdout: 'https://home.invalid:6443' } }
const unreachable: Cluster = { script: [view, ...tools], ask: () => Promise.resolve({ status: 500, text: 'dial tcp: lookup home.invalid: no such host\n' }) }

const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'home', labels: { 'kubernetes.io/hostname': 'home' } }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }

/** A cluster that has its kube-system and a node, and nothing else. */
function empty(uid: string): Cluster {
  const system = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid } }
  return { script: [view, ...tools, { when: /^helm/, answers: { exitCode: 1, stderr: 'Error: no charts in a test' } }], ask: fakeApi({ objects: [system, node] }).ask }
}

interface Place {
  testdir: (content: Record<string, string>) => string
}

async function look(t: Place, cluster: Cluster, files: Record<string, string>, flags: string[] = []) {
  const folder = t.testdir(files)
  const { deps, out, err } = fakeDeps({ folder, ...cluster })
  const code = await runCommandLine(['status', '--state', join(folder, 'state.json'), ...flags], deps)
  return { code, out: out.join('\n'), err: err.join('\n'), folder }
}

async function asJson(t: Place, cluster: Cluster, files: Record<string, string>): Promise<{ code: number; status: Status; folder: string }> {
  const { code, out, folder } = await look(t, cluster, files, ['--json'])
  const value: unknown = JSON.parse(out)
  if (!validate(value)) throw new Error(JSON.stringify(validate.errors))
  return { code, status: statusSchema.strict().parse(value), folder }
}

const written = (state: State): string => stateText(state, (text) => text)
const ours = real.cluster ?? ''
const line = (id: string, more: object): string => `${JSON.stringify({ id, command: 'airstrip apply', holder: 'home/42/1', startedAt: '2023-08-02T10:30:00.000Z', endedAt: '2023-08-02T10:31:00.000Z', result: 'done', exitCode: 0, changed: 7, steps: {}, ...more })}\n`

void t.test('where no cluster answers, the record is shown, and that it could not be compared is a failure', async (t) => {
  const { code, out, err } = await look(t, unreachable, { 'state.json': written(real), 'history.ndjson': line('a', {}) })
  t.equal(code, 1)
  t.match(out, /last run +failed +2023-08-02 10:20Z, airstrip apply --from storage/)
  t.match(out, /helm +failed +12 s, 3 tries +now: unknown: the cluster cannot be reached\n +FAILED: helm cannot become ready/)
  t.match(out, /2023-08-02 10:30Z +done +7 changed +airstrip apply/)
  t.match(err, /https:\/\/home\.invalid:6443[^]*\[CLUSTER_UNREACHABLE\]/)
  t.equal(err.split('CLUSTER_UNREACHABLE').length, 2, 'told once')
  const { status } = await asJson(t, unreachable, { 'state.json': written(real) })
  t.match(status, { cluster: { reachable: false, recorded: ours, foreign: false }, state: { condition: 'ok' }, problems: [{ code: 'CLUSTER_UNREACHABLE' }] })
  t.ok(status.steps.every(({ verdict }) => verdict === 'unknown'))
})

void t.test('what differs is told object by object, each with why', async (t) => {
  const { status } = await asJson(t, empty(ours), { 'state.json': written(real) })
  const storage = status.steps.find(({ step }) => step === 'storage')
  t.match(storage, { status: 'started', tries: 2, verdict: 'differs' })
  t.ok((storage?.differs.length ?? 0) > 3, 'all of it, not the first three')
  for (const { op, object, why } of storage?.differs ?? []) t.ok(op === 'create' && object.length > 5 && why.length > 5, object)
  t.match(status.cluster, { reachable: true, id: ours, foreign: false })
  const { out } = await look(t, empty(ours), { 'state.json': written(real) })
  t.match(out, /storage +started .*now: differs \(\d+ to change\)\n/)
  t.match(out, /now: create +PersistentVolumeClaim \S+ \(.+\)/)
})

void t.test('a record of another cluster is said to tell nothing about this one', async (t) => {
  const { code, status } = await asJson(t, empty('another'), { 'state.json': written(real) })
  t.equal(code, 1)
  t.match(status.cluster, { reachable: true, id: 'another', recorded: ours, foreign: true })
  t.match(status.problems.filter(({ code: one }) => one === 'STATE_FOREIGN'), [{ sentence: /belongs to another cluster/ }])
  t.match((await look(t, empty('another'), { 'state.json': written(real) })).err, '[STATE_FOREIGN]')
})

void t.test('a file that is damaged, newer or no file is told, stays as it is, and the cluster is looked at all the same', async (t) => {
  const table = [['{"version":1,', 'damaged', 'STATE_DAMAGED'], ['', 'damaged', 'STATE_DAMAGED'], ['{"version":9}', 'newer', 'STATE_NEWER']] as const
  for (const [text, condition, problem] of table) {
    const { code, status, folder } = await asJson(t, empty(ours), { 'state.json': text })
    t.equal(code, 1)
    t.match(status, { state: { condition }, cluster: { reachable: true } })
    t.ok(status.problems.some(({ code: one }) => one === problem), problem)
    t.equal(fs.readFileSync(join(folder, 'state.json'), 'utf8'), text)
    t.same(fs.readdirSync(folder).filter((name) => name !== 'cache'), ['state.json'])
    t.match(status.steps.find(({ step }) => step === 'storage'), { status: 'pending', verdict: 'differs' })
  }
  const folder = t.testdir({ 'state.json': {} })
  const { deps, out, err } = fakeDeps({ folder, ...empty(ours) })
  t.equal(await runCommandLine(['status', '--state', join(folder, 'state.json')], deps), 1)
  t.match(err.join('\n'), /is a folder[^]*\[STATE_UNUSABLE\]/)
  t.match(out.join('\n'), /storage +pending/)
})

void t.test('before the first run there is nothing to say of the record', async (t) => {
  const { status, folder } = await asJson(t, empty(ours), {})
  t.match(status, { state: { condition: 'none' }, runs: [] })
  t.equal(status.run, undefined)
  t.same(fs.readdirSync(folder).filter((name) => name !== 'cache'), [])
})

void t.test('the last five runs are there, the newest first, whatever lies between them', async (t) => {
  const lines = [1, 2, 3, 4, 5, 6].map((number) => line(`run ${number}`, { changed: number }))
  const { status } = await asJson(t, empty(ours), { 'history.ndjson': `${lines.slice(0, 3).join('')}{"half\n${lines.slice(3).join('')}` })
  t.same(status.runs.map(({ id }) => id), ['run 6', 'run 5', 'run 4', 'run 3', 'run 2'])
  const { out } = await look(t, unreachable, { 'history.ndjson': line('a', { result: 'killed', changed: undefined }) + line('b', { result: 'failed', exitCode: 70, sentence: 'helm was not ready after 900 s' }) })
  t.match(out, /failed +7 changed +airstrip apply: helm was not ready after 900 s\n[^\n]*killed +unknown/)
})

void t.test('a run that never ended, and whose process is gone, was killed', async (t) => {
  const state = (holder: string): string => written({ ...real, run: { id: 'x', command: 'airstrip apply', holder, startedAt: real.updatedAt, result: 'running' } })
  t.match((await asJson(t, unreachable, { 'state.json': state(`${hostname()}/1/gone`) })).status.run, { result: 'killed' })
  t.match((await asJson(t, unreachable, { 'state.json': state('elsewhere/1/x') })).status.run, { result: 'running' })
})
