import { readdirSync } from 'node:fs'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { commands } from '../../lib/commands/records.ts'
import { errorCodes } from '../../lib/errors.ts'
import { faults } from '../../lib/observe/faults.ts'
import type { KubernetesObject } from '../../lib/access.ts'
import { steps } from '../../steps/index.ts'
import { read, root, sources, tracked } from './source.ts'

const stepFiles = readdirSync(`${root}steps`).filter((name) => name !== 'index.ts').sort()

void t.test('a step is called and numbered as its file, and the list has them all in that order', (t) => {
  t.same(steps.map(({ name, number }) => `${String(number).padStart(2, '0')}-${name}.ts`), stepFiles)
  const lines = (read('steps/index.ts') ?? '').split('\n').filter((line) => line.trim() !== '' && !line.startsWith('import '))
  t.equal(lines.length, 1, 'index.ts is the list and nothing else')
  t.end()
})

void t.test('every step says what it is about, what it needs, and how long it waits', (t) => {
  for (const { name, title, about, needs, timeoutMs, number } of steps) {
    t.ok(title.length > 10 && about.length > 20, name)
    t.ok(needs.every((needed) => steps.some((step) => step.name === needed && step.number < number)), `${name} needs what comes before it`)
    t.ok(timeoutMs >= 30_000 && timeoutMs <= 3_600_000, name)
  }
  t.end()
})

void t.test('every error code has an exit code of the contract, a cause and a fix', (t) => {
  for (const [code, { exit, cause, fix }] of Object.entries(errorCodes)) {
    t.ok([1, 64, 70, 75, 130].includes(exit), code)
    t.match(cause, /^[A-Za-z].{15,}\.$/, code)
    t.match(fix, /^[A-Z].{15,}\.$/, code)
  }
  t.end()
})

void t.test('every error code is raised somewhere', (t) => {
  const text = sources.filter((path) => path.startsWith('lib/') && path !== 'lib/errors.ts').map(read).join('\n')
  t.same(Object.keys(errorCodes).filter((code) => !text.includes(`'${code}'`)), [])
  t.end()
})

void t.test('every fault has a rule in words and a time to settle', (t) => {
  for (const [id, { rule, settleMs }] of Object.entries(faults)) {
    t.match(id, /^[a-z0-9]+(-[a-z0-9]+)+$/)
    t.match(rule, /^[A-Z].+\.$/, id)
    t.ok(settleMs >= 0, id)
  }
  t.end()
})

void t.test('the objects of manifests/ can be applied as they stand, and say whose they are', (t) => {
  for (const path of tracked.filter((name) => name.startsWith('manifests/'))) {
    for (const document of parseAllDocuments(read(path) ?? '')) {
      t.same(document.errors, [], path)
      const { apiVersion, kind, metadata } = document.toJS() as KubernetesObject
      t.ok(apiVersion && kind && metadata.name, path)
      t.equal(metadata.labels?.['app.kubernetes.io/managed-by'], 'airstrip', `${path}: ${kind} ${metadata.name}`)
    }
  }
  t.end()
})

void t.test('commands and their flags have a line of help each', (t) => {
  for (const { name, about, options } of commands) {
    t.match(name, /^[a-z]+$/)
    t.ok(about.length > 20, name)
    for (const { flags, about: text } of options) t.ok(/^--[a-z-]+( (<\w+>|\[\w+\]))?$/.test(flags) && text.length > 3, `${name} ${flags}`)
  }
  t.end()
})

void t.test('nothing of the place where this was written is in it', (t) => {
  // A letter behind the slash, or a regular expression of such a word would count as a path.
  const place = /\/(work|root)\/[\w.]/
  t.same(tracked.filter((path) => place.test(read(path) ?? '')), [])
  // Where packages come from is each machine's own affair, so the lock names no address.
  t.notMatch(read('package-lock.json') ?? '', /"resolved":/)
  t.notMatch(read('.npmrc') ?? '', /registry\s*=/)
  t.end()
})
