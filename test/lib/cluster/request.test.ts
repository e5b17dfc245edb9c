import t from 'tap'
import type { Answer } from '../../../lib/cluster/api.ts'
import type { Connection } from '../../../lib/cluster/connection.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { commandFor, readJson } from '../../../lib/cluster/request.ts'
import { fakeApi, refusalOf } from '../../fakes/api.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf, fakeExec } from '../../fakes/exec.ts'

const server = { when: /^kubectl config view --minify/, answers: { stdout: 'https://192.168.1.10:6443' } }
const good: Answer = { status: 200, text: '{"gitVersion":"v1.22.8"}' }

function on(answers: Answer | Answer[], more: Partial<Connection> = {}) {
  const { ask, asked } = fakeApi({ instead: [{ when: /./, answers }] })
  return { asked, connection: connectionOf(fakeExec([server]).exec, { ask, ...more }) }
}

/** As the API server says them, and as `kubectl proxy` does of a server that it does not reach. */
const dial: Answer = { status: 500, text: 'dial tcp 192.168.1.10:6443: connect: connection refused\n' }
const busy = refusalOf(429, 'TooManyRequests', 'the server has received too many requests and has asked us to try again later')

void t.test('a refusal that a moment can overcome is no error, and each further try is said', async (t) => {
  for (const one of [dial, busy, { status: 503, text: 'upstream is starting' }, { status: 429, text: 'slow down' }, { exitCode: 1, text: 'Unable to connect to the server: net/http: request canceled (socket hang up)' }]) {
    const retries: string[] = []
    const { connection, asked } = on([one, one, good], { onRetry: (what, reason, attempt) => retries.push(`${what} ${attempt}: ${reason}`) })
    t.same(await readJson(connection, '/version'), { gitVersion: 'v1.22.8' })
    t.equal(asked.length, 3)
    t.match(retries, [/^kubectl get --raw \/version 1: \S/, /^kubectl get --raw \/version 2: \S/])
  }
})

const table: [Answer, object, number][] = [
  [dial, { code: 'CLUSTER_UNREACHABLE', transient: true, message: 'The cluster did not answer at https://192.168.1.10:6443 (kubeconfig /home/joe/.kube/config).', next: /--kubeconfig or --context.*`npm run lab`/ }, 4],
  [{ status: 500, text: 'dial tcp: lookup home.invalid: no such host' }, { code: 'CLUSTER_UNREACHABLE', transient: false }, 1],
  [{ status: 500, text: 'x509: certificate signed by unknown authority' }, { code: 'CLUSTER_UNREACHABLE', transient: false }, 1],
  [{ status: 500, text: 'getting credentials: exec: executable aws not found' }, { code: 'CLUSTER_UNREACHABLE', seen: [/executable aws not found/] }, 1],
  [refusalOf(401, 'Unauthorized', 'Unauthorized'), { code: 'CLUSTER_UNREACHABLE', message: /does not accept the credentials of the kubeconfig/ }, 1],
  [{ exitCode: 1, text: 'error: context "attic" does not exist' }, { code: 'CLUSTER_UNREACHABLE', message: /no such context/ }, 1],
  [{ exitCode: 127, text: 'sh: 1: exec: kubectl: not found' }, { code: 'TOOL_MISSING', message: 'kubectl is not on the PATH.' }, 1],
  [refusalOf(403, 'Forbidden', 'nodes is forbidden: User "joe" cannot list resource "nodes"'), { code: 'CALL_FAILED', transient: false, message: 'kubectl get --raw /x was refused.', seen: ['Error from server (Forbidden): nodes is forbidden: User "joe" cannot list resource "nodes"'] }, 1],
  [refusalOf(404, 'NotFound', 'x not found'), { code: 'CALL_FAILED' }, 1],
  [{ status: 418, text: '<html>teapot</html>' }, { code: 'CALL_FAILED', seen: ['Error from server (HTTP 418): <html>teapot</html>'] }, 1],
  [busy, { code: 'CALL_FAILED', transient: true }, 4],
]

void t.test('what each refusal is, and how often it is asked again', async (t) => {
  for (const [answer, error, tries] of table) {
    const { connection, asked } = on(answer)
    t.match(await caught(readJson(connection, '/x')), error, answer.text)
    t.equal(asked.length, tries, answer.text)
  }
})

void t.test('a status that means "none" to who asks is none', async (t) => {
  t.equal(await readJson(on(refusalOf(404, 'NotFound', 'x')).connection, '/x', [404]), undefined)
})

void t.test('an answer that is not JSON is told', async (t) => {
  t.match(await caught(readJson(on({ status: 200, text: '<html>' }).connection, '/x')), { code: 'CALL_FAILED', seen: ['<html>'] })
})

void t.test('an interruption is not a refusal', async (t) => {
  const stop = new AbortController()
  const connection = connectionOf(fakeExec([]).exec, { signal: stop.signal, ask: () => {
    stop.abort()
    return Promise.resolve(dial)
  } })
  t.match(await caught(readJson(connection, '/x')), { code: 'INTERRUPTED' })
})

void t.test('a secret in a refusal is masked', async (t) => {
  const redactor = createRedactor()
  redactor.add('hunter2-canary')
  t.notMatch(JSON.stringify(await caught(readJson(on(refusalOf(400, 'BadRequest', 'invalid "hunter2-canary"'), { redactor }).connection, '/x'))), /canary/)
})

void t.test('a question is shown as a person could type it', (t) => {
  t.same(commandFor({ method: 'GET', path: '/version' }), ['get', '--raw', '/version'])
  t.same(commandFor({ method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', body: '{}' }), ['create', '--raw', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', '-f', '-'])
  t.end()
})
