import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { thisHost } from '../../../lib/adapters/host.ts'
import { runCommandLine } from '../../../lib/commands/cli.ts'
import { removeSchedules, schedulesFor } from '../../../lib/commands/destroy-schedule.ts'
import { runSchedule } from '../../../lib/commands/schedule.ts'
import type { Flags } from '../../../lib/commands/deps.ts'
import { caught } from '../../fakes/caught.ts'
import { fakeDeps, smallest } from '../../fakes/deps.ts'
import type { Scripted } from '../../fakes/exec.ts'

/** What systemctl says on a machine that is well. */
const systemctl: Scripted[] = [
  { when: /^systemctl --version/, answers: { stdout: 'systemd 252 (252.38)\n' } },
  { when: /^systemd-run --user --wait .*PrivateUsers=true/, answers: {} },
  { when: /^systemctl (--user )?(daemon-reload|enable|restart|disable|clean|reset-failed|is-enabled|is-active)/, answers: {} },
  { when: /^setpriv --reuid=\d+ --regid=\d+ --init-groups -- test/, answers: {} },
]

interface Machine {
  systemd?: boolean
  uid?: number
  script?: Scripted[]
  config?: string
}

/** A machine below a folder, with a small `crontab` of its own that keeps a file. */
function machine(t: Test, { systemd = true, uid = 1000, script = systemctl, config = smallest }: Machine = {}) {
  const root = t.testdir({ bin: {}, home: { 'airstrip.yaml': config } })
  if (systemd) mkdirSync(join(root, 'run/systemd/system'), { recursive: true })
  const table = join(root, 'table')
  const program = join(root, 'bin', 'crontab')
  writeFileSync(program, `#!/bin/sh\ncase "$*" in -l) [ -f ${table} ] && exec /bin/cat ${table}; echo "no crontab for joe" >&2; exit 1;; -r) /bin/rm ${table};; -) /bin/cat > ${table};; *) exit 64;; esac\n`)
  chmodSync(program, 0o755)
  const path = join(root, 'home', 'airstrip.yaml')
  const { deps, out, err, calls } = fakeDeps({ folder: root, files: { [path]: config }, script })
  deps.env = { PATH: join(root, 'bin'), HOME: join(root, 'home') }
  const flags: Flags = { config: path, state: join(root, 'home/state/state.json'), color: false, every: '15m', mode: 'report' }
  const host = () => thisHost(deps.env, root, uid)
  const run = (word: string, more: Partial<Flags> = {}): Promise<number> => {
    for (const list of [out, err, calls]) list.length = 0
    return runSchedule([word], { ...flags, ...more }, deps, host())
  }
  const units = join(root, uid === 0 ? 'etc/systemd/system' : 'home/.config/systemd/user')
  return { root, run, host, flags, deps, out, err, calls, table, lines: () => calls.map(({ tool, args }) => [tool, ...args].join(' ')), service: join(units, 'airstrip.service'), timer: join(units, 'airstrip.timer') }
}

void t.test('install writes a service and a timer, and the same again changes nothing', async (t) => {
  const { run, out, err, lines, service, timer, root } = machine(t)
  t.equal(await run('install'), 0)
  t.match(readFileSync(service, 'utf8'), /diff --detailed-exitcode --quiet/)
  t.match(readFileSync(timer, 'utf8'), 'OnCalendar=*:0/15')
  t.same(out, ['scheduled: report, every 15m, by systemd (user)'])
  t.match(err, [`wrote ${service}`, `wrote ${timer}`, /loginctl enable-linger/])
  t.ok(existsSync(join(root, 'home/state')), 'the folder is there before the sandbox needs it')
  t.same(lines().filter((line) => /daemon-reload|enable|restart/.test(line)), ['systemctl --user daemon-reload', 'systemctl --user enable airstrip.timer', 'systemctl --user restart airstrip.timer'])
  t.equal(await run('install'), 0)
  t.same([out, err], [['nothing to change'], []])
  t.notMatch(lines().join('\n'), /daemon-reload|restart/)
})

void t.test('install with other flags updates in place, and a timer that was stopped is set again', async (t) => {
  const stopped = { when: /^systemctl --user is-active/, answers: { exitCode: 3 } }
  const { run, err, lines, service } = machine(t, { script: [stopped, ...systemctl] })
  await run('install')
  t.equal(await run('install', { mode: 'repair', every: 'daily' }), 0)
  t.match(readFileSync(service, 'utf8'), /apply --quiet --unattended repair/)
  t.match(err.join('\n'), `wrote ${service}`)
  await run('install', { mode: 'repair', every: 'daily' })
  t.same(err.slice(0, 1), ['wrote airstrip.timer'])
  t.match(lines().join('\n'), 'systemctl --user restart airstrip.timer')
})

void t.test('root\'s timer runs as the owner of the configuration, if that one can do it', async (t) => {
  const home = t.testdirName
  const refusing = { when: /^setpriv .* test -w .*state$/, answers: [{ exitCode: 1 }, {}] }
  const getent = { when: /^getent passwd \d+/, answers: { stdout: `joe:x:4242:100:Joe:${home}:/bin/sh\n` } }
  const { run, root, service } = machine(t, { uid: 0, script: [getent, refusing, ...systemctl] })
  // Only root can give a file away; for anybody else it is theirs already.
  if (process.getuid?.() === 0) chownSync(join(root, 'home/airstrip.yaml'), 4242, 100)
  mkdirSync(join(root, 'home/state'))
  t.match(await caught(run('install')), { code: 'USAGE', seen: [/^the runs would be those of joe, who owns/, /^joe cannot write .*state$/], next: /^Give joe access/ })
  t.notOk(existsSync(service))
  t.equal(await run('install'), 0)
  t.match(readFileSync(service, 'utf8'), /^User=joe$/m)
  t.match(readFileSync(service, 'utf8'), `Environment=XDG_CACHE_HOME=${home}/.cache\n`)
})

void t.test('dry-run prints what would be written, and writes nothing', async (t) => {
  const { run, out, lines, service, root } = machine(t)
  t.equal(await run('install', { dryRun: true }), 0)
  t.match(out.join('\n'), /^## .*airstrip\.service\n[^]*\n## .*airstrip\.timer\n[^]*Persistent=true/)
  t.notOk(existsSync(service) || existsSync(join(root, 'home/state')))
  t.notMatch(lines().join('\n'), /daemon-reload|enable/)
  await run('install', { dryRun: true, json: true })
  t.match(JSON.parse(out.join('')), { files: [{ path: service }, {}] })
})

void t.test('a unit of that name that somebody else wrote is left alone', async (t) => {
  const { run, timer } = machine(t)
  mkdirSync(join(timer, '..'), { recursive: true })
  writeFileSync(timer, '[Timer]\nOnCalendar=daily\n')
  t.match(await caught(run('install')), { code: 'BLOCKED', place: timer })
  t.match(await caught(run('remove', { user: true })), { code: 'BLOCKED', place: timer })
  t.equal(await run('remove'), 0, 'and is no schedule of ours')
  t.equal(readFileSync(timer, 'utf8'), '[Timer]\nOnCalendar=daily\n')
})

void t.test('remove takes away what install wrote, and says so', async (t) => {
  const { run, out, err, lines, service, timer } = machine(t)
  await run('install')
  t.equal(await run('remove'), 0)
  t.same([out, err], [['not scheduled any more'], [`removed ${service}`, `removed ${timer}`]])
  t.notOk(existsSync(service) || existsSync(timer))
  t.match(lines(), ['systemctl --user disable --now airstrip.timer'])
  t.equal(await run('remove'), 0)
  t.same(out, ['nothing to remove'])
})

void t.test('what systemctl refuses is told with what it said', async (t) => {
  const { run } = machine(t, { script: [{ when: /daemon-reload/, answers: { exitCode: 1, stderr: 'Failed to connect to bus: No medium found\n' } }, ...systemctl] })
  t.match(await caught(run('install')), { code: 'CALL_FAILED', seen: ['Failed to connect to bus: No medium found'], next: /--cron/ })
})

void t.test('without systemd cron does it, and its other lines come back byte for byte', async (t) => {
  const { run, out, err, table } = machine(t, { systemd: false })
  const before = Buffer.from('# mine: caf\xe9\n0 4 * * * backup %\n\n', 'latin1')
  writeFileSync(table, before)
  t.equal(await run('install'), 0)
  t.same([out, err], [['scheduled: report, every 15m, by cron'], ['wrote crontab']])
  t.ok(readFileSync(table).subarray(0, before.length).equals(before))
  t.match(readFileSync(table, 'utf8'), /schedule run --cron --mode report --every 15m/)
  await run('install')
  t.same(out, ['nothing to change'])
  await run('install', { mode: 'repair' })
  t.equal(readFileSync(table, 'utf8').match(/--mode repair/g)?.length, 2)
  t.notMatch(readFileSync(table, 'utf8'), '--mode report')
  t.equal(await run('remove'), 0)
  t.same(err, ['removed airstrip\'s lines from the crontab'])
  t.ok(readFileSync(table).equals(before))
})

void t.test('a crontab that held nothing else is gone with it', async (t) => {
  const { run, table } = machine(t, { systemd: false })
  await run('install')
  await run('remove')
  t.notOk(existsSync(table))
})

void t.test('two schedules at once are refused, with the way to one', async (t) => {
  const { run } = machine(t)
  await run('install')
  t.match(await caught(run('install', { cron: true })), { code: 'BLOCKED', next: /schedule remove --user/ })
})

void t.test('status tells the schedule, the last run and the next', async (t) => {
  const show = { when: /^env TZ=UTC systemctl --user show/, answers: { stdout: 'Id=airstrip.timer\nActiveState=active\nNextElapseUSecRealtime=Wed 2023-08-02 10:15:40 UTC\nLastTriggerUSec=Wed 2023-08-02 10:00:02 UTC\n\nId=airstrip.service\nActiveState=inactive\nExecMainStatus=2\nExecMainExitTimestamp=Wed 2023-08-02 10:00:09 UTC\n' } }
  const { run, out, root } = machine(t, { script: [show, ...systemctl] })
  t.equal(await run('status'), 0)
  t.match(out, [/^not scheduled/])
  await run('status', { json: true })
  t.same(JSON.parse(out.join('')), { installed: false, schedules: [] })
  await run('install')
  await run('status')
  t.match(out.join('\n'), /^report every 15m, by systemd \(user\)\nlast run {3}2023-08-02 10:00 UTC {2}changes pending\nnext run {3}2023-08-02 10:15 UTC\nstate .*no run of apply\nlog .*journalctl --user -u airstrip$/)
  await run('status', { json: true })
  t.match(JSON.parse(out.join('')), { installed: true, schedules: [{ keeper: 'user', mode: 'report', every: '15m', active: true, exitCode: 2, result: 'changes pending', lastRun: '2023-08-02T10:00:09.000Z', nextRun: '2023-08-02T10:15:40.000Z', state: { file: join(root, 'home/state/state.json'), run: null } }] })
})

void t.test('what cron starts says nothing of a clean run, and keeps how it ended', async (t) => {
  const { run, out, err, calls, lines, root } = machine(t, { systemd: false, script: [{ when: /run\.ts diff/, answers: [{}, { exitCode: 2, stdout: 'helm release airflow\n' }, { exitCode: 75, stderr: 'locked' }] }] })
  await run('install')
  t.equal(await run('run'), 0)
  t.same([out, err], [[], []])
  t.match(lines()[0], /^\S+ --import=\S+ \S+run\.ts diff --detailed-exitcode --quiet --config/)
  t.equal(await run('run'), 2)
  t.same(out, ['helm release airflow'])
  t.equal(await run('run'), 0, 'another run at work is no failure')
  t.same([out, err], [[], []])
  await run('status')
  t.match(out.join('\n'), /last run {3}2023-08-02 10:00 UTC {2}changes pending/)
  t.equal(await run('run', { every: 'daily' }), 0)
  t.same(calls, [], 'what is not due is not started')
  rmSync(join(root, 'home/state/state.json.schedule'))
  await run('run', { every: 'daily' })
  t.equal(calls.length, 1)
})

void t.test('what cron starts ends at once while another is at work', async (t) => {
  const { run, deps, calls, root } = machine(t, { systemd: false })
  mkdirSync(join(root, 'home/state'))
  writeFileSync(join(root, 'home/state/state.json.schedule.lock'), JSON.stringify({ holder: 'another-host/1/x', since: 'now', command: 'airstrip schedule run' }))
  t.equal(await run('run'), 0)
  t.same(calls, [])
  t.equal(deps.env.HOME, join(root, 'home'))
})

void t.test('all mistakes of the command line are told at once, and nothing is touched', async (t) => {
  const { run, lines } = machine(t, { systemd: false })
  const error = await caught(run('instal', { every: '7m', mode: 'fix', user: true, cron: true }))
  t.match(error, { code: 'USAGE', exitCode: 64, seen: [/"instal".*did you mean install\?/, /--user and --cron/, /"7m".*15m/, /"fix" is not one of report, repair/] })
  t.match(await caught(run('install', { kubeconfig: '/nowhere/kubeconfig', state: '/a\nb/state.json', system: true })), { seen: [/--state .*line break/, /--kubeconfig .*is not there/, /systemd does not run this machine/, /with sudo/] })
  t.same(lines(), [])
})

void t.test('a configuration with mistakes is not scheduled', async (t) => {
  const { run, service } = machine(t, { config: 'storage: {path: srv}\n' })
  t.match(await caught(run('install')), { code: 'CONFIG_INVALID' })
  t.notOk(existsSync(service))
})

void t.test('it is said that a timer does not have the variables of a shell', async (t) => {
  const { run, err, service } = machine(t, { config: `${smallest}airflow: {admin: {password: {env: ADMIN_PASSWORD}}}\n` })
  await run('install')
  t.match(err.join('\n'), /ADMIN_PASSWORD.*\{ file: PATH \}/)
  t.notMatch(readFileSync(service, 'utf8'), 'ADMIN_PASSWORD')
})

void t.test('the action is a word of the command line', async (t) => {
  const { deps, err } = fakeDeps({ folder: t.testdir({}) })
  t.equal(await runCommandLine(['schedule'], deps), 64)
  t.match(err.join('\n'), /Action is missing; write one of install, remove, status/)
  t.equal(await runCommandLine(['schedule', 'status', 'extra'], deps), 64)
})

void t.test('what is taken down for good takes its own schedule with it, and leaves that of another configuration', async (t) => {
  for (const systemd of [true, false]) {
    const { run, host, flags, deps, service, table } = machine(t, { systemd })
    const isThere = (): boolean => (systemd ? existsSync(service) : existsSync(table) && readFileSync(table, 'utf8').includes('airstrip'))
    await run('install', { mode: 'repair' })
    t.ok(isThere())
    const others = schedulesFor({ ...flags, state: '/srv/other/state.json' }, deps, host())
    t.match(others, { own: [], others: [{ why: /it is for .*airstrip\.yaml/ }] })
    t.same(await removeSchedules(others), [])
    t.ok(isThere(), 'of another state')
    const own = schedulesFor(flags, deps, host())
    t.match(own, { own: [{ why: /runs airstrip repair every 15m/ }], others: [] })
    t.ok((await removeSchedules(own)).length > 0)
    t.notOk(isThere())
  }
})
