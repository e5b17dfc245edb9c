import t from 'tap'
import { importsOf, program, sources } from './source.ts'

/** Arrows only go down this list (architecture.md). The first pattern that fits a file is its layer. */
const layers: readonly [name: string, files: RegExp][] = [
  ['types', /^lib\/(access|dump|helm|object|step|errors)\.ts$/],
  ['pure', /^lib\/((config|manifest|observe|diff|airflow|database|preflight|schedule|doctor)\/|(changes|check|json|shell-word)\.ts$)/],
  ['steps', /^steps\//],
  ['cluster', /^lib\/cluster\//],
  ['engine', /^lib\/engine\//],
  ['report and adapters', /^lib\/(report|adapters)\//],
  ['commands', /^lib\/commands\//],
  ['program', /^lib\/(program|compiled)\.ts$/],
  ['run.ts', /^run\.ts$/],
]

function layerOf(path: string): number {
  return layers.findIndex(([, files]) => files.test(path))
}

const ours = (path: string): string[] => importsOf(path).filter((other) => other.endsWith('.ts'))

void t.test('every file of the program has its layer', (t) => {
  t.same(program.filter((path) => layerOf(path) < 0), [])
  t.same(layers.filter((_, index) => !program.some((path) => layerOf(path) === index)), [], 'and every layer a file')
  t.end()
})

void t.test('imports only go down', (t) => {
  const up = program.flatMap((path) => ours(path).filter((other) => layerOf(other) > layerOf(path) || layerOf(other) < 0).map((other) => `${path} imports ${other}`))
  t.same(up, [])
  t.end()
})

void t.test('the list of steps is for commands alone: the engine and the cluster are given it', (t) => {
  const wrong = program.filter((path) => /^lib\/(cluster|engine|report|adapters)\//.test(path)).flatMap((path) => ours(path).filter((other) => other.startsWith('steps/')).map((other) => `${path} imports ${other}`))
  t.same(wrong, [])
  t.end()
})

void t.test('a step knows no other step', (t) => {
  const wrong = program.filter((path) => path.startsWith('steps/') && path !== 'steps/index.ts').flatMap((path) => ours(path).filter((other) => other.startsWith('steps/')).map((other) => `${path} imports ${other}`))
  t.same(wrong, [])
  t.end()
})

void t.test('there are no cycles', (t) => {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, above: string[]): void => {
    if (above.includes(path)) cycles.push([...above.slice(above.indexOf(path)), path].join(' → '))
    if (done.has(path) || above.includes(path)) return
    for (const other of ours(path)) visit(other, [...above, path])
    done.add(path)
  }
  for (const path of sources) visit(path, [])
  t.same(cycles, [])
  t.end()
})

void t.test('nobody imports run.ts, and the program nothing of its scripts and tests', (t) => {
  const wrong = sources.flatMap((path) => ours(path).filter((other) => other === 'run.ts' || (program.includes(path) && /^(scripts|test)\//.test(other))).map((other) => `${path} imports ${other}`))
  t.same(wrong, [])
  t.end()
})

void t.test('zx is known in one file, and processes are started in lib/cluster alone', (t) => {
  const importersOf = (word: RegExp): string[] => program.filter((path) => importsOf(path).some((other) => word.test(other)))
  t.same(importersOf(/^zx/), ['lib/cluster/exec.ts'])
  t.same(importersOf(/^(node:)?child_process$/).filter((path) => !/^lib\/(cluster|adapters)\//.test(path)), [])
  t.end()
})

void t.test('what judges reads no file, clock, network or environment of its own', (t) => {
  // manifest/load.ts reads our own manifests/, and config's outline is made of the schema: both are data of the program.
  const allowed = ['lib/manifest/load.ts']
  const world = /^(node:)?(fs|fs\/promises|net|http|https|http2|dns|dns\/promises|tls|os|process|timers|timers\/promises|worker_threads|crypto)$/
  const judges = program.filter((path) => ['types', 'pure', 'steps', 'engine'].includes(layers[layerOf(path)]?.[0] ?? ''))
  // isIP and createHash are functions of their argument.
  const harmless = ['lib/config/names.ts', 'lib/engine/state.ts']
  t.same(judges.filter((path) => !allowed.includes(path) && !harmless.includes(path) && importsOf(path).some((other) => world.test(other))), [])
  t.end()
})

void t.test('there are no path aliases and no extensions left out', (t) => {
  const wrong = sources.flatMap((path) => importsOf(path).filter((other) => /^(@\/|~|#|\/)/.test(other) || (/^(lib|steps|test|scripts)\//.test(other) && !/\.\w+$/.test(other))).map((other) => `${path} imports ${other}`))
  t.same(wrong, [])
  t.end()
})
