import t from 'tap'
import { meaningOf, parseShow } from '../../../lib/schedule/look.ts'

/** Printed by systemd 252 after a run of a unit that failed. */
const shown = `NextElapseUSecRealtime=Mon 2026-11-23 21:50:03 UTC
LastTriggerUSec=Mon 2026-11-23 21:49:18 UTC
Id=airstrip.timer
ActiveState=active

ExecMainExitTimestamp=Mon 2026-11-23 21:49:25 UTC
ExecMainStatus=1
Id=airstrip.service
ActiveState=failed
`

void t.test('the last and the next run are read from what systemd prints', (t) => {
  t.same(parseShow(shown), { active: true, running: false, lastRun: new Date('2026-11-23T21:49:25Z'), exitCode: 1, nextRun: new Date('2026-11-23T21:50:03Z') })
  t.end()
})

void t.test('after a boot the timer still knows when, but nobody how', (t) => {
  const booted = shown.replace(/ExecMainExitTimestamp=.*/, 'ExecMainExitTimestamp=').replace('ExecMainStatus=1', 'ExecMainStatus=0')
  t.match(parseShow(booted), { lastRun: new Date('2026-11-23T21:49:18Z'), exitCode: undefined })
  t.end()
})

void t.test('what never ran is not taken for a run that went well', (t) => {
  const never = 'NextElapseUSecRealtime=\nLastTriggerUSec=n/a\nId=airstrip.timer\nActiveState=inactive\n\nExecMainExitTimestamp=\nExecMainStatus=0\nId=airstrip.service\nActiveState=inactive\n'
  t.same(parseShow(never), { active: false, running: false, lastRun: undefined, exitCode: undefined, nextRun: undefined })
  t.same(parseShow(''), { active: false, running: false, lastRun: undefined, exitCode: undefined, nextRun: undefined })
  t.end()
})

void t.test('an exit code is told in words', (t) => {
  t.same([0, 2, 75].map((code) => meaningOf(code, 'report')), ['nothing to change', 'changes pending', 'left out: another run was at work'])
  t.equal(meaningOf(0, 'repair'), 'as wanted')
  t.match(meaningOf(226, 'report'), /could not be started.*226/)
  t.match(meaningOf(9, 'report'), 'failed (9)')
  t.end()
})
