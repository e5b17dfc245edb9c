/**
 * What a person does with the doctor: something breaks, they ask until it names the cause, paste its
 * first fix, and ask again. A cause that was named wrongly on the way there is a failure, however
 * soon the right one follows.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { FaultId } from '../../lib/observe/faults.ts'
import { checkout } from '../../scripts/lab/paths.ts'
import { lab } from './cluster.ts'
import type { RunOptions, Site } from './site.ts'

export interface Finding {
  id: string
  severity: 'error' | 'warning'
  title: string
  evidence: string[]
  why: string
  fix: string[]
  link: string
  causes: Finding[]
}

export interface Diagnosis {
  healthy: boolean
  findings: Finding[]
  notes: Finding[]
  unknown: string[]
  looked: string[]
}

export interface Look {
  code: number
  diagnosis: Diagnosis
  ms: number
}

export interface Fault {
  name: string
  harm: (it: Site) => Promise<unknown>
  /** The id that must come first; of several, any says the same of this fault. */
  id: FaultId | FaultId[]
  /** What else may stand beside it without being explained by it. */
  also?: FaultId[]
  /** All of them must be there besides the first, with no cause of their own: independent faults at once. */
  and?: FaultId[] | undefined
  /** What else must be told of it, as its symptom. */
  explains?: FaultId[]
  /** What the first finding must tell, so that it is about this object and not just of the right kind. */
  tells?: RegExp
  /** How long until it must be named; 60 s where nothing is said. */
  seconds?: number
  /** A person's hands, where the first fix is a sentence or says what no test should do. */
  mend?: (it: Site, finding: Finding) => Promise<unknown>
  /** As it was, for certain: what the next fault needs when the fix of this one was none. Else `apply`. */
  undo?: (it: Site) => Promise<unknown>
  doctor?: RunOptions
}

const everySeconds = 3
const healthySeconds = 90
/** For a machine that has more to do than this: all times are that many times as long. */
export const patience = Number(process.env.AIRSTRIP_TEST_PATIENCE ?? 1)

/** Only those whose name this matches: for whoever works on a rule. */
const only = new RegExp(process.env.AIRSTRIP_TEST_FAULTS ?? '', 'i')


export const chosen = (list: Fault[]): Fault[] => list.filter(({ name }) => only.test(name))

/** One after the other on one site, each of which must leave it healthy for the next. */
export async function faults(t: Test, it: Site, list: Fault[]): Promise<void> {
  for (const fault of chosen(list)) await t.test(fault.name, t => oneFault(t, it, fault))
}

export async function oneFault(t: Test, it: Site, fault: Fault): Promise<void> {
  const unbroken = await fault.harm(it).then(() => '', (error: unknown) => String(error))
  if (unbroken !== '') {
    console.error(`matrix | ${fault.name} | NOT BROKEN ${unbroken.replaceAll('\n', ' ')}`)
    t.fail('broken as wanted', { unbroken })
    await undo(t, it, fault)
    return
  }
  const named = await untilNamed(it, fault)
  t.same(named.wrong, [], 'nothing else is named first on the way')
  t.ok(named.finding, `doctor names it within ${fault.seconds ?? 60} s`, { last: named.last })
  if (named.finding !== undefined) {
    if (fault.tells !== undefined) t.match([named.finding.title, ...named.finding.evidence].join('\n'), fault.tells, 'and tells of what')
    t.same(named.beside, [], 'no other root is named beside it')
    t.same(named.missing, [], 'and all that are independent of it')
    for (const id of fault.explains ?? []) t.ok(named.explained.includes(id), `and ${id} as its symptom`, { explained: named.explained })
    complete(t, named.finding)
  }
  const mended = named.finding === undefined ? 'not tried' : await mend(it, fault, named.finding)
  const well = named.finding !== undefined && mended === '' && await untilHealthy(it, fault)
  if (well === true) t.pass('mended by the first fix, doctor says healthy')
  else t.fail('mended by the first fix, doctor says healthy', { fix: named.finding?.fix[0], mended, still: well })
  // At once, and shown where the file fails; TAP's own comments come when all is over.
  console.error(line(fault, named, well === true, mended))
  if (well !== true) await undo(t, it, fault)
}

async function undo(t: Test, it: Site, fault: Fault): Promise<void> {
  await (fault.undo?.(it) ?? it.airstrip(['apply']))
  t.equal(await untilHealthy(it, fault), true, 'undone by the test, doctor says healthy')
}

/** What a finding owes to whoever reads it. */
function complete(t: Test, { title, evidence, why, fix }: Finding): void {
  t.ok(title !== '' && why !== '' && evidence.length > 0 && fix.length > 0, 'with title, evidence, why and fix', { title, evidence, why, fix })
  t.notMatch([title, ...evidence, why, ...fix].join('\n'), /undefined|\[object Object\]|<[A-Z]+>/, 'and no hole in it')
}

export async function look(it: Site, options?: RunOptions): Promise<Look> {
  const { code, stdout, stderr, ms } = await it.airstrip(['doctor', '--json'], options)
  if (stdout === '') throw new Error(`doctor ended with ${code} and said nothing: ${stderr}`)
  return { code, ms, diagnosis: JSON.parse(stdout) as Diagnosis }
}

export const rootsOf = ({ findings }: Diagnosis): Finding[] => findings.filter(({ causes }) => causes.length === 0)
const wordsOf = ({ id, severity, title }: Finding): string => `${severity === 'warning' ? 'warning ' : ''}${id}: ${title}`
const idsOf = ({ id }: Fault): string[] => typeof id === 'string' ? [id] : id

interface Named {
  finding?: Finding
  seconds: number
  wrong: string[]
  beside: string[]
  missing: string[]
  explained: string[]
  last: unknown
}

async function untilNamed(it: Site, fault: Fault): Promise<Named> {
  const started = Date.now()
  const since = (): number => Math.round((Date.now() - started) / 1000)
  const wrong = new Set<string>()
  const wanted = idsOf(fault)
  for (;;) {
    const { diagnosis } = await look(it, fault.doctor)
    const seconds = since()
    const [first] = diagnosis.findings
    const missing = (fault.and ?? []).filter(id => !rootsOf(diagnosis).some(root => root.id === id))
    const isRight = first !== undefined && (wanted.includes(first.id) || (fault.and ?? []).includes(first.id as FaultId))
    // Of a pair, one half may show before the other.
    if (first !== undefined && !isRight && first.severity === 'error') wrong.add(`${wordsOf(first)}: ${first.evidence.at(-1) ?? ''}`)
    const over = seconds > (fault.seconds ?? 60) * patience
    if ((isRight && missing.length === 0 && diagnosis.findings.some(({ id }) => wanted.includes(id))) || over) {
      const finding = isRight ? diagnosis.findings.find(({ id }) => wanted.includes(id)) : undefined
      const allowed: string[] = [...wanted, ...(fault.also ?? []), ...(fault.and ?? [])]
      const beside = rootsOf(diagnosis).filter(({ id, severity }) => severity === 'error' && !allowed.includes(id)).map(wordsOf)
      const explained = diagnosis.findings.filter(({ causes }) => causes.length > 0).map(({ id }) => id)
      return { ...(finding === undefined ? {} : { finding }), seconds, wrong: [...wrong], beside, missing, explained, last: { findings: diagnosis.findings.map(wordsOf), unknown: diagnosis.unknown, looked: diagnosis.looked } }
    }
    await sleep(everySeconds * 1000)
  }
}

/** What went wrong with it; empty where nothing did. */
async function mend(it: Site, fault: Fault, finding: Finding): Promise<string> {
  const [first = ''] = finding.fix
  if (fault.mend !== undefined) return fault.mend(it, finding).then(() => '', (error: unknown) => String(error))
  const isCommand = await paste(it, `command -v ${/^\(?(\S+)/.exec(first)?.[1] ?? ''}`)
  if (isCommand.code !== 0) return `the first fix is no command: ${first}`
  if (/^kubectl\b[^#'&;]* (logs|describe|get|top) /.test(first)) return `the first fix only looks: ${first}`
  const { code, said } = await paste(it, first)
  if (code !== 0) return `${first}\nended with ${code}: ${said}`
  return fault.and === undefined ? '' : mendOther(it, fault, finding)
}

/** Of several faults the first fix mends one; the doctor then has the next. */
async function mendOther(it: Site, fault: Fault, first: Finding): Promise<string> {
  const deadline = Date.now() + healthySeconds * 1000 * Math.max(1, patience)
  for (;;) {
    const [next] = (await look(it)).diagnosis.findings
    if (next === undefined || next.severity === 'warning') return ''
    // What was mended may be told until its pods have started anew.
    if (next.id !== first.id || Date.now() > deadline) return mend(it, { ...fault, and: undefined }, next)
    await sleep(everySeconds * 1000)
  }
}

/**
 * As pasted into a shell that knows of no kubeconfig: the doctor was told of one by a flag, and so its
 * commands must name it. What is different from a person's shell: nobody is there to agree, hence npx
 * adds --yes to apply and restore; npx leads to the checkout from the site's folder, where what a command leaves
 * behind is cleared away; and root needs no sudo, which a lab's machine may lack.
 */
export function paste(it: Site, command: string): Promise<{ code: number; said: string }> {
  const bin = join(it.folder, 'bin')
  mkdirSync(bin, { recursive: true })
  const program = (name: string, text: string): void => { writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 }) }
  program('npx', `shift 2; yes=; case "$1" in apply|restore|""|-*) yes=--yes;; esac; case " $* " in *" --yes "*) yes=;; esac; cd '${checkout}' && exec '${process.execPath}' --import=tsx run.ts "$@" $yes`)
  program('sudo', 'exec "$@"')
  const env = { PATH: `${bin}:${lab.path}`, HOME: it.folder, XDG_CACHE_HOME: join(it.folder, 'cache'), LANG: 'C.UTF-8' }
  return new Promise(resolve => {
    const child = spawn('bash', ['-c', command], { cwd: it.folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 150_000 * Math.max(1, patience) })
    const said: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk))
    child.on('close', code => { resolve({ code: code ?? 1, said: Buffer.concat(said).toString() }) })
  })
}

/** For a row's own hands, which do more than the fix: an error with what was said where it fails. */
export async function pasted(it: Site, command: string): Promise<void> {
  const { code, said } = await paste(it, command)
  if (code !== 0) throw new Error(`${command}\nended with ${code}: ${said}`)
}

/** As a person who is given an editor by it. */
export const withEditor = (expression: string, command: string): string => `export KUBE_EDITOR="sed -i ${expression}"; ${command}`

/** True once doctor has nothing to say and nothing is on its way; else what it said last. */
export async function untilHealthy(it: Site, { doctor }: Pick<Fault, 'doctor'> = {}, seconds = healthySeconds): Promise<true | object> {
  const deadline = Date.now() + seconds * 1000 * Math.max(1, patience)
  for (;;) {
    const { code, diagnosis } = await look(it, doctor)
    const onTheirWay = diagnosis.looked.filter(one => one.startsWith('on its way'))
    if (code === 0 && diagnosis.healthy && diagnosis.findings.length === 0 && onTheirWay.length === 0) return true
    if (Date.now() > deadline) return { code, findings: diagnosis.findings.map(wordsOf), unknown: diagnosis.unknown, onTheirWay }
    await sleep(everySeconds * 1000)
  }
}

/** One row of the matrix, for whoever wants to read times. */
function line(fault: Fault, { finding, seconds, wrong, beside, missing, explained, last }: Named, well: boolean, mended: string): string {
  const problems = [
    ...wrong.map(one => `WRONG FIRST ${one}`),
    ...(finding === undefined ? [`NOT NAMED, last ${JSON.stringify(last)}`] : []),
    ...beside.map(one => `EXTRA ROOT ${one}`),
    ...missing.map(one => `MISSING ${one}`),
    ...(well ? [] : [`NOT MENDED (${mended.trim().replaceAll('\n', ' ')})`]),
  ]
  return `matrix | ${fault.name} | ${idsOf(fault).join('/')} | ${finding?.id ?? '-'} | ${seconds} s | so: ${explained.join(' ')} | fix: ${finding?.fix[0] ?? '-'} | ${problems.length === 0 ? 'right' : problems.join('; ')}`
}
