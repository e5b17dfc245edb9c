import type { Installs } from './install.ts'
import type { Result } from './rounds.ts'
import { listed, total } from './trace.ts'
import { table } from './table.ts'
import { kept, type Spread, type Verdict } from './statistics.ts'

export interface Grown {
  /** Objects in the release. */
  objects: number
  result: Result
}

const seconds = (value: number): string => value.toFixed(2)

function around({ median, from, to }: Spread): string[] {
  return [seconds(median), `${seconds(from)}–${seconds(to)}`]
}

function rowOf({ title, wall, cpu, memory, processes, calls }: Result): string[] {
  return [
    title, ...around(wall), String(wall.n), seconds(cpu.median), memory.process.toFixed(0), memory.tree.toFixed(0),
    String(total(processes)), String(calls.all), String(calls.discovery), String(calls.writes),
  ]
}

const HEAD = ['', 'median s', 'from–to', 'n', 'cpu s', 'MB', 'MB all', 'processes', 'API calls', 'discovery', 'writes']

function comparison(results: readonly Result[]): string {
  const details = results.flatMap(({ title, processes, calls }) => [title, `  processes: ${listed(processes)}`, `  API calls: ${listed(calls.by, 8)}`])
  return [table([HEAD, ...results.map(rowOf)]), '', ...details].join('\n')
}

function growth(grown: readonly Grown[], what: string): string {
  const rows = grown.map(({ objects, result }) => [String(objects), ...rowOf(result)])
  return table([[what, ...HEAD], ...rows])
}

/** The promises of the README, measured. Seconds and megabytes depend on the machine, so only the ratios can be broken. */
export function verdicts(results: readonly Result[], installs: Installs | undefined, doctor: readonly Grown[], official: boolean): Verdict[] {
  const of = (id: string): Result | undefined => results.find(result => result.id === id)
  const [airstrip, shell, ansible] = [of('airstrip'), of('shell'), of('ansible')]
  if (airstrip === undefined) return []
  const ratio = (other: Result | undefined, limit: number, judged: boolean, note: string): Verdict[] =>
    other === undefined ? [] : [{ promise: `over ${other.title}`, measured: airstrip.wall.median / other.wall.median, limit, unit: '×', judged, note }]
  return [
    { promise: 'a run that finds nothing to do', measured: airstrip.wall.median, limit: 1, unit: 's', judged: false, note: 'depends on the machine' },
    ...ratio(shell, 0.12, official, official ? '' : "the stand-in chart renders at once; the promise is about the official one, --chart"),
    ...ratio(ansible, 0.3, true, ''),
    { promise: 'memory, all its processes', measured: airstrip.memory.tree, limit: 150, unit: 'MB', judged: false, note: 'depends on the machine' },
    ...installVerdicts(installs),
    ...doctor.filter(({ result }) => result.id === 'doctor').flatMap((one) => doctorVerdicts(one, doctor)),
    { promise: 'writes', measured: airstrip.calls.writes, limit: 0, unit: '', judged: true, note: '' },
  ]
}

function installVerdicts(installs: Installs | undefined): Verdict[] {
  if (installs === undefined) return []
  return [{ promise: 'first install over the same shell commands', measured: installs.airstrip.median / installs.shell.median, limit: 1.05, unit: '×', judged: true, note: '' }]
}

function doctorVerdicts({ objects, result }: Grown, all: readonly Grown[]): Verdict[] {
  const byHand = all.find((one) => one.objects === objects && one.result.id === 'look')
  const among = objects === 0 ? '' : `, ${objects} pods more`
  return [
    { promise: `the doctor${among}`, measured: result.wall.median, limit: objects === 0 ? 1.5 : 10, unit: 's', judged: false, note: 'depends on the machine' },
    ...(byHand === undefined ? [] : [{ promise: `the doctor${among} over ${byHand.result.title}`, measured: result.wall.median / byHand.result.wall.median, limit: 1, unit: '×', judged: true, note: '' }]),
    { promise: `its memory${among}`, measured: result.memory.tree, limit: 300, unit: 'MB', judged: false, note: 'depends on the machine' },
  ]
}

function verdictLines(all: readonly Verdict[]): string {
  const rows = all.map(one => [
    one.promise, one.measured.toFixed(one.unit === '' ? 0 : 2), `≤ ${one.limit} ${one.unit}`.trimEnd(),
    one.measured <= one.limit ? 'kept' : kept(one) ? 'not reached' : 'BROKEN', one.note,
  ])
  return table([['promise', 'measured', 'at most', '', ''], ...rows])
}

export interface Measured {
  about: string
  results: readonly Result[]
  /** By pods more in the namespace. */
  doctor: readonly Grown[]
  grown: readonly Grown[]
  installs: Installs | undefined
}

export function text({ about, results, doctor, grown, installs }: Measured, promises: readonly Verdict[]): string {
  const first = installs === undefined ? [] : Object.entries(installs as unknown as Record<string, Spread>).map(([who, times]) => [who, ...around(times), String(times.n)])
  return [
    about,
    comparison(results),
    ...(doctor.length === 0 ? [] : [growth(doctor, 'the doctor, pods more')]),
    ...(grown.length === 0 ? [] : [growth(grown, 'objects in the release')]),
    ...(first.length === 0 ? [] : [table([['first install', 'median s', 'from–to', 'n'], ...first])]),
    verdictLines(promises),
  ].join('\n\n')
}
