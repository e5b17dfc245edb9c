import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { runCommandLine } from '../../../lib/commands/cli.ts'
import { lineSchema } from '../../../lib/engine/events.ts'
import { parseHistory } from '../../../lib/engine/history.ts'
import { parseState } from '../../../lib/engine/state.ts'
import type { Ask } from '../../../lib/cluster/api.ts'
import { fakeApi } from '../../fakes/api.ts'
import { fakeDeps, smallest, tools } from '../../fakes/deps.ts'

const root = new URL('../../../', import.meta.url)
const schema = JSON.parse(fs.readFileSync(new URL('lib/engine/events.schema.json', root), 'utf8')) as object
const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)

const canary = 'canary-of-the-database'
const forms = [canary, Buffer.from(canary).toString('base64')]
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'airflow-airstrip-postgresql', namespace: 'airflow' }, data: { password: forms[1] } }
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'home' }, status: { conditions: [{ type: 'Ready', status: 'False', message: `cannot log in with ${canary}` }] } }

/** A cluster that has a secret, and a node which tells it to everybody. */
const telltale = (): Ask => fakeApi({ objects: [secret, node] }).ask

function everythingIn(folder: string): Record<string, string> {
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(files.map(({ parentPath, name }) => [join(parentPath, name).slice(folder.length + 1), fs.readFileSync(join(parentPath, name), 'utf8')]))
}

void t.test('with --json every line on stdout is an event as documented, and the transcript says the same', async (t) => {
  const folder = t.testdir({})
  const { deps, out, err } = fakeDeps({ folder, script: tools, ask: telltale() })
  t.equal(await runCommandLine(['apply', '--json', '--skip', 'ingress', '--state', join(folder, 'state.json')], deps), 1)
  t.ok(out.length >= 3)
  for (const line of out) t.ok(validate(JSON.parse(line)), `${line}: ${JSON.stringify(validate.errors)}`)
  t.same(out.map((line) => lineSchema.parse(JSON.parse(line)).type), [...['run-started'], ...out.slice(1, -1).map((line) => lineSchema.parse(JSON.parse(line)).type), 'run-ended'])
  t.match(err.join('\n'), '[BLOCKED]', 'and why it ended is told to the person')
  const files = everythingIn(folder)
  const [run] = parseHistory(files['history.ndjson'] ?? '')
  t.match(run, { result: 'failed', exitCode: 1, changed: 0, steps: { prereq: 'failed' }, sentence: /prereq cannot go on/ })
  t.same((files[`runs/${run?.id ?? ''}.ndjson`] ?? '').trim().split('\n'), out)
  t.match(parseState(files['state.json'] ?? '', 'state.json'), { run: { id: run?.id, result: 'failed' } })
})

void t.test('no secret that a run has read is in anything that it says or leaves, for whatever audience', async (t) => {
  for (const flags of [[], ['--json'], ['--quiet']]) {
    const folder = t.testdir({})
    const { deps, out, err } = fakeDeps({ folder, script: tools, ask: telltale() })
    const drawn: string[] = []
    const screen = { size: () => ({ rows: 24, columns: 200, cut: (line: string) => line }), draw: (lines: readonly string[]) => drawn.push(...lines), whenStale: () => () => undefined }
    await runCommandLine(['apply', ...flags, '--skip', 'ingress', '--state', join(folder, 'state.json')], { ...deps, screen, commandLine: `airstrip apply ${canary}` })
    const files = everythingIn(folder)
    t.same(Object.keys(files).filter((name) => !name.startsWith('runs/')).sort(), ['history.ndjson', 'state.json'])
    t.equal(Object.keys(files).length, 3)
    const said = [...out, ...err, ...drawn, ...Object.values(files)].join('\n')
    t.match(said, /node-not-ready|not ready/i)
    for (const form of forms) t.notMatch(said, form)
  }
})

interface Ended {
  code: number | null
  out: string
  err: string
}

function start(folder: string, ended: (result: Ended) => void): Promise<Ended> {
  const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`, HOME: folder, GO: join(folder, 'go') }
  const words = ['--config', join(folder, 'airstrip.yaml'), '--state', join(folder, 'state', 'state.json')]
  const child = spawn(process.execPath, ['--import=tsx', new URL('run.ts', root).pathname, ...words], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout.on('data', (data: Buffer) => (said.out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (said.err += data.toString()))
  return new Promise((resolve) => {
    child.on('close', (code) => {
      ended({ code, ...said })
      resolve({ code, ...said })
    })
  })
}

void t.test('of several runs that are started at once one has its turn, and the others leave no trace', { timeout: 60_000 }, async (t) => {
  // Whoever has its turn is kept waiting until the others have been sent away.
  const tool = '#!/bin/sh\nwhile [ ! -e "$GO" ]; do sleep 0.1; done\necho "$0: command not found" >&2\nexit 127\n'
  const folder = t.testdir({ 'bin': { kubectl: tool, helm: tool }, 'airstrip.yaml': smallest, 'state': {} })
  for (const name of ['kubectl', 'helm']) fs.chmodSync(join(folder, 'bin', name), 0o755)
  let away = 0
  const results = await Promise.all(Array.from({ length: 4 }, () => start(folder, () => {
    if (++away === 3) fs.writeFileSync(join(folder, 'go'), '')
  })))
  t.same(results.map(({ code }) => code).sort(), [1, 75, 75, 75])
  for (const { err } of results.filter(({ code }) => code === 75)) t.match(err, /Another run holds the lock: pid \d+ on .+ since .+\[LOCKED\]/)
  t.same(results.map(({ out }) => out).join(''), '')
  const files = everythingIn(join(folder, 'state'))
  t.equal(parseHistory(files['history.ndjson'] ?? '').length, 1)
  t.match(parseState(files['state.json'] ?? '', 'state.json'), { run: { result: 'failed' } })
  t.same(Object.keys(files).filter((name) => !/^(state\.json|history\.ndjson|runs\/.+)$/.test(name)), [])
})
