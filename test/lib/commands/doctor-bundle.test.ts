import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { Ajv } from 'ajv'
import t from 'tap'
import { writeBundle } from '../../../lib/adapters/bundle.ts'
import { filesIn, tar, type Entry } from '../../../lib/adapters/tar.ts'
import { runCommandLine } from '../../../lib/commands/cli.ts'
import { exitOf } from '../../../lib/commands/doctor.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { bundleFiles, evidenceFile } from '../../../lib/report/bundle.ts'
import { diagnosisJson, diagnosisLines } from '../../../lib/report/diagnosis.ts'
import { fakeDeps, tools } from '../../fakes/deps.ts'
import { evidence, long } from '../doctor/evidence.ts'
import { claim, crashed, deployment, inManifest, node, now, pod, release, statefulSet, storageClass } from '../observe/objects.ts'

const schema = (name: string): object => JSON.parse(readFileSync(new URL(`../../../lib/report/${name}.schema.json`, import.meta.url), 'utf8')) as object
const compiled = (name: string) => new Ajv({ strict: false, validateFormats: false }).compile(schema(name))
const [isDiagnosis, isStored] = [compiled('doctor'), compiled('evidence')]

const good = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const crashing = pod({ status: { containerStatuses: [crashed(6, {})] } })
const logs = [{ namespace: 'airflow', pod: crashing.metadata.name, container: 'scheduler', previous: false, lines: ['AirflowConfigException: no'] }]
const recorded = (objects: typeof good) => release({ objects: objects.map(inManifest), updatedAt: long })
const cases: Record<string, Evidence> = {
  'nothing installed': evidence(),
  'healthy': evidence({ workloads: good, record: recorded(good), looked: ['2 statefulsets'] }),
  'a claim and a node': evidence({ claims: [claim()], workloads: [statefulSet('airflow-postgresql', 0)], record: recorded(good), nodes: [node({ unschedulable: true })] }),
  'a crash with its log': evidence({ pods: [crashing], workloads: [deployment('airflow-scheduler', 0)], record: recorded(good), logs, redacted: { known: 2 } }),
  'two default classes, and something unread': evidence({ workloads: good, record: recorded(good), classes: [storageClass('a', {}, true), storageClass('b', {}, true)], unknown: ['events could not be read'] }),
  'no cluster': evidence({ unreachable: { code: 'CLUSTER_UNREACHABLE', sentence: 'The API server does not answer.', seen: ['refused'] } }),
}

async function doctor(folder: string, words: string[]): Promise<{ code: number; out: string; err: string }> {
  const { deps, out, err } = fakeDeps({ folder, files: {} })
  const code = await runCommandLine(['doctor', ...words], deps)
  return { code, out: out.join('\n'), err: err.join('\n') }
}

function written(folder: string, name: string, of: Evidence): string {
  const path = join(folder, `${name.replace(/\W/g, '-')}.tar.gz`)
  writeBundle(path, bundleFiles({ airstrip: '0.1.0', evidence: of, beside: [] }, diagnose(of), (text) => text), now)
  return path
}

void t.test('a bundle is judged like the cluster that it came from, with no cluster and no configuration', async (t) => {
  const folder = t.testdir()
  for (const [name, one] of Object.entries(cases)) {
    const live = diagnose(one)
    const path = written(folder, name, one)
    const { code, out, err } = await doctor(folder, ['--from', path])
    t.equal(code, exitOf(live), name)
    t.equal(out, diagnosisLines(live, false).join('\n'), name)
    t.match(err, /judging what airstrip 0\.1\.0 collected at 2023-08-02T10:30:00\.000Z/)
    const asJson = await doctor(folder, ['--from', path, '--json'])
    t.equal(asJson.out, diagnosisJson(live), name)
    t.ok(isDiagnosis(JSON.parse(asJson.out)), `${name}: as the schema has it`)
    const text = filesIn(gunzipSync(readFileSync(path)), [evidenceFile])?.get(evidenceFile) ?? ''
    t.ok(isStored(JSON.parse(text)), `${name}: and the evidence`)
  }
})

void t.test('where no cluster answers, what there is is written, for its owner alone, and over nothing', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, 'b.tar.gz')
  const view = { when: /^kubectl config view/, answers: { stdout: 'https://home.invalid:6443' } }
  const run = async (file: string): Promise<{ code: number; out: string[]; err: string[] }> => {
    const { deps, out, err } = fakeDeps({ folder, script: [view, ...tools], ask: () => Promise.resolve({ status: 500, text: 'dial tcp: lookup home.invalid: no such host\n' }) })
    return { code: await runCommandLine(['doctor', '--bundle', file, '--state', join(folder, 'state.json')], deps), out, err }
  }
  const { code, out, err } = await run(path)
  t.equal(code, 3)
  t.match(err.join('\n'), /wrote .*b\.tar\.gz: \d+ files/)
  t.equal(statSync(path).mode & 0o777, 0o600)
  const again = await doctor(folder, ['--from', path])
  t.equal(again.out, out.join('\n'), 'and says the same when it is judged again')
  t.equal(again.code, code)
  const before = readFileSync(path)
  const over = await run(path)
  t.equal(over.code, 64)
  t.match(over.err.join('\n'), /is there already, and is not written over/)
  t.same(over.out, [], 'asked for before anything is looked at')
  t.ok(readFileSync(path).equals(before))
  const nowhere = await run(join(folder, 'none', 'b.tar.gz'))
  t.equal(nowhere.code, 1)
  t.match(nowhere.err.join('\n'), /BUNDLE_UNUSABLE/)
})

const packed = (entries: Entry[]): Buffer => gzipSync(tar(entries))
const stored = (more: object): string => JSON.stringify({ format: 'airstrip-evidence', version: 1, airstrip: '0.1.0', evidence: evidence(), beside: [], ...more })

void t.test('what is no bundle is refused with a sentence', async (t) => {
  const folder = t.testdir()
  const whole = packed([{ path: evidenceFile, bytes: stored({}) }])
  const files: [name: string, bytes: Buffer, code: RegExp][] = [
    ['empty', Buffer.alloc(0), /BUNDLE_DAMAGED/], ['no gzip', Buffer.from('hello'), /not packed with gzip/], ['no tar', gzipSync('hello'), /no archive/],
    ['cut off', whole.subarray(0, 200), /cut off/], ['a tar cut off', gzipSync(gunzipSync(whole).subarray(0, 900)), /no archive/], ['a bomb', gzipSync(Buffer.alloc(129 * 1024 * 1024)), /larger than any bundle/],
    ['another tar', packed([{ path: 'x', bytes: 'y' }]), /no archive with a whole/], ['a path that climbs', packed([{ path: `../${evidenceFile}`, bytes: stored({}) }]), /no archive with a whole/],
    ['a link', packed([{ path: evidenceFile, link: '/etc/passwd' }]), /no archive with a whole/], ['twice', packed([{ path: evidenceFile, bytes: stored({}) }, { path: evidenceFile, bytes: '{}' }]), /no archive/],
    ['no JSON', packed([{ path: evidenceFile, bytes: '{' }]), /no JSON/], ['deep', packed([{ path: evidenceFile, bytes: '['.repeat(200_000) + ']'.repeat(200_000) }]), /BUNDLE_DAMAGED/],
    ['foreign', packed([{ path: evidenceFile, bytes: '{"format":"x"}' }]), /not what airstrip writes/], ['newer', packed([{ path: evidenceFile, bytes: stored({ version: 2, airstrip: '9.0.0' }) }]), /BUNDLE_NEWER[^]*airstrip 9\.0\.0/],
    ['a key that is not ours', packed([{ path: evidenceFile, bytes: stored({ evidence: { ...evidence(), more: 1 } }) }]), /at evidence/],
  ]
  for (const [name, bytes, wanted] of files) {
    const path = join(folder, `${name.replace(/\W/g, '-')}.tar.gz`)
    writeFileSync(path, bytes)
    const { code, out, err } = await doctor(folder, ['--from', path])
    t.equal(code, 1, name)
    t.equal(out, '', name)
    t.match(err, wanted, name)
    t.notMatch(err, /\n\s+at |INTERNAL/, name)
  }
  t.match(await doctor(folder, ['--from', join(folder, 'none')]), { code: 1, err: /BUNDLE_UNUSABLE/ })
  t.match(await doctor(folder, ['--from', folder]), { code: 1, err: /no plain file/ })
  t.match(await doctor(folder, ['--from', 'x', '--bundle', 'y']), { code: 64 })
})

void t.test('what a file says steers no terminal', async (t) => {
  const path = join(t.testdir(), 'b.tar.gz')
  writeFileSync(path, packed([{ path: evidenceFile, bytes: stored({ evidence: evidence({ unknown: ['\u001b]0;title\u0007\u001b[2Jgone\u009b31m'] }) }) }]))
  const { deps, out } = fakeDeps({ folder: t.testdirName, files: {} })
  await runCommandLine(['doctor', '--from', path], { ...deps, outColors: true })
  t.match(out.join('\n'), /gone/)
  t.notMatch(out.join('\n').replaceAll(/\p{Cc}\[\d+m/gu, ''), /\p{Cc}(?<!\n)/u)
})

/** The same numbers each time. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const odd: unknown[] = [null, 5, -1, '', 'x', [], {}, [null], [[]], { metadata: null }, '2023-99-99', true, 'a'.repeat(1000)]

/** One value somewhere in it is another, or is missing. */
function mutated(value: unknown, pick: (below: number) => number): unknown {
  if (typeof value !== 'object' || value === null || pick(6) === 0) return odd[pick(odd.length)]
  const keys = Object.keys(value)
  const key = keys[pick(keys.length)]
  if (key === undefined) return odd[pick(odd.length)]
  const inner = mutated((value as Record<string, unknown>)[key], pick)
  if (Array.isArray(value)) return value.map((one: unknown, index) => (String(index) === key ? inner : one))
  return { ...value, [key]: inner }
}

void t.test('whatever a file is made of, it is judged or refused', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'fuzz.tar.gz')
  const pick = chance(42)
  const wholes = Object.values(cases).map((one) => ({ format: 'airstrip-evidence', version: 1, airstrip: '0.1.0', evidence: one, beside: [] }))
  const codes = new Set<number>()
  for (let round = 0; round < 150; round++) {
    const whole = wholes[pick(wholes.length)]
    const bytes = packed([{ path: evidenceFile, bytes: JSON.stringify(round % 3 === 0 ? whole : mutated(mutated(whole, pick), pick)) }])
    const archive = round % 3 === 0 ? flipped(gunzipSync(bytes), pick) : bytes
    writeFileSync(path, round % 3 === 0 && round % 2 === 0 ? flipped(bytes, pick) : round % 3 === 0 ? gzipSync(archive) : bytes)
    const { code, err } = await doctor(folder, ['--from', path])
    codes.add(code)
    if (![0, 1, 3, 4].includes(code) || /\n\s+at |INTERNAL/.test(err)) t.fail(`round ${round}: ${code} ${err}`)
  }
  t.ok(codes.has(1) && codes.has(3), [...codes].join())
})

function flipped(bytes: Buffer, pick: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes)
  for (let times = 0; times < 3; times++) copy[pick(copy.length)] = pick(256)
  return copy
}
