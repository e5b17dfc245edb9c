import t from 'tap'
import { createReader, type Surroundings } from '../../../lib/cluster/reader.ts'
import { fakeApi, refusalOf, type FakeApi } from '../../fakes/api.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf, fakeExec } from '../../fakes/exec.ts'

const around = { secret: () => Promise.resolve('canary-secret'), tools: () => Promise.resolve({ kubectl: 'v1.22.0', helm: 'v3.9.4' }) } as unknown as Surroundings

function readerOn(api: FakeApi = {}) {
  const fake = fakeApi(api)
  const connection = connectionOf(fakeExec([]).exec, { ask: fake.ask })
  return { ...fake, connection, reader: createReader(connection, around) }
}

void t.test('versions are those of the server, of kubectl and of Helm', async (t) => {
  t.same(await readerOn({ version: 'v1.22.8' }).reader.versions(), { server: 'v1.22.8', kubectl: 'v1.22.0', helm: 'v3.9.4' })
})

void t.test('all permissions come with one question, which changes nothing', async (t) => {
  const rules = [{ verbs: ['get'], apiGroups: ['*'], resources: ['*'] }]
  const { reader, questions } = readerOn({ rules })
  t.same(await reader.permissions('airflow'), { rules, incomplete: false })
  t.match(questions, [{ method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews' }])
  t.match(JSON.parse((questions[0] as { body: string }).body), { kind: 'SelfSubjectRulesReview', spec: { namespace: 'airflow' } })
})

void t.test('a release that is not there is none, asked for by its labels', async (t) => {
  const { reader, asked } = readerOn()
  t.equal(await reader.release('airflow', 'airflow'), undefined)
  t.same(asked.map(decodeURIComponent), ['GET /api/v1/namespaces/airflow/secrets?labelSelector=owner=helm,name=airflow,status!=superseded&limit=500'])
})

const logs = { namespace: 'airflow', pod: 'p', container: 'x', lines: 20 }

void t.test('logs are redacted, and a container without any has none', async (t) => {
  const none = refusalOf(400, 'BadRequest', 'previous terminated container "x" in pod "p" not found')
  const { reader, asked, connection } = readerOn({ instead: [{ when: /previous/, answers: none }, { when: /log\?/, answers: { status: 200, text: 'password \u001b[1mcanary-log\u001b[0m\n' } }] })
  connection.redactor.add('canary-log')
  t.equal(await reader.logs(logs), 'password ••••••\n')
  t.equal(await reader.logs({ ...logs, previous: true }), undefined)
  t.same(asked, ['GET /api/v1/namespaces/airflow/pods/p/log?container=x&tailLines=20', 'GET /api/v1/namespaces/airflow/pods/p/log?container=x&tailLines=20&previous=true'])
})

void t.test('what the kubelet writes in the place of a log is none, and while a container ends once more the log is asked for again', async (t) => {
  const gone = 'unable to retrieve container logs for containerd://4e76460ca979'
  const ofCriO = 'unable to retrieve container logs for cri-o://4e76460ca979'
  const noFile = 'failed to try resolving symlinks in path "/var/log/pods/airflow_p_56213b36/x/2.log": lstat /var/log/pods/airflow_p_56213b36/x/2.log: no such file or directory'
  const { reader, asked } = readerOn({ instead: [{ when: /previous/, answers: { status: 200, text: gone } }, { when: /log\?/, answers: [ofCriO, noFile, 'it crashed\n'].map((text) => ({ status: 200, text })) }] })
  t.equal(await reader.logs({ ...logs, previous: true }), undefined)
  t.equal(asked.length, 1, 'a run before the present one does not come back')
  t.equal(await reader.logs({ ...logs, patient: true }), 'it crashed\n')
  t.equal(asked.length, 4)
  const collector = `${noFile}\n${noFile}\n`
  t.equal(await readerOn({ instead: [{ when: /log\?/, answers: { status: 200, text: collector } }] }).reader.logs(logs), collector, 'a program that reads the node\'s logs says such things itself')
  const never = readerOn({ instead: [{ when: /log\?/, answers: { status: 200, text: gone } }] })
  t.equal(await never.reader.logs({ ...logs, patient: true }), undefined)
  t.equal(never.asked.length, 3)
  t.equal(await never.reader.logs(logs), undefined)
  t.equal(never.asked.length, 4, 'what ended long ago does not come back')
})

void t.test('logs that may not be read are not none', async (t) => {
  const { reader } = readerOn({ instead: [{ when: /log\?/, answers: refusalOf(403, 'Forbidden', 'pods "p" is forbidden') }] })
  t.match(await caught(reader.logs(logs)), { code: 'CALL_FAILED', seen: [/forbidden/] })
})

void t.test('a kubelet that hangs is asked once, and not for long', async (t) => {
  const { reader, asked } = readerOn({ instead: [{ when: /log\?/, answers: { exitCode: 1, late: true, text: 'Unable to connect to the server: net/http: request canceled (no answer within 8 s)' } }] })
  t.match(await caught(reader.logs(logs)), { code: 'TIMEOUT', message: 'The kubelet gave no log of airflow/p within 8 s.' })
  t.equal(asked.length, 1)
})

void t.test('a secret that was read is masked from then on', async (t) => {
  const { reader, connection } = readerOn()
  await reader.secret({ env: 'X' })
  t.equal(connection.redactor.redact('canary-secret'), '••••••')
})
