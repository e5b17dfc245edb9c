import t from 'tap'
import type { Answer } from '../../../lib/cluster/api.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { readUsage } from '../../../lib/cluster/usage.ts'

const usageOf = (answer: Answer) => readUsage({ ask: () => Promise.resolve(answer), exec: () => Promise.reject(new Error('nothing is run')), target: {}, redactor: createRedactor() }, 'home')
const pod = (name: string, usageNanoCores?: number) => ({ podRef: { name, namespace: 'airflow', uid: 'u' }, cpu: { time: '2023-08-02T10:30:00Z', usageNanoCores } })

void t.test('what a kubelet counts is told in cores, the greediest pods first and the rest as what is no pod', async (t) => {
  const summary = { node: { nodeName: 'home', cpu: { usageNanoCores: 1_750_000_000 } }, pods: [pod('a', 250_000_000), pod('b', 1_000_000_000), pod('c'), pod('d', 1), pod('e', 2)] }
  t.same(await usageOf({ status: 200, text: JSON.stringify(summary) }), {
    node: 'home', cores: 1.75, beside: 0.499999997,
    pods: [{ namespace: 'airflow', name: 'b', cores: 1 }, { namespace: 'airflow', name: 'a', cores: 0.25 }, { namespace: 'airflow', name: 'e', cores: 2e-9 }],
  })
})

void t.test('who may not ask, or whose kubelet counts nothing, is told nothing', async (t) => {
  t.equal(await usageOf({ status: 403, text: '{"kind": "Status", "message": "nodes \\"home\\" is forbidden"}' }), undefined)
  t.equal(await usageOf({ status: 200, text: '{"node": {"nodeName": "home"}, "pods": []}' }), undefined)
})
