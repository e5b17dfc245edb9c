/** A run that waits for ever, saying a new reason each moment: killed by history.test.ts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { historyFiles } from '../../../lib/adapters/history.ts'
import { createHistory, runId } from '../../../lib/engine/history.ts'

const [path = ''] = process.argv.slice(2)
const startedAt = new Date()
const holder = `home/${process.pid}/1`
const history = createHistory(historyFiles(path), { id: runId(startedAt, holder), command: 'airstrip apply', holder, startedAt: startedAt.toISOString(), result: 'running' }, (text) => text, () => undefined)

history.record({ type: 'run-started', command: 'apply', cluster: 'home', steps: ['helm'] }, new Date())
for (let count = 1; ; count++) {
  history.record({ type: 'waiting', step: 'helm', object: 'Pod airflow/a', reason: `reason ${count}`, ms: 0 }, new Date())
  process.stdout.write(`${count}\n`)
  await sleep(1)
}
