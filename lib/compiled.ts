/**
 * The program in one file, as V8 left it. Read one by one, its own and its libraries' modules take longer than all
 * that a run does which finds nothing to do.
 *
 * The file is a copy and never the truth: it lies under a name that changes with every source, and where it
 * cannot be made, written or read the sources themselves are run.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Script } from 'node:vm'

interface Program {
  main: (process: NodeJS.Process) => Promise<number>
}

const checkout = fileURLToPath(new URL('..', import.meta.url))

/** The program, from its one file where that can be had. `words`: of the command line. */
export async function program(words: readonly string[]): Promise<Program> {
  try {
    const folder = join(checkout, 'node_modules', '.cache', 'airstrip', sourcesMark())
    const code = readIfThere(join(folder, codeName))?.toString('latin1') ?? (await bundledAnew(folder))
    return evaluated(folder, code, compiledFor(words))
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

const codeName = 'program.cjs'

/** Commands differ in what they need of the program, and so in what of it V8 has compiled by their end. */
function compiledFor([word = '']: readonly string[]): string {
  return `${/^[a-z]+$/.test(word) ? word : 'apply'}.v8`
}

async function bundledAnew(folder: string): Promise<string> {
  const { build } = await import('esbuild')
  const { outputFiles: [file] } = await build({
    entryPoints: [join(checkout, 'lib', 'program.ts')],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'silent',
    // Few runs need it, and it is a third of all that the others would read: it is required where it is imported.
    external: ['undici'],
    supported: { 'dynamic-import': false },
    // It lies elsewhere than its sources, which look for files beside them.
    plugins: [{ name: 'places', setup: (made) => { made.onLoad({ filter: /\.ts$/ }, ({ path }) => ({ loader: 'ts', contents: placed(path) })) } }],
  })
  const code = inAscii(file?.text ?? '')
  keepCode(folder, code)
  return code
}

/** What is not is decoded in every run, sign by sign. esbuild leaves it in patterns alone, where an escape means the same. */
function inAscii(code: string): string {
  return code.replaceAll(/[^\0-\x7F]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function placed(path: string): string {
  return readFileSync(path, 'utf8')
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
    .replaceAll(/import\.meta\.resolve\('(\w+)'\)/g, (_, name: string) => JSON.stringify(import.meta.resolve(name)))
}

/** With what V8 made of it last time, which it checks itself and leaves aside where it does not fit. */
function evaluated(folder: string, code: string, compiled: string): Program {
  const filename = join(folder, codeName)
  const cachedData = readIfThere(join(folder, compiled))
  const script = new Script(`(function (exports, require, module, __filename, __dirname) { ${code}\n})`, { filename, ...(cachedData === undefined ? {} : { cachedData }) })
  const module = { exports: {} }
  const wrapper = script.runInThisContext() as (...args: unknown[]) => void
  wrapper(module.exports, createRequire(filename), module, filename, folder)
  const { main } = module.exports as Program
  return cachedData === undefined || script.cachedDataRejected === true ? { main: (process) => keepingCompiled(script, join(folder, compiled), main(process)) } : { main }
}

/** Of a longer run V8 has thrown away by its end what only its beginning needed. */
const longestKeptMs = 5000

/** V8 compiles a function when it is first called: what it has by the end is what the next run needs. */
async function keepingCompiled(script: Script, file: string, run: Promise<number>): Promise<number> {
  const start = performance.now()
  const exitCode = await run
  if (exitCode !== usageError && performance.now() - start < longestKeptMs) keepAside(file, (aside) => { writeFileSync(aside, script.createCachedData()) })
  return exitCode
}

/** A command that there is not leaves nothing. */
const usageError = 64

/** Instead of that of older sources. */
function keepCode(folder: string, code: string): void {
  keepAside(folder, (aside) => {
    mkdirSync(aside, { recursive: true })
    writeFileSync(join(aside, codeName), code)
    const above = join(folder, '..')
    for (const name of readdirSync(above).filter((one) => !one.startsWith('.new-'))) rmSync(join(above, name), { recursive: true, force: true })
  })
}

/** Whole or not at all. */
function keepAside(path: string, make: (aside: string) => void): void {
  const aside = join(path, '..', `.new-${process.pid}`)
  try {
    make(aside)
    renameSync(aside, path)
  } catch {
    // Not ours to write, or another run was first: this run has its program.
    if (existsSync(aside)) rmSync(aside, { recursive: true })
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
