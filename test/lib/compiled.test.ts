import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import t from 'tap'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(checkout, 'node_modules', '.cache', 'airstrip')

function airstrip(word: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--import=tsx', 'run.ts', word], { cwd: checkout, encoding: 'utf8' })
}

/** Where a command's is, or would be. */
function compiledOf(word: string): string {
  const [folder = ''] = readdirSync(cache).filter((name) => !name.startsWith('.new-'))
  return join(cache, folder, `${word}.v8`)
}

void t.test('what V8 compiled of a command is kept when it has run, and taken by the next run, which says the same', (t) => {
  const first = airstrip('help')
  t.equal(first.status, 0)
  rmSync(compiledOf('help'))
  const again = airstrip('help')
  t.ok(existsSync(compiledOf('help')), 'made anew where it is gone')
  t.same([again.stdout, again.stderr], [first.stdout, first.stderr])
  t.same(airstrip('help').stdout, first.stdout)
  t.end()
})

void t.test('the one file is of ASCII alone, so that no run has to decode it, and knows the signs that are none', (t) => {
  airstrip('help')
  const code = readFileSync(join(compiledOf('help'), '..', 'program.cjs'), 'latin1')
  t.notMatch(code, /[^\0-\x7F]/)
  const [literal = ''] = /\/\[\^\\s\\u2022\]\//.exec(code) ?? []
  const pattern = runInNewContext(literal) as RegExp
  t.same(['••', '• x'].map((cell) => pattern.test(cell)), [false, true], 'as it stands in lib/doctor/looks/structures.ts')
  t.end()
})

void t.test('a command that there is not leaves nothing', (t) => {
  t.equal(airstrip('nonsense').status, 64)
  t.notOk(existsSync(compiledOf('nonsense')))
  t.end()
})
