import { chmodSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { toolVersions } from '../../../lib/cluster/tools.ts'
import { caught } from '../../fakes/caught.ts'
import { tools } from '../../fakes/deps.ts'
import { connectionOf, fakeExec, type Scripted } from '../../fakes/exec.ts'

/** A machine whose tools are as big as real ones, unless it says otherwise. */
function machine(t: { testdir: () => string }, sizes: { kubectl?: number; helm?: number } = {}, script: Scripted[] = tools) {
  const folder = t.testdir()
  mkdirSync(join(folder, 'bin'))
  for (const tool of ['kubectl', 'helm'] as const) {
    writeFileSync(join(folder, 'bin', tool), Buffer.alloc(sizes[tool] ?? 2_000_000))
    chmodSync(join(folder, 'bin', tool), 0o755)
  }
  const { exec, lines } = fakeExec(script)
  const cacheFolder = join(folder, 'cache')
  return { folder, cacheFolder, lines, versions: () => toolVersions(connectionOf(exec), { cacheFolder, path: `/nowhere:${join(folder, 'bin')}` }) }
}

const both = { kubectl: 'v1.22.0', helm: 'v3.9.4' }

void t.test('a tool is asked once for its version, and again when it is another file', async (t) => {
  const { versions, lines, folder } = machine(t)
  t.same(await versions(), both)
  t.same(lines().sort(), ['helm version --template {{.Version}}', 'kubectl version --client -o json'])
  t.same(await versions(), both)
  t.equal(lines().length, 2)
  utimesSync(join(folder, 'bin', 'helm'), 1, 1)
  t.same(await versions(), both)
  t.equal(lines().length, 3)
})

void t.test('what is in the cache and is no version is not believed', async (t) => {
  const { versions, lines, cacheFolder } = machine(t)
  await versions()
  for (const name of readdirSync(join(cacheFolder, 'tools'))) writeFileSync(join(cacheFolder, 'tools', name), 'v1.22')
  t.same(await versions(), both)
  t.equal(lines().length, 4)
})

void t.test('a shim is asked every time: what it starts may have changed', async (t) => {
  const { versions, lines, folder } = machine(t, { kubectl: 200 })
  writeFileSync(join(folder, 'mise'), Buffer.alloc(2_000_000))
  chmodSync(join(folder, 'mise'), 0o755)
  const shims = join(folder, 'shims')
  mkdirSync(shims)
  symlinkSync('../mise', join(shims, 'helm'))
  await versions()
  await versions()
  t.equal(lines().filter((line) => line.startsWith('kubectl')).length, 2)
  const { exec, lines: asked } = fakeExec(tools)
  const ask = () => toolVersions(connectionOf(exec), { cacheFolder: join(folder, 'cache'), path: `${shims}:${join(folder, 'bin')}` })
  await ask()
  await ask()
  t.equal(asked().filter((line) => line.startsWith('helm')).length, 2)
})

void t.test('a cache that cannot be written is no reason to stop', async (t) => {
  const { versions, cacheFolder } = machine(t)
  writeFileSync(cacheFolder, 'a file')
  t.same(await versions(), both)
})

void t.test('a tool that is not there is named', async (t) => {
  const { exec } = fakeExec([{ when: /^helm/, answers: { exitCode: 127, stderr: 'bash: helm: command not found' } }, ...tools])
  t.match(await caught(toolVersions(connectionOf(exec), { cacheFolder: t.testdir(), path: '/nowhere' })), { code: 'TOOL_MISSING', message: 'helm is not on the PATH.' })
})
