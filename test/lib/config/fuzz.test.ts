/**
 * 10,000 files with something wrong in them: each is read, or refused with CONFIG_INVALID; nothing
 * hostile gets through, and no password is repeated. The seed is fixed, so a failure can be met again.
 */
import t from 'tap'
import { isAbsolute } from 'node:path'
import type { Config } from '../../../lib/config/schema.ts'
import { allSaid, contract, everything, outcome, smallest } from './fixtures.ts'

const canary = 'Tr0ub4dor'
const runs = 10_000

/** Numbers from 0 to below `limit` (mulberry32). */
type Dice = (limit: number) => number

function dice(seed: number): Dice {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit)
  }
}

const withPassword = `${smallest}airflow:\n  admin:\n    username: joe\n    password: ${canary}\n    email: joe@example.org\n  values:\n    fernetKey: ${canary}\n`
/** The long one takes five times as long to read: one in eight. */
const bases = [smallest, smallest, smallest, smallest, contract, contract, withPassword, everything]

const hostile = [
  '"a`) || HostRegexp(`{any:.*}"', '"$(reboot)"', '`id`', '; rm -rf /', '"../../etc"', '/srv/../etc', '//', '"a\\nb"', '"\\0"', '"\\u202e"', "'; DROP TABLE dag; --",
  '--kubeconfig=/tmp/x', '-A', '"*"', 'kube-system', '~', 'null', 'true', '1.10', '1e999', '0x1f', '[]', '{}', '[[[[', '{a: ', '*a', '&a [*a]', '!!binary aGk=', '!x y', '<<', '|', '>-',
  '__proto__', 'constructor', '"{{ .Values }}"', '${HOME}', '%2e%2e%2f', 'ａ．ｂ', 'xn--a', '\u0000', '\ufeff', '\u2028', '\ud800', '🛬', '2001-01-01', ' ', '',
  '"', "'", '#', '---', '...', '%YAML 1.1', '? ', '- ', '\t', '\r', ':', 'x'.repeat(5000),
]

type Mutation = (text: string, roll: Dice) => string

const pick = <T>(list: readonly T[], roll: Dice): T => list[roll(list.length)] as T
const lines = (change: (lines: string[], roll: Dice) => void): Mutation => (text, roll) => {
  const list = text.split('\n')
  change(list, roll)
  return list.join('\n')
}

const mutations: Mutation[] = [
  (text, roll) => splice(text, roll(text.length), 1, String.fromCharCode(roll(256))),
  (text, roll) => splice(text, roll(text.length), 1 + roll(5), ''),
  (text, roll) => splice(text, roll(text.length), 0, pick(hostile, roll)),
  (text, roll) => text.slice(0, roll(text.length)),
  lines((list, roll) => list.splice(roll(list.length), 1)),
  lines((list, roll) => list.splice(roll(list.length), 0, pick(list, roll))),
  lines((list, roll) => list.push(...list.splice(roll(list.length), 1 + roll(3)))),
  lines((list, roll) => { change(list, roll, (line) => ' '.repeat(roll(4)) + line); }),
  lines((list, roll) => { change(list, roll, (line) => line.replace(/^ +/u, '')); }),
  lines((list, roll) => { change(list, roll, (line) => line.replace(/: .*$/u, () => `: ${pick(hostile, roll)}`)); }),
  lines((list, roll) => { change(list, roll, (line) => line.replace(/[\w]+:/u, () => `${pick(hostile, roll)}:`)); }),
  lines((list, roll) => { change(list, roll, (line) => line.replace(/(\w)(\w)(\w*:)/u, '$2$1$3')); }),
]

function splice(text: string, at: number, remove: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + remove)
}

function change(list: string[], roll: Dice, by: (line: string) => string): void {
  const at = roll(list.length)
  list[at] = by(list[at] ?? '')
}

/** Written anew here: the schema must not be its own judge. */
function hostileParts({ airflow, storage, ingress, provisioner }: Config): string[] {
  const label = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
  const checks: [name: string, fine: boolean][] = [
    ['host', ingress.host.length <= 253 && ingress.host.split('.').every((part) => part.length <= 63 && label.test(part))],
    ['path', /^(\/[\w.-]+)+$/.test(ingress.path) && !ingress.path.includes('..')],
    ['resolver', /^[\w-]{1,63}$/.test(ingress.certResolver)],
    ['entry point', /^[\w-]{1,63}$/.test(ingress.entryPoint)],
    ['address', /^[0-9a-f.:[\]]+$/.test(ingress.address ?? '::')],
    ['folder', /^(\/[\w.@+-]+)+$/.test(storage.path) && !storage.path.includes('..') && !/^\/(etc|usr|proc|sys|dev|boot)(\/|$)/.test(storage.path)],
    ['sizes', [storage.dagsSize, storage.logsSize].every((size) => /^[1-9][\d.]*[kKMGTPE]i?$/.test(size))],
    ['namespace', label.test(airflow.namespace) && airflow.namespace.length <= 63 && !airflow.namespace.startsWith('kube-')],
    ['release', label.test(airflow.release) && airflow.release.length <= 53],
    ['chart', !/^-|[`$;|&<>"'\\\s]/.test(airflow.chart)],
    ['version', /^(auto|\d+\.\d+\.\d+[\w.+-]*)$/.test(airflow.version)],
    ['provisioner', /^v\d+\.\d+\.\d+$/.test(provisioner.version) && isAbsolute(provisioner.manifest ?? '/')],
    ['names', [airflow.database.user, airflow.database.name].every((name) => /^\w+$/.test(name))],
    ['images', [storage.image, airflow.image?.repository ?? 'a', airflow.image?.tag ?? 'a'].every((image) => /^\w[\w.:/@-]*$/.test(image))],
    ['admin', !/^-|[`$;|&<>"\\\n]/.test(Object.values(airflow.admin).filter((part) => typeof part === 'string').join(' '))],
  ]
  return checks.filter(([, fine]) => !fine).map(([name]) => name)
}

void t.test(`${runs} mutated files`, (t) => {
  const roll = dice(20_260_101)
  const count = { read: 0, refused: 0 }
  for (let run = 0; run < runs; run += 1) {
    let text = pick(bases, roll)
    for (let times = 1 + roll(2); times > 0; times -= 1) text = pick(mutations, roll)(text, roll)
    const result = outcome(text)
    if ('config' in result) {
      count.read += 1
      const parts = hostileParts(result.config)
      if (parts.length > 0) t.fail(`${parts.join()} got through`, { text })
      continue
    }
    const { error } = result
    count.refused += 1
    if (error.seen.length === 0 || !error.seen.every((line) => /^\/home\/joe\/airstrip\.yaml:[1-9]\d*:[1-9]\d*|^… and/u.test(line))) t.fail('a mistake without a place', { text, seen: error.seen })
    if (/[\p{Cc}\p{Cf}]/u.test(error.seen.join(''))) t.fail('a character that moves the cursor', { text, seen: error.seen })
    if (allSaid(error).includes(canary)) t.fail('a password was repeated', { text, seen: error.seen })
  }
  t.ok(count.read > runs / 20 && count.refused > runs / 4, JSON.stringify(count))
  t.equal(({} as Record<string, unknown>).polluted, undefined)
  t.end()
})
