import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { parsedArguments } from './arguments.ts'
import { down, up } from './lab/cluster.ts'
import type { Lab } from './lab/cluster.ts'
import { LabError } from './lab/exec.ts'
import { withLock } from './lab/lock.ts'
import { checkout, instance } from './lab/paths.ts'
import { checkPlatform } from './lab/platform.ts'
import { failureLines, readTap } from './test/tap.ts'
import type { Tally } from './test/tap.ts'

/**
 * npm test: lint and types, the quick tests, then those on a real cluster, which is booted for them.
 *   --quick   without the cluster
 *   --more    instead of all that: on the cluster, what few homes have (another chart, an external database, Celery), for half an hour
 *   --faults  instead of all that: the files that break a cluster in a hundred ways, for more than an hour
 *   --keep    leaves the cluster running, and takes one that runs: for whoever writes such tests
 *   FILES     only these
 */
const { values, positionals } = parsedArguments({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, more: { type: 'boolean', default: false }, faults: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
})

const NAME = 'test'
const CLUSTER = join('test', 'cluster')
/** A file that takes longer hangs. */
const FILE_MS = 1_200_000

const total: Tally = { passed: 0, failed: 0, skipped: 0 }
const children = new Set<ChildProcess>()
let interrupted = false

const say = (line: string): void => { console.log(line) }
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

interface Ended { code: number; ms: number }

/** A program that is ended with us; its output goes to `read`, or is given when it failed. */
async function run(file: string, args: string[], env: NodeJS.ProcessEnv, read?: (child: ChildProcess) => Promise<void>): Promise<Ended> {
  const started = Date.now()
  const child = spawn(file, args, { cwd: checkout, env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString() })
  if (read === undefined) child.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString() })
  // First TERM: a test ends what it has started, which nobody else knows.
  const timer = setTimeout(() => {
    child.kill('SIGTERM')
    setTimeout(() => { child.kill('SIGKILL') }, 5000).unref()
  }, FILE_MS)
  const [code] = await Promise.all([
    new Promise<number>(resolve => child.on('close', (ended, signal) => { resolve(ended ?? (signal === 'SIGKILL' ? 137 : 143)) }).on('error', () => { resolve(127) })),
    read?.(child),
  ])
  clearTimeout(timer)
  children.delete(child)
  if (code !== 0 && said.trim() !== '') say(said.trimEnd())
  return { code, ms: Date.now() - started }
}

async function lint(): Promise<void> {
  say('lint and types: npm run lint')
  const { code, ms } = await run('npm', ['run', '--silent', 'lint'], process.env)
  total[code === 0 ? 'passed' : 'failed'] += 1
  say(`${code === 0 ? 'ok    ' : 'FAILED'}  ${seconds(ms)}`)
}

/** Runs something that speaks TAP and adds what it says to the total. */
async function tap(file: string, args: string[], env: NodeJS.ProcessEnv, ended: (name: string, ok: boolean, ms: number) => void): Promise<Ended & Tally> {
  let tally: Tally = { passed: 0, failed: 0, skipped: 0 }
  const outcome = await run(file, args, env, async child => {
    if (child.stdout === null) return
    tally = await readTap(child.stdout, { ended, failed: (path, result) => { for (const line of failureLines(path, result)) say(line) } })
  })
  // A process that ended badly without saying which assertion failed has failed all the same.
  if (outcome.code !== 0 && tally.failed === 0 && !interrupted) {
    tally.failed = 1
    say(`FAILED  ${args.at(-1) ?? file} ended with ${outcome.code}`)
  }
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += tally[key]
  return { ...outcome, ...tally }
}

async function quick(files: string[]): Promise<void> {
  say('quick tests: tap')
  const bin = join(checkout, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs')
  const { passed, failed, ms } = await tap(process.execPath, [bin, '--reporter=tap', ...files], process.env, (name, ok, time) => {
    if (!ok) say(`FAILED  ${name}  ${seconds(time)}`)
  })
  say(`${failed === 0 ? 'ok    ' : 'FAILED'}  ${passed} passed, ${failed} failed  ${seconds(ms)}`)
}

/** By how its files' names begin; the others are for every run. */
type Group = 'more' | 'faults'

function clusterFiles(group?: Group): string[] {
  const files = readdirSync(join(checkout, CLUSTER)).filter(name => name.endsWith('.test.ts')).sort()
  return files.filter(name => /^(more|faults)-/.exec(name)?.[1] === group).map(name => join(CLUSTER, name))
}

async function cluster(files: string[]): Promise<void> {
  const reason = labRefusal()
  if (reason !== undefined) {
    leaveOut(files, reason)
    return
  }
  // Two checkouts on one machine share the instance's name, and one would take the other's cluster down.
  await withLock(`/run/airstrip-lab/${NAME}.tests.lock`, 'running the cluster tests', async () => {
    if (!values.keep) await down(NAME)
    say(`tests on a real cluster: booting the lab "${NAME}"`)
    try {
      const lab = await up(NAME)
      await furnish(lab)
      for (const file of files) {
        if (interrupted) break
        await clusterFile(file, lab)
      }
    } finally {
      if (values.keep) say(`the lab "${NAME}" stays: npm run lab -- down --name ${NAME}`)
      else await down(NAME)
    }
  })
}

/** The tests break images and slow programs down on purpose, so they want the stand-ins everywhere. */
async function furnish(lab: Lab): Promise<void> {
  if (lab.engine !== 'official') return
  const [{ loadImage }, { standinImages }, { cacheDir }] = await Promise.all([import('./lab/cluster.ts'), import('./lab/standin/images.ts'), import('./lab/paths.ts')])
  await loadImage(lab.name, await standinImages(cacheDir()))
}

async function clusterFile(file: string, lab: Lab): Promise<void> {
  const env = {
    ...process.env,
    TAP_TIMEOUT: String(FILE_MS / 1000),
    AIRSTRIP_TEST_LAB: JSON.stringify({ ...lab, storage: join(instance(lab.name).data, 'storage') }),
  }
  const { passed, failed, ms } = await tap(process.execPath, ['--import=tsx', file], env, () => undefined)
  say(`${failed === 0 ? 'ok    ' : 'FAILED'}  ${basename(file)}  ${passed} passed, ${failed} failed  ${seconds(ms)}`)
}

/** Why there can be no lab on this machine; what goes wrong while it boots is a failure and no excuse. */
function labRefusal(): string | undefined {
  try {
    checkPlatform()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function leaveOut(files: string[], reason: string): void {
  const mustRun = process.env.CI === 'true'
  total[mustRun ? 'failed' : 'skipped'] += files.length
  say('')
  say(`LEFT OUT: the ${files.length} tests on a real cluster, because ${reason}`)
  for (const file of files) say(`  ${file}`)
  if (mustRun) say('With CI=true that is a failure.')
  say('')
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true
    for (const child of children) child.kill(signal)
  })
}

const named = positionals.map(file => relative(checkout, join(process.cwd(), file)))
const [forCluster, forTap] = [named.filter(file => dirname(file) === CLUSTER), named.filter(file => dirname(file) !== CLUSTER)]
try {
  if ([values.quick, values.more, values.faults].filter(Boolean).length > 1) throw new LabError('--quick, --more and --faults are three different runs: choose one')
  const group: Group | undefined = values.faults ? 'faults' : values.more ? 'more' : undefined
  const all = named.length === 0 && group === undefined
  if (all) await lint()
  if (!interrupted && (all || forTap.length > 0)) await quick(forTap)
  if (!interrupted && !values.quick && (named.length === 0 || forCluster.length > 0)) await cluster(named.length === 0 ? clusterFiles(group) : forCluster)
  if (all && !values.quick) say(`not run: npm test -- --more (${clusterFiles('more').length} files on a cluster, half an hour), npm test -- --faults (${clusterFiles('faults').length}, more than an hour)`)
} catch (error) {
  total.failed += 1
  say(`FAILED  ${error instanceof LabError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
}
if (interrupted) say('interrupted')
say(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = interrupted ? 130 : total.failed > 0 ? 1 : 0
