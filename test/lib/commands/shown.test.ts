import t from 'tap'
import type { KubernetesObject, Reader } from '../../../lib/access.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { shownChanges } from '../../../lib/commands/shown.ts'

const map = (data: Record<string, string>): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'airflow' }, data })

void t.test('a line of a diff is looked at without its sign', async (t) => {
  const { redact, add } = createRedactor()
  add('Sommer-8abc')
  const [shown] = await shownChanges([{ step: 'helm', changes: [{ op: 'create', why: 'is not there, token=Hunter7xyz', want: map({ password: 'two words Hunter9xyz', host: 'Sommer-8abc', other: 'visible' }) }] }], {} as Reader, redact)
  t.notMatch(JSON.stringify(shown), /two words|Hunter|Sommer/)
  t.match(shown?.diff, /^\+ {2}host: ••••••\n\+ {2}other: visible\n\+ {2}password: ••••••$/m)
  t.end()
})
