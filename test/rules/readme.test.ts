import { readFileSync } from 'node:fs'
import t from 'tap'
import { commands } from '../../lib/commands/records.ts'
import { parseConfig } from '../../lib/config/load.ts'
import { filled, pages } from '../../scripts/docs/sections.ts'

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
const readme = read('README.md')

void t.test('the generated tables of the pages are what the code says now', (t) => {
  for (const [path, names] of Object.entries(pages)) t.equal(filled(read(path), names), read(path), `run: npx tsx scripts/docs.ts (${path})`)
  t.end()
})

void t.test('the README\'s smallest configuration is one', (t) => {
  const [, yaml = ''] = /```yaml\n([^]*?)```/.exec(readme) ?? []
  t.match(parseConfig(yaml, 'README.md'), { ingress: { host: 'home.example.org', prefix: 'strip' }, airflow: { executor: 'KubernetesExecutor' } })
  t.end()
})

void t.test('a command is either there or named among the limits, never both', (t) => {
  const limits = readme.slice(readme.indexOf('## Limits'), readme.indexOf('## The lab'))
  const there = commands.map(({ name }) => name)
  for (const name of ['apply', 'diff', 'status', 'doctor', 'executors', 'charts', 'init', 'backup', 'restore', 'schedule', 'destroy', 'report', 'completion']) {
    t.equal(limits.includes(`\`${name}\``), !there.includes(name), name)
  }
  t.end()
})
