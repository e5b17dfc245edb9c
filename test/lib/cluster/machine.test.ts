import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { folderFacts, holderAlive, holderOf, readSecret, resolveHost } from '../../../lib/cluster/machine.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { thrown } from '../../fakes/caught.ts'

void t.test('a process is known by host, pid and start, and is alive while it runs', (t) => {
  const me = holderOf(process.pid)
  t.ok(me.startsWith(`${hostname()}/${process.pid}/`))
  t.not(me.split('/')[2], '')
  t.equal(holderAlive(me), true)
  t.end()
})

void t.test('a process that has ended is dead, and so is one whose pid was given away', async (t) => {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  const holder = holderOf(child.pid ?? 0)
  await new Promise((resolve) => child.on('exit', resolve))
  t.equal(holderAlive(holder), false)
  t.equal(holderAlive(`${hostname()}/${process.pid}/another-start`), false)
})

void t.test('of another host nothing can be known, of half a name only that it is not alive', (t) => {
  t.equal(holderAlive(`attic/${process.pid}/x`), undefined)
  for (const half of [hostname(), `${hostname()}/`, `${hostname()}/${process.pid}`, `${hostname()}/${process.pid}/`, `${hostname()}/abc/x`, `${hostname()}/-1/x`, `${hostname()}/0/`]) t.equal(holderAlive(half), false, half)
  t.end()
})

void t.test('a secret comes from a variable or from a file that only its owner can read', (t) => {
  const folder = t.testdir({ one: 'hunter2\n', two: 'hunter2\r\n', three: 'a\nb\n\n' })
  for (const name of ['one', 'two', 'three']) chmodSync(join(folder, name), 0o600)
  t.equal(readSecret({ env: 'PASSWORD' }, { PASSWORD: 'hunter2' }), 'hunter2')
  t.equal(readSecret({ file: join(folder, 'one') }, {}), 'hunter2')
  t.equal(readSecret({ file: join(folder, 'two') }, {}), 'hunter2')
  t.equal(readSecret({ file: join(folder, 'three') }, {}), 'a\nb\n', 'only the last newline is the editor\'s')
  t.end()
})

void t.test('a secret that is not there, empty, or open to others is refused with its place', (t) => {
  const folder = t.testdir({ open: 'x', empty: '', blank: '\n', folder: {} })
  chmodSync(join(folder, 'open'), 0o640)
  for (const name of ['empty', 'blank']) chmodSync(join(folder, name), 0o600)
  chmodSync(join(folder, 'folder'), 0o700)
  t.match(thrown(() => readSecret({ env: 'PASSWORD' }, {})), { code: 'SECRET_UNAVAILABLE', exitCode: 64, place: 'PASSWORD' })
  t.match(thrown(() => readSecret({ env: 'PASSWORD' }, { PASSWORD: '' })), { code: 'SECRET_UNAVAILABLE' })
  t.match(thrown(() => readSecret({ file: join(folder, 'open') }, {})), { code: 'SECRET_UNAVAILABLE', next: `chmod 600 ${join(folder, 'open')}` })
  for (const name of ['missing', 'empty', 'blank', 'folder']) t.match(thrown(() => readSecret({ file: join(folder, name) }, {})), { code: 'SECRET_UNAVAILABLE', place: join(folder, name) }, name)
  t.end()
})

void t.test('a folder is only looked at where the node is this machine', (t) => {
  const node = (machineID?: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'home' }, status: { nodeInfo: { machineID } } })
  t.equal(folderFacts('/', node('of another machine')), undefined)
  t.equal(folderFacts('/', node()), undefined)
  t.equal(folderFacts('/', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'x' } }), undefined)
  if (existsSync('/etc/machine-id') && readFileSync('/etc/machine-id', 'utf8').trim() !== '') {
    const mine = node(readFileSync('/etc/machine-id', 'utf8').trim())
    const folder = t.testdir({ inside: {}, file: '' })
    chmodSync(join(folder, 'inside'), 0o2775)
    t.match(folderFacts(join(folder, 'inside'), mine), { exists: true, uid: process.getuid?.(), mode: 0o2775, freeBytes: Number })
    t.same(folderFacts(join(folder, 'missing'), mine), { exists: false })
    t.same(folderFacts(join(folder, 'file'), mine), { exists: false, taken: true })
  }
  t.end()
})

void t.test('whose a folder is cannot be seen from a user namespace, and is not guessed', (t) => {
  const folder = t.testdir({ dags: {} })
  const root = process.getuid?.() === 0
  if (root) chownSync(join(folder, 'dags'), 50_000, 0)
  const machineID = existsSync('/etc/machine-id') ? readFileSync('/etc/machine-id', 'utf8').trim() : ''
  const code = `import { folderFacts } from ${JSON.stringify(new URL('../../../lib/cluster/machine.ts', import.meta.url).href)}
    const node = { status: { nodeInfo: { machineID: ${JSON.stringify(machineID)} } } }
    console.log(JSON.stringify([folderFacts(${JSON.stringify(join(folder, 'dags'))}, node) ?? 'unknown', folderFacts('/nowhere', node)]))`
  const { status, stdout, stderr } = spawnSync('unshare', ['--user', '--map-root-user', process.execPath, '--import=tsx', '--input-type=module', '-e', code], { encoding: 'utf8' })
  if (status !== 0 || machineID === '' || !root) t.comment(`nobody else's folder, or no user namespace, to look from: ${stderr}`)
  else t.same(JSON.parse(stdout), ['unknown', { exists: false }])
  t.end()
})

void t.test('a name that does not resolve has no address', async (t) => {
  t.same(await resolveHost('127.0.0.1'), ['127.0.0.1'])
  t.same(await resolveHost('nowhere.invalid.'), [])
})
