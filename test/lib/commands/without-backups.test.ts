import t from 'tap'
import { withoutBackups } from '../../../lib/commands/without-backups.ts'
import type { Change, Check, Step } from '../../../lib/step.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { steps } from '../../../steps/index.ts'

const backup = { op: 'backup', why: '' } as Change
const release = { op: 'release', why: '' } as Change

void t.test('who goes on without a dump sees none in the plan, and everything else', async (t) => {
  const stepOf = (check: Check): Step => ({ ...(steps[3] as Step), check: () => Promise.resolve(check) })
  const found = async (check: Check): Promise<Check | undefined> => withoutBackups([stepOf(check)])[0]?.check({}, clusterReader())
  t.same(await found({ state: 'drifted', changes: [backup, release] }), { state: 'drifted', changes: [release] })
  t.match(await found({ state: 'drifted', changes: [backup] }), { state: 'satisfied' })
  t.match(await found({ state: 'satisfied', evidence: ['x'] }), { evidence: ['x'] })
})
