import t from 'tap'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { collect } from '../../../lib/doctor/collect/index.ts'
import { now } from '../observe/objects.ts'
import { reader } from './evidence.ts'

void t.test('without a cluster no secret is in the evidence either', async (t) => {
  const redactor = createRedactor()
  redactor.add('canary-known')
  const recorded = { state: { path: 'state/state.json' }, said: [{ source: 'step helm', at: now.toISOString(), text: 'password=canary-looks, postgresql://joe:canary-address@db/x, and canary-known' }] }
  const unreachable = {
    code: 'CLUSTER_UNREACHABLE' as const, sentence: 'The cluster did not answer at https://joe:canary-sentence@10.0.0.1:6443.', seen: ['token=canary-seen'],
    kubeconfig: { file: 'x', exists: true, contexts: ['a'], context: 'a', cluster: 'c', server: 'https://joe:canary-server@10.0.0.1:6443', others: [] },
  }
  const found = await collect(reader({}).reader, { namespace: 'airflow', release: 'airflow', recorded, unreachable, redact: redactor.redact, learn: redactor.add })
  t.notMatch(JSON.stringify(found), /canary/)
  t.match(found, { redacted: { known: 1, looks: 5 }, unreachable: { code: 'CLUSTER_UNREACHABLE', kubeconfig: { context: 'a', server: 'https://joe:••••••@10.0.0.1:6443' } } })
})
