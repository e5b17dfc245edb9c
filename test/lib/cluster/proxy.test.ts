import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Answer } from '../../../lib/cluster/api.ts'
import { openApi } from '../../../lib/cluster/proxy.ts'

/** A kubectl that serves as its proxy does, and tells what it was asked. */
const kubectl = `#!${process.execPath}
const [command, ...words] = process.argv.slice(2)
if (command === 'config') { console.log(process.env.SERVER ?? 'https://192.168.1.10:6443'); process.exit() }
if (process.env.REFUSES) { console.error(process.env.REFUSES); process.exit(1) }
const socket = words.find((word) => word.startsWith('--unix-socket=')).slice(14)
const told = (request, body) => JSON.stringify({ pid: process.pid, socket, words, method: request.method, url: request.url, host: request.headers.host, body })
require('node:http').createServer((request, response) => {
  if (request.url === '/die') process.exit(1)
  if (request.url === '/hang') return
  if (request.url === '/stall') { response.writeHead(200).write('half'); return }
  let body = ''
  request.on('data', (data) => { body += data }).on('end', () => response.end(told(request, body)))
}).listen(socket, () => console.log('Starting to serve on ' + socket))
`

interface Told { pid: number; socket: string; words: string[]; method: string; url: string; host: string; body: string }

const bin = t.testdir({ kubectl })
chmodSync(join(bin, 'kubectl'), 0o755)
const env = { PATH: `${bin}:/usr/bin:/bin` }
const told = (answer: Answer): Told => JSON.parse(answer.text) as Told
const get = (path: string) => ({ method: 'GET' as const, path })

/** One that has ended may stay in the list until its parent has heard of it. */
function isAlive(pid: number): boolean {
  return /^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim())
}

async function gone({ pid, socket }: Told): Promise<boolean> {
  const until = Date.now() + 1000
  while (Date.now() < until && (existsSync(join(socket, '..')) || isAlive(pid))) await sleep(20)
  return !isAlive(pid) && !existsSync(join(socket, '..'))
}

void t.test('many questions go through one proxy, which lets nothing through that changes or deletes', async (t) => {
  const api = openApi(env)
  const ask = api({ kubeconfig: '/k', context: 'c' })
  const answers = (await Promise.all(Array.from({ length: 40 }, (_, index) => ask(get(`/api/v1/pods?limit=${index}`))))).map(told)
  t.equal(new Set(answers.map(({ pid }) => pid)).size, 1)
  t.same(answers.map(({ url }) => url), Array.from({ length: 40 }, (_, index) => `/api/v1/pods?limit=${index}`))
  const [{ words, host } = { words: [], host: '' }] = answers
  t.same(words.slice(1), ['--reject-methods=^(PUT|PATCH|DELETE)$', '--kubeconfig=/k', '--context=c'])
  t.equal(host, 'localhost', 'the only host that the proxy accepts')
  t.equal(api({ kubeconfig: '/k', context: 'c' }), ask, 'the way to a cluster is opened once')
  const review = await ask({ method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', body: '{"é":1}' })
  t.match(told(review), { method: 'POST', body: '{"é":1}' })
})

void t.test('a server that has a path is asked under it', async (t) => {
  const ask = openApi({ ...env, SERVER: 'https://rancher.home/k8s/clusters/c-1/' })({})
  t.equal(told(await ask(get('/version'))).url, '/k8s/clusters/c-1/version')
})

void t.test('where kubectl ends instead, that is the answer', async (t) => {
  t.same(await openApi({ ...env, REFUSES: 'error: context "attic" does not exist' })({ context: 'attic' })(get('/version')), { exitCode: 1, text: 'error: context "attic" does not exist\n' })
  const PATH = t.testdir({ rm: t.fixture('symlink', '/bin/rm') })
  t.match(await openApi({ PATH })({})(get('/version')), { exitCode: 127, text: /kubectl.*not found/ })
})

void t.test('without a place for its socket there is an answer, too', async (t) => {
  const before = process.env.TMPDIR
  t.teardown(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
  process.env.TMPDIR = '/nowhere'
  t.match(await openApi(env)({})(get('/version')), { exitCode: 1, text: /folder for its socket: ENOENT/ })
})

void t.test('a proxy that has died is followed by another', async (t) => {
  const ask = openApi(env)({})
  const first = told(await ask(get('/version')))
  t.match(await ask(get('/die')), { exitCode: 1, text: /Unable to connect to the server: net\/http: request canceled/ })
  while (isAlive(first.pid)) await sleep(5)
  // Its end is heard of where signals are read, which a timer may come before.
  await sleep(20)
  await new Promise(setImmediate)
  const second = told(await ask(get('/version')))
  t.not(second.pid, first.pid)
  t.ok(await gone(first), 'and its socket is gone')
})

void t.test('who has not answered whole within the limit is late, also in the middle of his answer', async (t) => {
  const ask = openApi(env)({})
  await ask(get('/version'))
  for (const path of ['/hang', '/stall']) t.same(await ask({ ...get(path), limitMs: 100 }), { exitCode: 1, late: true, text: 'Unable to connect to the server: net/http: request canceled (no answer within 0.1 s)' }, path)
  t.notMatch(await openApi({ ...env, REFUSES: 'no' })({})(get('/version')), { late: true })
})

void t.test('a question that is given up ends at once', async (t) => {
  const stop = new AbortController()
  const answer = openApi(env)({})({ ...get('/hang'), signal: stop.signal })
  setTimeout(() => { stop.abort() }, 300)
  t.match(await answer, { exitCode: 1 })
})

/** A program that asks, tells the answer, and then does as it is told. */
async function program(then: string): Promise<{ told: Told; child: ReturnType<typeof spawn>; code: Promise<number | null> }> {
  const file = join(t.testdirName, 'program.ts')
  writeFileSync(file, `import { openApi } from ${JSON.stringify(new URL('../../../lib/cluster/proxy.ts', import.meta.url).pathname)}
console.log((await openApi(process.env)({})({ method: 'GET', path: '/version' })).text)
${then}\n`)
  const child = spawn(process.execPath, ['--import=tsx', file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const code = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const text = await new Promise<string>((resolve) => child.stdout.on('data', (data: Buffer) => { resolve(data.toString()) }))
  return { told: JSON.parse(text) as Told, child, code }
}

void t.test('a program can end without closing anything, and leaves nothing', async (t) => {
  const { told: one, code } = await program('')
  t.equal(await code, 0)
  t.ok(await gone(one))
})

void t.test('one that is killed leaves nothing either', async (t) => {
  const { told: one, child, code } = await program('setInterval(() => {}, 1000)')
  t.ok(isAlive(one.pid))
  child.kill('SIGKILL')
  await code
  t.ok(await gone(one), 'proxy and socket are gone within a second')
})
