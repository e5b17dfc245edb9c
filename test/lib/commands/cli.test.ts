import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Ask } from '../../../lib/cluster/api.ts'
import { holderOf } from '../../../lib/cluster/machine.ts'
import { runCommandLine } from '../../../lib/commands/cli.ts'
import { commands } from '../../../lib/commands/records.ts'
import { steps } from '../../../steps/index.ts'
import { fakeApi } from '../../fakes/api.ts'
import { fakeDeps, tools, type World } from '../../fakes/deps.ts'

async function run(t: { testdir: (content?: Record<string, string>) => string }, words: string, world: Partial<World> = {}) {
  const folder = t.testdir({})
  const { deps, out, err, calls } = fakeDeps({ folder, ...world })
  const all = words.split(' ').filter((word) => word !== '')
  const stateful = all.some((word) => ['--help', '-h', 'help', '--version', '-V'].includes(word)) ? all : [...all, ...(all.length === 0 || all[0]?.startsWith('-') === true || commands.some(({ name }) => name === all[0]) ? ['--state', join(folder, 'state.json')] : [])]
  return { code: await runCommandLine(stateful, deps), out: out.join('\n'), err: err.join('\n'), calls, folder }
}

void t.test('help lists every command, every step, and the exit codes', async (t) => {
  const { code, out } = await run(t, '--help')
  t.equal(code, 0)
  for (const { name, about } of commands) t.ok(out.includes(name) && out.replace(/\s+/g, ' ').includes(about), name)
  for (const { number, name, about } of steps) t.ok(out.includes(`0${number} ${name}`) && out.includes(about), name)
  t.match(out, /64 usage or configuration/)
})

void t.test('the help of a command lists every flag of it', async (t) => {
  for (const { name, options } of commands) {
    const { code, out } = await run(t, `${name} --help`)
    t.equal(code, 0)
    for (const { flags } of options) t.ok(out.includes(flags), `${name} ${flags}`)
  }
})

void t.test('--version is that of the package, asks nothing, and is data', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
  for (const word of ['--version', '-V']) t.match(await run(t, word), { code: 0, out: version, err: '', calls: [] })
})

void t.test('an unknown command is named, with what was likely meant', async (t) => {
  const { code, err, calls } = await run(t, 'stauts')
  t.equal(code, 64)
  t.match(err, /"stauts" is no command.*\[USAGE\]/)
  t.match(err, /next: .*airstrip status|did you mean status\?/)
  t.same(calls, [])
  t.match((await run(t, 'xyzzy')).err, /"xyzzy" is no command/)
  t.notMatch((await run(t, 'xyzzy')).err, /did you mean/, 'nothing is guessed from far away')
  t.match((await run(t, 'helm')).err, /--only helm/, 'a step is chosen, not called')
  t.equal((await run(t, 'status extra')).code, 64)
})

void t.test('an unknown flag is named, with what was likely meant', async (t) => {
  const { code, err, calls } = await run(t, 'status --quite')
  t.equal(code, 64)
  t.match(err, /unknown option '--quite'[\s\S]*--quiet/)
  t.same(calls, [])
})

void t.test('all unknown steps are named before anything is read or asked', async (t) => {
  const { code, err, calls } = await run(t, '--from storag --skip helmm,ingres', { files: {} })
  t.equal(code, 64)
  t.match(err, /"storag" is no step; did you mean storage\?[\s\S]*"helmm"[\s\S]*"ingres"/)
  t.same(calls, [])
})

void t.test('a duration that is none is told with an example', async (t) => {
  for (const text of ['soon', '0', '-5', '5d', '1.5h']) {
    const { code, err } = await run(t, `--timeout=${text}`)
    t.equal(code, 64, text)
    t.match(err, /not a duration|--timeout/, text)
  }
})

/** The others have tests of their own: what they do depends on their first word. */
const wordless = commands.filter((command) => command.arguments === undefined)

void t.test('a configuration with mistakes ends every command, and nothing is asked or written', async (t) => {
  for (const { name } of wordless) {
    const { code, err, calls, folder } = await run(t, name, { files: { 'airstrip.yaml': 'storage: {path: srv}\ningres: {}\n' } })
    t.equal(code, 64, name)
    t.match(err, /airstrip\.yaml:1:[\s\S]*airstrip\.yaml:2:1[\s\S]*\[CONFIG_INVALID\]|\[CONFIG_INVALID\][\s\S]*airstrip\.yaml:2:1/, name)
    t.same(calls, [])
    t.same(readdirSync(folder), [])
  }
})

void t.test('without a configuration it is shown what to write', async (t) => {
  const { code, err } = await run(t, '', { files: {} })
  t.equal(code, 64)
  t.match(err, /There is no file airstrip\.yaml.*\[CONFIG_MISSING\][\s\S]*certResolver/)
})

/** An answer that no patience changes, so that the test has none. */
const gone: Ask = () => Promise.resolve({ status: 500, text: 'dial tcp: lookup home.invalid: no such host\n' })
const view = { when: /^kubectl config view/, answers: { stdout: 'https://home.invalid:6443' } }

void t.test('a cluster that cannot be reached is named by address and kubeconfig, with the way to one', async (t) => {
  for (const { name } of wordless.filter((command) => !['doctor', 'charts'].includes(command.name))) {
    const { code, err } = await run(t, `${name} --kubeconfig /home/joe/.kube/config --context attic`, { script: [view, ...tools], ask: gone })
    t.equal(code, 1, name)
    t.match(err, 'https://home.invalid:6443', name)
    t.match(err, /kubeconfig \/home\/joe\/\.kube\/config, context attic/, name)
    t.match(err, 'npm run lab', name)
    t.match(err, '[CLUSTER_UNREACHABLE]', name)
  }
})

void t.test('to the doctor a cluster that cannot be reached is a finding like any other', async (t) => {
  const { code, out } = await run(t, 'doctor --kubeconfig /home/joe/.kube/config', { script: [view, ...tools], ask: gone })
  t.equal(code, 3)
  t.match(out, /home\.invalid .*\[cluster-unreachable-kubeconfig\]/)
})

void t.test('a run that reached nothing leaves no lock, and a state that says so', async (t) => {
  const { folder } = await run(t, 'apply', { script: [view, ...tools], ask: gone })
  t.same(readdirSync(folder).sort(), ['cache', 'history.ndjson', 'state.json'])
  t.match(JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')), { version: 1, run: { result: 'failed', holder: 'home/4242/1a2b-77' } })
})

void t.test('a missing tool is named', async (t) => {
  const { code, err } = await run(t, 'apply', { script: tools, ask: () => Promise.resolve({ exitCode: 127, text: 'sh: 1: exec: kubectl: not found' }) })
  t.equal(code, 1)
  t.match(err, /kubectl is not on the PATH.*\[TOOL_MISSING\]/)
})

void t.test('a second run exits 75 at once and names the first', async (t) => {
  const folder = t.testdir({})
  const { deps, err, calls } = fakeDeps({ folder })
  const first = { holder: holderOf(process.pid), since: '2023-08-02T10:00:00.000Z', command: 'airstrip apply --quiet' }
  writeFileSync(join(folder, 'state.json.lock'), JSON.stringify(first))
  t.equal(await runCommandLine(['apply', '--state', join(folder, 'state.json')], deps), 75)
  t.match(err.join('\n'), `pid ${process.pid} on ${hostname()} since 2023-08-02T10:00:00.000Z (airstrip apply --quiet)`)
  t.same(calls, [])
  t.ok(existsSync(join(folder, 'state.json.lock')), 'and the lock is still the first one\'s')
})

void t.test('a dry run tells every question as a person could type it', async (t) => {
  const { out } = await run(t, 'apply --dry-run --json --only prereq', { script: tools, ask: fakeApi().ask })
  const told = out.split('\n').map((line) => JSON.parse(line) as { type: string; tool?: string; args?: string[]; would?: boolean }).filter(({ type }) => type === 'command')
  t.ok(told.some(({ tool, args, would }) => tool === 'kubectl' && args?.join(' ') === 'get --raw /version' && would === false))
  t.ok(told.some(({ args }) => args?.join(' ') === 'create --raw /apis/authorization.k8s.io/v1/selfsubjectrulesreviews -f -'))
})

void t.test('an error says no secret that the run has read', async (t) => {
  const canary = 'canary-of-the-database'
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'airflow-airstrip-postgresql', namespace: 'airflow' }, data: { password: Buffer.from(canary).toString('base64') } }
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'home' }, status: { conditions: [{ type: 'Ready', status: 'False', message: `cannot log in with ${canary}` }] } }
  const { code, err, out, folder } = await run(t, 'apply --skip ingress', { script: tools, ask: fakeApi({ objects: [secret, node] }).ask })
  t.equal(code, 1)
  t.match(err, /node-not-ready/)
  t.notMatch(err + out, canary)
  t.notMatch(readFileSync(join(folder, 'state.json'), 'utf8') + readFileSync(join(folder, 'history.ndjson'), 'utf8'), canary)
})

void t.test('of what an engine could not read only that is said, for it quotes the text', async (t) => {
  for (const error of [new SyntaxError('Unexpected token in "canary"'), new RangeError('canary'), new URIError('canary')]) {
    const { deps, out, err } = fakeDeps({ folder: t.testdir({}) })
    t.equal(await runCommandLine(['status'], { ...deps, api: () => { throw error } }), 1)
    t.match(err.join('\n'), `(${error.name}). [INTERNAL]`)
    t.notMatch([...out, ...err].join('\n'), /canary/)
  }
})
