import t from 'tap'
import { createReader, type Surroundings } from '../../../lib/cluster/reader.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf, fakeExec, type Scripted } from '../../fakes/exec.ts'

const around = { secret: () => Promise.resolve('canary-secret') } as unknown as Surroundings

function readerOn(...script: Scripted[]) {
  const fake = fakeExec(script)
  const connection = connectionOf(fake.exec)
  return { ...fake, connection, reader: createReader(connection, around) }
}

void t.test('versions are those of the server, of kubectl and of Helm', async (t) => {
  const { reader } = readerOn(
    { when: /^kubectl version -o json$/, answers: { stdout: '{"clientVersion":{"gitVersion":"v1.22.0"},"serverVersion":{"gitVersion":"v1.22.8"}}' } },
    { when: /^helm version/, answers: { stdout: 'v3.9.4\n' } },
  )
  t.same(await reader.versions(), { server: 'v1.22.8', kubectl: 'v1.22.0', helm: 'v3.9.4' })
})

void t.test('a missing Helm is named', async (t) => {
  const { reader } = readerOn(
    { when: /^kubectl version/, answers: { stdout: '{"clientVersion":{"gitVersion":"v1.22.0"},"serverVersion":{"gitVersion":"v1.22.8"}}' } },
    { when: /^helm version/, answers: { exitCode: 127, stderr: 'bash: helm: command not found' } },
  )
  t.match(await caught(reader.versions()), { code: 'TOOL_MISSING', message: 'helm is not on the PATH.' })
})

void t.test('all permissions come with one question, which changes nothing', async (t) => {
  const rules = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]
  const { reader, calls, lines } = readerOn({ when: /^kubectl create/, answers: { stdout: JSON.stringify({ status: { resourceRules: rules, incomplete: false } }) } })
  t.same(await reader.permissions('airflow'), { rules, incomplete: false })
  t.equal(lines().length, 1)
  t.match(JSON.parse(calls[0]?.stdin ?? ''), { kind: 'SelfSubjectRulesReview', spec: { namespace: 'airflow' } })
})

void t.test('a release that is not there is none, asked for by its labels', async (t) => {
  const { reader, lines } = readerOn({ when: /^kubectl get secrets/, answers: { stdout: '{"kind":"List","items":[]}' } })
  t.equal(await reader.release('airflow', 'airflow'), undefined)
  t.same(lines(), ['kubectl get secrets -n airflow -l owner=helm,name=airflow,status!=superseded -o json'])
})

void t.test('logs are redacted, and a container without any has none', async (t) => {
  const { reader, lines, connection } = readerOn({ when: /^kubectl logs/, answers: [{ stdout: 'password canary-log\n' }, { exitCode: 1, stderr: 'previous terminated container "x" in pod "p" not found' }] })
  connection.redactor.add('canary-log')
  t.equal(await reader.logs({ namespace: 'airflow', pod: 'p', container: 'x', lines: 20 }), 'password ••••••\n')
  t.equal(await reader.logs({ namespace: 'airflow', pod: 'p', container: 'x', lines: 20, previous: true }), undefined)
  t.match(lines()[1], /--tail=20 --previous$/)
})

void t.test('a secret that was read is masked from then on', async (t) => {
  const { reader, connection } = readerOn()
  await reader.secret({ env: 'X' })
  t.equal(connection.redactor.redact('canary-secret'), '••••••')
})
