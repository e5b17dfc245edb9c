/**
 * The program in one file, as V8 left it. Read one by one, its own and its libraries' modules take longer than all
 * that a run does which finds nothing to do.
 *
 * The file is a copy and never the truth: it lies under a name that changes with every source, and where it
 * cannot be made, written or read the sources themselves are run.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Script } from 'node:vm'

interface Program {
  main: (process: NodeJS.Process) => Promise<number>
}

const checkout = fileURLToPath(new URL('..', import.meta.url))

/** The program, from its one file where that can be had. */
export async function program(): Promise<Program> {
  try {
    const folder = join(checkout, 'node_modules', '.cache', 'airstrip', sourcesMark())
    return readCompiled(folder) ?? (await compiledAnew(folder))
  } catch {
    return import('./program.ts')
  }
}

/** Changes when a source, a library or Node does. Sizes and times, as make has it: to read them all would take as long as to run them. */
function sourcesMark(): string {
  const files = ['lib', 'steps'].flatMap((folder) => readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
  const facts = [...files, 'package-lock.json', 'node_modules/.package-lock.json'].sort().map((name) => {
    const { size, mtimeMs } = statSync(join(checkout, name))
    return `${name} ${size} ${mtimeMs}`
  })
  return createHash('sha256').update([process.version, checkout, ...facts].join('\n')).digest('hex').slice(0, 16)
}

const names = { code: 'program.cjs', compiled: 'program.v8' }

function readCompiled(folder: string): Program | undefined {
  const code = readIfThere(join(folder, names.code))
  if (code === undefined) return undefined
  // With what V8 made of it last time, which it checks itself and leaves aside where it does not fit.
  return evaluated(folder, code.toString(), readIfThere(join(folder, names.compiled))).program
}

async function compiledAnew(folder: string): Promise<Program> {
  const { build } = await import('esbuild')
  const { outputFiles: [file] } = await build({
    entryPoints: [join(checkout, 'lib', 'program.ts')],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    logLevel: 'silent',
    // It lies elsewhere than its sources, which look for files beside them.
    plugins: [{ name: 'places', setup: (made) => { made.onLoad({ filter: /\.ts$/ }, ({ path }) => ({ loader: 'ts', contents: placed(path) })) } }],
  })
  const code = file?.text ?? ''
  const { program: made, script } = evaluated(folder, code)
  keep(folder, code, script)
  return made
}

function placed(path: string): string {
  return readFileSync(path, 'utf8')
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
    .replaceAll(/import\.meta\.resolve\('(\w+)'\)/g, (_, name: string) => JSON.stringify(import.meta.resolve(name)))
}

function evaluated(folder: string, code: string, cachedData?: Buffer): { program: Program; script: Script } {
  const filename = join(folder, names.code)
  const script = new Script(`(function (exports, require, module, __filename, __dirname) { ${code}\n})`, { filename, ...(cachedData === undefined ? {} : { cachedData }) })
  const module = { exports: {} }
  const wrapper = script.runInThisContext() as (...args: unknown[]) => void
  wrapper(module.exports, createRequire(filename), module, filename, folder)
  return { program: module.exports as Program, script }
}

/** Whole or not at all, and instead of those of older sources. */
function keep(folder: string, code: string, script: Script): void {
  const above = join(folder, '..')
  const aside = join(above, `.new-${process.pid}`)
  try {
    mkdirSync(aside, { recursive: true })
    writeFileSync(join(aside, names.code), code)
    writeFileSync(join(aside, names.compiled), script.createCachedData())
    for (const name of readdirSync(above).filter((one) => !one.startsWith('.new-'))) rmSync(join(above, name), { recursive: true, force: true })
    renameSync(aside, folder)
  } catch {
    // Not ours to write, or another run was first: this run has its program.
    rmSync(aside, { recursive: true, force: true })
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
