import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { thisHost } from '../../../lib/adapters/host.ts'
import { chartMark, operationLease } from '../../../lib/airflow/operation.ts'
import { runDestroy } from '../../../lib/commands/destroy.ts'
import type { Flags } from '../../../lib/commands/deps.ts'
import { parseHistory } from '../../../lib/engine/history.ts'
import { parseState } from '../../../lib/engine/state.ts'
import type { KubernetesObject, PolicyRule } from '../../../lib/access.ts'
import { fakeApi } from '../../fakes/api.ts'
import { caught } from '../../fakes/caught.ts'
import { fakeDeps, smallest } from '../../fakes/deps.ts'

const ours = { 'app.kubernetes.io/managed-by': 'airstrip' }
const secret: KubernetesObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'airflow-airstrip-fernet-key', namespace: 'airflow', uid: 's', labels: ours }, data: { 'fernet-key': Buffer.from('canary-of-fernet').toString('base64') } }

/** As Helm keeps it. */
function recordSecret(description: string): KubernetesObject {
  const record = { name: 'airflow', namespace: 'airflow', version: 1, info: { status: 'deployed', description }, chart: { metadata: { name: 'airflow', version: '1.10.0' } }, manifest: '' }
  const labels = { owner: 'helm', name: 'airflow', status: 'deployed', version: '1' }
  return { apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1', metadata: { name: 'sh.helm.release.v1.airflow.v1', namespace: 'airflow', uid: 'r', labels }, data: { release: Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64') } }
}

/** A cluster with a release of ours, where what is deleted is gone at once. */
function world(t: Test, flags: Partial<Flags> = {}, answers?: string[], rules?: PolicyRule[]) {
  const folder = t.testdir({})
  const objects = [recordSecret(chartMark('f00d'.repeat(16), 'home/1/x')), secret, operationLease({ name: 'airflow', namespace: 'airflow' }, '', 1, new Date())]
  const take = (kind: string, name?: string): void => {
    for (const one of objects.filter((object) => object.kind === kind && (name === undefined || object.metadata.name === name))) objects.splice(objects.indexOf(one), 1)
  }
  const { deps, out, err, calls } = fakeDeps({
    folder, files: { 'airstrip.yaml': smallest }, ask: fakeApi({ objects, ...(rules === undefined ? {} : { rules }) }).ask,
    script: [
      { when: /^kubectl apply --server-side/, answers: {} },
      { when: /^helm uninstall airflow -n airflow/, answers: () => {
        take('Secret', 'sh.helm.release.v1.airflow.v1')
        return {}
      } },
      { when: /^kubectl delete -f - --ignore-not-found --wait=false/, answers: ({ stdin = '' }) => {
        const { kind, metadata } = JSON.parse(stdin) as KubernetesObject
        take(kind, metadata.name)
        return {}
      } },
    ],
  })
  const state = join(folder, 'state.json')
  const asked: string[] = []
  const ask = answers === undefined ? undefined : (question: string) => {
    asked.push(question)
    return Promise.resolve(answers.shift() ?? '')
  }
  const all: Flags = { config: 'airstrip.yaml', state, color: false, skip: ['provisioner'], ...flags }
  return { run: () => runDestroy(all, { ...deps, ask, commandLine: 'airstrip destroy' }, thisHost({ PATH: '', HOME: folder }, folder)), out, err, calls, objects, asked, state }
}
const wrote = (calls: { tool: string; args: string[] }[]): string[] => calls.filter(({ args }) => args.includes('delete') || args.includes('uninstall')).map(({ tool, args }) => `${tool} ${args.includes('delete') ? 'delete' : 'uninstall'}`)

void t.test('--yes takes the release down, keeps the keys, and writes it down', async (t) => {
  const all = world(t, { yes: true })
  t.equal(await all.run(), 0)
  t.same(wrote(all.calls), ['helm uninstall', 'kubectl delete'])
  t.same(all.objects, [secret])
  const said = all.err.join('\n')
  t.match(said, /uninstall Helm release airflow\/airflow[^]*stays +Secret airflow\/airflow-airstrip-fernet-key[^]*never deletes a folder/)
  t.notMatch(said, /canary/)
  t.match(parseState(readFileSync(all.state, 'utf8'), all.state)?.steps, { helm: { status: 'pending' }, prereq: { status: 'pending' } })
  t.match(parseHistory(readFileSync(join(all.state, '..', 'history.ndjson'), 'utf8')), [{ command: 'airstrip destroy', result: 'done', changed: 2, exitCode: 0 }])
  t.notOk(existsSync(`${all.state}.lock`))
})

void t.test('who may not delete all of it is told so before anything goes, and in a rehearsal', async (t) => {
  const rules: PolicyRule[] = [{ verbs: ['get', 'list', 'create', 'patch'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['delete'], apiGroups: [''], resources: ['*'] }]
  for (const flags of [{ yes: true }, { dryRun: true }]) {
    const all = world(t, flags, undefined, rules)
    t.match(await caught(all.run()), { code: 'BLOCKED', seen: ['delete leases (coordination.k8s.io) in airflow'] })
    t.same(wrote(all.calls), [])
  }
})

void t.test('a second time there is nothing to do, and nobody is asked', async (t) => {
  const all = world(t, { yes: true })
  await all.run()
  all.calls.length = 0
  t.equal(await all.run(), 0)
  t.same(wrote(all.calls), [])
})

void t.test('with nobody to ask and no --yes nothing is touched', async (t) => {
  for (const [flags, answers] of [[{}, undefined], [{ json: true }, ['y']]] satisfies [Partial<Flags>, string[] | undefined][]) {
    const all = world(t, flags, answers)
    t.match(await caught(all.run()), { code: 'CONSENT', exitCode: 1, next: /--yes/ })
    t.same(wrote(all.calls), [])
  }
})

void t.test('a person is asked, and No is the answer until somebody says Yes', async (t) => {
  const no = world(t, {}, [''])
  t.match(await caught(no.run()), { code: 'CONSENT', message: /did not agree/ })
  t.same(wrote(no.calls), [])
  const yes = world(t, {}, ['y'])
  t.equal(await yes.run(), 0)
  t.same(yes.objects, [secret])
})

void t.test('for the data a person is asked twice, the second time for the name of the namespace', async (t) => {
  const wrong = world(t, { dangerousDeleteData: true }, ['y', 'yes'])
  t.match(await caught(wrong.run()), { code: 'CONSENT' })
  t.match(wrong.asked, [/Take these/, /name of the namespace/])
  t.same(wrote(wrong.calls), [])
  const right = world(t, { dangerousDeleteData: true }, ['y', 'airflow'])
  t.equal(await right.run(), 0)
  t.same(right.objects, [])
})

void t.test('--yes alone does not reach the data; its namespace written out does, and no other', async (t) => {
  const alone = world(t, { yes: true, dangerousDeleteData: true })
  t.match(await caught(alone.run()), { code: 'CONSENT', next: /--yes --dangerous-delete-data=airflow/ })
  t.same(wrote(alone.calls), [])
  const terminal = world(t, { yes: true, dangerousDeleteData: true }, ['airflow'])
  t.equal(await terminal.run(), 0)
  t.equal(terminal.asked.length, 1)
  const named = world(t, { yes: true, dangerousDeleteData: 'airflow' })
  t.equal(await named.run(), 0)
  t.same(named.objects, [])
  const other = world(t, { yes: true, dangerousDeleteData: 'production' })
  t.match(await caught(other.run()), { code: 'USAGE', exitCode: 64 })
  t.same(other.calls, [])
})

void t.test('a dry run tells the commands, and leaves neither lock nor state', async (t) => {
  const all = world(t, { dryRun: true, json: true })
  t.equal(await all.run(), 0)
  t.same(wrote(all.calls), [])
  const told = all.out.map((line) => JSON.parse(line) as { type: string; would?: boolean; tool?: string; object?: string })
  t.ok(told.some(({ type, would, tool }) => type === 'command' && would === true && tool === 'helm'))
  t.ok(told.some(({ type, object }) => type === 'stays' && object === 'Secret airflow/airflow-airstrip-fernet-key'))
  t.notOk(existsSync(all.state))
})
