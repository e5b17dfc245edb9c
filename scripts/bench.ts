/**
 * What a run costs that finds nothing to do, beside the shell commands and the Ansible playbook that do the same,
 * all on one real cluster and in one run. Measurements go to stdout, progress to stderr. Exit code 1 where a
 * promised ratio is not kept.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { spawn } from 'node:child_process'
import { airstrips, ansible, shell } from './bench/contenders.ts'
import { grownChart } from './bench/growth.ts'
import { packages } from './bench/packages.ts'
import { comparison, growth, verdictLines, verdicts, type Grown } from './bench/report.ts'
import { compare, type Result } from './bench/rounds.ts'
import { openSite, releaseSize, writeFiles, type Site } from './bench/site.ts'
import { kept } from './bench/statistics.ts'
import { down, status, up } from './lab/cluster.ts'
import { LabError, say } from './lab/exec.ts'
import { checkout } from './lab/paths.ts'

const { values: options } = parseArgs({
  options: {
    'name': { type: 'string', default: 'bench' },
    'rounds': { type: 'string', default: '7' },
    'sizes': { type: 'string', default: '10,100,1000' },
    'chart': { type: 'string' },
    'chart-version': { type: 'string', default: '1.10.0' },
    'checkout': { type: 'string', default: checkout },
    'json': { type: 'boolean', default: false },
    'help': { type: 'boolean', default: false },
  },
})

const USAGE = `npm run bench -- [options]
  --rounds N        how often each contender runs (7)
  --sizes N,N,…     growth: that many objects more in the release (10,100,1000; "" leaves it out)
  --chart FOLDER    the official chart as a folder or a .tgz; without it the lab's stand-in
  --chart-version V the version that it has (1.10.0)
  --checkout FOLDER another checkout of airstrip to measure
  --name NAME       the lab to measure on (bench); one that runs already is used, and left running
  --json            one JSON object instead of tables`

/** airstrip as a person runs it, watched. */
async function apply(site: Site): Promise<void> {
  const words = ['--import=tsx', 'run.ts', 'apply', '--yes', '--config', site.config, '--state', site.state, '--kubeconfig', site.lab.kubeconfig]
  const child = spawn(process.execPath, words, { cwd: options.checkout, env: site.env, stdio: ['ignore', 'ignore', 'inherit'] })
  const code = await new Promise<number>(done => child.on('close', ended => { done(ended ?? 1) }))
  if (code !== 0) throw new LabError(`airstrip apply ended with ${code}`)
}

function chartChoice(): { chart: string; version: string } | undefined {
  return options.chart === undefined ? undefined : { chart: resolve(options.chart), version: options['chart-version'] }
}

async function measure(folder: string): Promise<{ results: Result[]; grown: Grown[]; about: string }> {
  const tools = await packages()
  const lab = await up(options.name)
  const site = openSite(lab, folder, chartChoice())
  await apply(site)
  await writeFiles(site)
  const audited = { strace: tools.strace, auditLog: lab.auditLog }
  const rounds = Number(options.rounds)
  const all = [...airstrips(site, options.checkout), shell(site), ansible(site, tools)]
  const results = await compare(all, rounds, audited)
  const grown: Grown[] = []
  for (const count of options.sizes.split(',').filter(size => size !== '').map(Number)) {
    const larger = openSite(lab, folder, { chart: await grownChart(site.chart, join(folder, 'grown'), count), version: options['chart-version'] })
    await apply(larger)
    const [result] = await compare(airstrips(larger, options.checkout).slice(0, 1), rounds, audited)
    if (result !== undefined) grown.push({ objects: await releaseSize(larger), result })
  }
  return { results, grown, about: `Kubernetes ${lab.version}, ${options.chart ?? 'stand-in chart'}, ${tools.versions}, load ${loadavg()[0]?.toFixed(1) ?? ''}` }
}

async function bench(): Promise<number> {
  const given = (await status(options.name)).lab !== undefined
  const folder = mkdtempSync(join(tmpdir(), 'airstrip-bench-'))
  try {
    const { results, grown, about } = await measure(folder)
    const judged = verdicts(results, options.chart !== undefined)
    if (options.json) console.log(JSON.stringify({ about, results, growth: grown, promises: judged.map(one => ({ ...one, kept: kept(one) })) }, undefined, 2))
    else console.log([about, '', comparison(results), ...(grown.length === 0 ? [] : ['', growth(grown)]), '', verdictLines(judged)].join('\n'))
    return judged.every(kept) ? 0 : 1
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
