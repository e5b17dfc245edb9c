import t from 'tap'
import { answerTo, nameTable } from '../../scripts/lab/standin/programs/dns-names.ts'

const at = (name: string) => ({ metadata: { name, namespace: 'airflow' } })
const names = nameTable(
  [{ ...at('web'), spec: { clusterIP: '10.96.1.2' } }, { ...at('db-hl'), spec: { clusterIP: 'None' } }],
  [{ ...at('db-hl'), subsets: [{ addresses: [{ ip: '10.0.0.7' }, { ip: '10.0.0.8' }] }] }],
)

function question(name: string, type: number): Buffer {
  const labels = name.split('.').flatMap(label => [Buffer.from([label.length]), Buffer.from(label)])
  return Buffer.concat([Buffer.from('abcd01000001000000000001', 'hex'), ...labels, Buffer.from([0, 0, type, 0, 1])])
}

void t.test('a service has its address, a headless one those of its pods', t => {
  const answer = answerTo(question('WEB.airflow.svc.cluster.local', 1), names)
  t.equal(answer?.readUInt16BE(0), 0xabcd, 'the id comes back')
  t.equal(answer?.readUInt16BE(6), 1)
  t.strictSame([...(answer?.subarray(-4) ?? [])], [10, 96, 1, 2])
  t.equal(answerTo(question('db-hl.airflow.svc.cluster.local', 1), names)?.readUInt16BE(6), 2)
  t.end()
})

void t.test('an unknown name is an error, another type of a known one is not', t => {
  const code = (name: string, type: number) => (answerTo(question(name, type), names)?.readUInt16BE(2) ?? 0) & 0xf
  t.equal(code('nobody.airflow.svc.cluster.local', 1), 3)
  t.equal(code('web.airflow.svc.cluster.local', 28), 0)
  t.end()
})

void t.test('what is no question gets no answer', t => {
  t.equal(answerTo(Buffer.alloc(3), names), undefined)
  t.equal(answerTo(Buffer.concat([Buffer.alloc(12), Buffer.from([63, 1, 2, 3, 4, 5])]), names), undefined)
  t.end()
})
