import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { mkdir, readFile, readdir, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { FOLDERS, SCRIPTS } from './scripts.ts'
import type { Entry } from '../../../lib/adapters/tar.ts'

const run = promisify(execFile)
const PROGRAMS = join(import.meta.dirname, 'programs')

export interface Layer {
  /** Another one, another content. */
  key: string
  entries: () => Promise<Entry[]>
}

/** Node and a shell: large, the same for all stand-ins, and made anew only when the machine's node changes. */
export async function runtimeLayer(cacheDir: string): Promise<Layer> {
  const busybox = await staticBusybox(cacheDir)
  const node = realpathSync(process.execPath)
  const { size, mtimeMs } = await stat(node)
  const key = createHash('sha256').update(await readFile(busybox)).update(JSON.stringify([process.version, size, mtimeMs])).digest('hex')
  return { key, entries: async () => [...(await shell(busybox)), ...(await nodeWithLibraries(node))] }
}

/** What changes while the stand-ins are worked on: programs, scripts, folders. Small, so cheap to import again. */
export async function programLayer(): Promise<Entry[]> {
  const names = (await readdir(PROGRAMS)).sort()
  const programs = await Promise.all(names.map(async name => ({
    path: `opt/standin/${name.replace(/\.ts$/, '.js')}`,
    bytes: toJavaScript(await readFile(join(PROGRAMS, name), 'utf8')),
  })))
  return [
    ...FOLDERS,
    ...Object.entries(SCRIPTS).map(([path, bytes]) => ({ path, bytes, mode: 0o755 })),
    { path: 'opt/standin/package.json', bytes: '{"type":"module"}' },
    ...programs,
    ...(await yamlPackage()),
  ]
}

/** The compiler that is already here does it file by file; a bundler would be one more package to look after. */
function toJavaScript(source: string): string {
  return ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, rewriteRelativeImportExtensions: true },
  }).outputText
}

async function shell(busybox: string): Promise<Entry[]> {
  const { stdout } = await run(busybox, ['--list'])
  const applets = stdout.split('\n').filter(name => name !== '' && name !== 'busybox')
  return [
    { path: 'bin/busybox', bytes: await readFile(busybox), mode: 0o755 },
    ...applets.map(name => ({ path: `bin/${name}`, link: '/bin/busybox' })),
  ]
}

async function nodeWithLibraries(node: string): Promise<Entry[]> {
  const entries = (await librariesOf(node)).map(async path => ({ path: path.slice(1), bytes: await readFile(path), mode: 0o755 }))
  return [{ path: 'usr/bin/node', bytes: await readFile(node), mode: 0o755 }, ...(await Promise.all(entries))]
}

/** The paths of all shared libraries that a program needs. */
export async function librariesOf(program: string, env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const { stdout } = await run('ldd', [program], { env })
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(match => match[1] ?? [])
}

/** The provisioner reads its helper pod from YAML. The package has no dependencies of its own. */
async function yamlPackage(): Promise<Entry[]> {
  const root = dirname(createRequire(import.meta.url).resolve('yaml/package.json'))
  const names = (await readdir(join(root, 'dist'), { recursive: true, withFileTypes: true })).filter(file => file.name.endsWith('.js'))
  const files = [join(root, 'package.json'), ...names.map(file => join(file.parentPath, file.name)).sort()]
  return Promise.all(files.map(async path => ({
    path: join('opt/standin/node_modules/yaml', relative(root, path)), bytes: await readFile(path),
  })))
}

/** The lab's own runtime has one; a system may. Debian's `busybox` is linked to libc, `busybox-static` is not; Ubuntu ships the static one as `busybox`. */
async function staticBusybox(cacheDir: string): Promise<string> {
  const cached = join(cacheDir, 'busybox-static', 'bin', 'busybox')
  const unpacked = ['bin/busybox', 'usr/bin/busybox'].map(path => join(cacheDir, 'runtime', path))
  for (const path of [...unpacked, '/bin/busybox', cached]) if (existsSync(path) && (await isStatic(path))) return path
  const folder = join(cacheDir, 'busybox-static')
  await mkdir(folder, { recursive: true })
  await run('apt-get', ['download', 'busybox-static'], { cwd: folder })
  const archive = (await readdir(folder)).find(name => name.endsWith('.deb'))
  if (archive === undefined) throw new Error('apt-get download busybox-static left no package behind')
  await run('dpkg', ['-x', join(folder, archive), folder])
  return cached
}

async function isStatic(path: string): Promise<boolean> {
  // ldd fails on a static program, and says so on stderr.
  return run('ldd', [path]).then(() => false, () => true)
}
