import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseMarker, runWords, type Plan } from '../../../lib/schedule/plan.ts'
import { serviceUnit, timerUnit, type Systemd } from '../../../lib/schedule/units.ts'
import { everyOf, hostile, planFor } from './plan.ts'

const here: Systemd = { version: 252, namespaces: true }
const linesOf = (text: string): string[] => text.split('\n')

void t.test('the first line says whose it is and what it is for', (t) => {
  const plan = planFor({ mode: 'repair', config: hostile })
  for (const text of [serviceUnit(plan, here), timerUnit(plan)]) {
    t.same(parseMarker(linesOf(text)[0]), { keeper: 'system', mode: 'repair', every: '15m', config: hostile, state: '/home/joe/state/state.json' })
  }
  t.equal(parseMarker('# airstrip schedule {}'), undefined)
  t.equal(parseMarker('# airstrip schedule {"keeper":'), undefined)
  t.equal(parseMarker('# my own airstrip unit'), undefined)
  t.end()
})

void t.test('a report changes nothing and fails for no difference; a repair does no more than it may', (t) => {
  t.match(serviceUnit(planFor(), here), /run\.ts diff --detailed-exitcode --quiet --config[^]*\nSuccessExitStatus=2 75 143 SIGTERM\n/)
  t.match(serviceUnit(planFor({ mode: 'repair' }), here), /run\.ts apply --quiet --unattended repair --config[^]*\nSuccessExitStatus=75 143 SIGTERM\n/)
  t.end()
})

void t.test('a timer catches up, and not to the second', (t) => {
  const text = timerUnit(planFor({ every: everyOf('1h') }))
  for (const line of ['OnCalendar=hourly', 'Persistent=true', 'RandomizedDelaySec=360', 'WantedBy=timers.target']) t.ok(linesOf(text).includes(line), line)
  t.end()
})

void t.test('only the state and the downloads can be written', (t) => {
  const text = serviceUnit(planFor(), here)
  t.same(linesOf(text).filter((line) => /^(ReadWritePaths|BindPaths|BindReadOnlyPaths)=/.test(line)), ['ReadWritePaths=/home/joe/state /home/joe/.cache/airstrip /home/joe/.kube/cache'])
  t.match(text, /\nProtectSystem=strict\n/)
  t.end()
})

void t.test('what lies in /tmp is shown to the run, which has a /tmp of its own', (t) => {
  const text = serviceUnit(planFor({ config: '/tmp/a:b/airstrip.yaml', state: '/var/tmp/x/state.json' }), here)
  t.match(text, 'BindPaths=/var/tmp/x\n')
  t.match(text, 'BindReadOnlyPaths="/tmp/a:b/airstrip.yaml"\n')
  t.end()
})

void t.test('a person\'s own timer asks nothing of systemd that it may not do', (t) => {
  const user = planFor({ keeper: 'user', runAs: undefined })
  t.notMatch(serviceUnit(user, here), /^(User|Wants|After)=/m)
  t.match(serviceUnit(user, here), /\nPrivateUsers=true\n/)
  t.notMatch(serviceUnit(user, { ...here, namespaces: false }), /^(PrivateUsers|CapabilityBoundingSet|PrivateDevices|ProtectClock|ProtectKernelLogs|ProtectKernelModules)=/m)
  t.notMatch(serviceUnit(planFor(), { ...here, version: 245 }), /^ProtectProc=/m, 'nor what it does not know yet')
  t.end()
})

/** Undefined where there is no systemd to ask; on CI there must be. */
function analyzer(t: Test): string | undefined {
  const { error, stdout } = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' })
  if (error === undefined) return stdout
  t.not(process.env.CI, 'true', 'systemd-analyze must be there on CI')
  t.comment('systemd-analyze is not installed here, so systemd was not asked what it thinks of the units')
  return undefined
}

/** Its checkout and all else must be there, or systemd-analyze has something to say. */
function written(t: Test, plan: Plan): { service: string; timer: string } {
  const folder = t.testdir({})
  const [service, timer] = [join(folder, 'airstrip.service'), join(folder, 'airstrip.timer')]
  writeFileSync(service, serviceUnit(plan, here))
  writeFileSync(timer, timerUnit(plan))
  return { service, timer }
}

const kinds: Partial<Plan>[] = [
  { runAs: 'root' },
  { runAs: 'daemon', mode: 'repair', every: everyOf('daily') },
  { keeper: 'user', runAs: undefined },
]

void t.test('systemd has nothing to complain of, whatever the paths are', (t) => {
  if (analyzer(t) === undefined) {
    t.end()
    return
  }
  const folder = t.testdir({})
  const odd = join(folder, hostile)
  mkdirSync(odd, { recursive: true })
  for (const [index, kind] of kinds.entries()) {
    for (const program of [planFor().program, { ...planFor().program, checkout: odd }]) {
      const plan = planFor({ ...kind, program, config: `${odd}/airstrip.yaml`, state: `${odd}/state.json`, context: 'joe@home\'s $cluster %h' })
      const { service, timer } = written(t, plan)
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', service, timer], { encoding: 'utf8' })
      t.same({ status, said: stdout + stderr }, { status: 0, said: '' }, `${index}`)
    }
  }
  t.end()
})

void t.test('systemd calls the sandbox at most 3.0', (t) => {
  const version = Number(/^systemd (\d+)/.exec(analyzer(t) ?? '')?.[1] ?? 0)
  if (version < 250) {
    t.comment('systemd-analyze security --offline came with systemd 250; the sandbox was not rated')
    t.end()
    return
  }
  for (const kind of kinds) {
    const { service } = written(t, planFor(kind))
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', service], { encoding: 'utf8' })
    const level = Number(/exposure level for \S+: ([0-9.]+)/.exec(said)?.[1])
    t.ok(level <= 3, `${kind.runAs ?? 'a person\'s own'}: ${level}`)
  }
  t.end()
})

void t.test('systemd reads every word as it was meant', (t) => {
  const plan = planFor({ program: { ...planFor().program, checkout: hostile }, context: 'a\\b' })
  const [, line = ''] = /\nExecStart=(.*)\n/.exec(serviceUnit(plan, here)) ?? []
  t.same(unquoted(line), [`:${process.execPath}`, ...runWords(plan).slice(1)])
  t.end()
})

/** As systemd.syntax(7) says: quotes around a word, a backslash before what is meant as it is, %% for a percent sign. */
function unquoted(line: string): string[] {
  const words = line.match(/"(?:\\.|[^"\\])*"|[^\s"]+/g) ?? []
  return words.map((word) => (word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word).replaceAll('%%', '%'))
}
