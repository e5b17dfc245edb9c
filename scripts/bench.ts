/**
 * What a run costs that finds nothing to do, beside the shell commands and the Ansible playbook that do the same,
 * all on one real cluster and in one run. Measurements go to stdout, progress to stderr. Exit code 1 where a
 * promised ratio is not kept.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parsedArguments } from './arguments.ts'
import { airstrips, ansible, applying, doctors, look, shell } from './bench/contenders.ts'
import { crowd, dispersed } from './bench/crowd.ts'
import { grownChart } from './bench/growth.ts'
import { firstInstalls, type Installs } from './bench/install.ts'
import { packages, type Packages } from './bench/packages.ts'
import { failed, timed } from './bench/processes.ts'
import { text, verdicts, type Grown } from './bench/report.ts'
import { compare, type Result, type Tools } from './bench/rounds.ts'
import { openSite, releaseSize, writeLiveValues, writeManifests, type ChartChoice, type Site } from './bench/site.ts'
import { kept } from './bench/statistics.ts'
import { down, status, up } from './lab/cluster.ts'
import type { Lab } from './lab/cluster.ts'
import { LabError, say } from './lab/exec.ts'
import { checkout } from './lab/paths.ts'

const { values: options } = parsedArguments({
  options: {
    'name': { type: 'string', default: 'bench' },
    'rounds': { type: 'string', default: '7' },
    'contenders': { type: 'string', default: 'airstrip,npx,shell,ansible' },
    'sizes': { type: 'string', default: '10,100,1000' },
    'install': { type: 'string', default: '0' },
    'pods': { type: 'string', default: '0' },
    'chart': { type: 'string' },
    'chart-version': { type: 'string', default: '1.10.0' },
    'checkout': { type: 'string', default: checkout },
    'json': { type: 'boolean', default: false },
    'help': { type: 'boolean', default: false },
  },
})

const USAGE = `npm run bench -- [options]
  --rounds N        how often each contender runs (7)
  --contenders A,…  some of airstrip,npx,shell,ansible
  --sizes N,N,…     growth: that many objects more in the release (10,100,1000; "" leaves it out)
  --install N       also N first installs each, on N clusters booted for them (0)
  --pods N          the doctor, beside the same looked at by hand, also with N pods more in the namespace (0: not at all; the promise is about 5000)
  --chart FOLDER    the official chart as a folder or a .tgz; without it the lab's stand-in
  --chart-version V the version that it has (1.10.0)
  --checkout FOLDER another checkout of airstrip to measure
  --name NAME       the lab to measure on (bench); one that runs already is used, and left running
  --json            one JSON object instead of tables`

const rounds = Number(options.rounds)
const choice: ChartChoice | undefined = options.chart === undefined ? undefined : { chart: resolve(options.chart), version: options['chart-version'] }

async function installed(site: Site): Promise<void> {
  say('airstrip apply…')
  const { wall } = await timed(applying(site, options.checkout))
  say(`airstrip apply took ${wall.toFixed(0)} s`)
}

async function unchanged(site: Site, tools: Tools & Packages): Promise<Result[]> {
  await installed(site)
  writeManifests(site)
  await writeLiveValues(site)
  const all = [...airstrips(site, options.checkout), shell(site), ansible(site, tools)]
  return compare(all.filter(({ id }) => options.contenders.split(',').includes(id)), rounds, tools)
}

async function growth(site: Site, tools: Tools): Promise<Grown[]> {
  const grown: Grown[] = []
  for (const count of options.sizes.split(',').filter(size => size !== '').map(Number)) {
    const chart = await grownChart(site.chart, join(site.folder, 'grown'), count)
    const larger = openSite(site.lab, site.folder, { chart, version: options['chart-version'] })
    // By Helm itself: airstrip takes a release that somebody upgraded by hand for what its record says it is.
    await timed({ ...shell(larger), complaint: failed })
    const [result] = await compare(airstrips(larger, options.checkout).slice(0, 1), rounds, tools)
    if (result !== undefined) grown.push({ objects: await releaseSize(larger), result })
  }
  return grown
}

/** Of the ordinary namespace, and of the crowded one. */
async function doctored(site: Site, tools: Tools): Promise<Grown[]> {
  const count = Number(options.pods)
  if (count === 0) return []
  const namespace = 'airflow'
  const compared = async (pods: number): Promise<Grown[]> => (await compare([doctors(site, options.checkout), look(site)], rounds, tools)).map(result => ({ objects: pods, result }))
  const few = await compared(0)
  await crowd(site, namespace, count)
  try {
    return [...few, ...await compared(count)]
  } finally {
    await dispersed(site, namespace)
  }
}

async function measure(folder: string): Promise<{ about: string; results: Result[]; doctor: Grown[]; grown: Grown[]; installs: Installs | undefined }> {
  const found = await packages()
  const installs = Number(options.install) > 0 ? await firstInstalls(options.name, folder, options.checkout, choice, Number(options.install)) : undefined
  const lab: Lab = await up(options.name)
  const tools = { ...found, auditLog: lab.auditLog }
  const site = openSite(lab, folder, choice)
  const results = await unchanged(site, tools)
  const doctor = await doctored(site, tools)
  const grown = await growth(site, tools)
  const about = `Kubernetes ${lab.version}, ${options.chart ?? 'stand-in chart'}, ${tools.versions}, load ${loadavg()[0]?.toFixed(1) ?? ''}`
  return { about, results, doctor, grown, installs }
}

async function bench(): Promise<number> {
  const given = (await status(options.name)).lab !== undefined
  if (given && Number(options.install) > 0) throw new LabError(`--install boots clusters of its own, and "${options.name}" runs: choose another --name`)
  const folder = mkdtempSync(join(tmpdir(), 'airstrip-bench-'))
  try {
    const measured = await measure(folder)
    const promises = verdicts(measured.results, measured.installs, measured.doctor, choice !== undefined)
    console.log(options.json ? JSON.stringify({ ...measured, promises: promises.map(one => ({ ...one, kept: kept(one) })) }, undefined, 2) : text(measured, promises))
    return promises.every(kept) ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
    if (!given) await down(options.name)
  }
}

try {
  if (options.help) console.log(USAGE)
  else process.exitCode = await bench()
} catch (error) {
  if (error instanceof LabError) say(error.message)
  else console.error(error)
  process.exitCode = 1
}
