import t from 'tap'
import { callKubectl, commandOf, kubectl } from '../../../lib/cluster/connection.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf, fakeExec } from '../../fakes/exec.ts'

const refused = { exitCode: 1, stderr: 'The connection to the server 192.168.1.10:6443 was refused - did you specify the right host or port?\n' }
const server = { when: /^kubectl config view --minify/, answers: { stdout: 'https://192.168.1.10:6443' } }

void t.test('a wrong value is tried once', async (t) => {
  const { exec, calls } = fakeExec([{ when: /apply/, answers: { exitCode: 1, stderr: 'The Service "x" is invalid: spec.ports: Required value\n' } }])
  t.match(await caught(kubectl(connectionOf(exec), ['apply', '-f', '-'], '{}')), { code: 'CALL_FAILED', transient: false, message: 'kubectl apply was refused.', seen: ['The Service "x" is invalid: spec.ports: Required value'] })
  t.equal(calls.length, 1)
})

void t.test('a refused connection is tried four times, and each retry is said', async (t) => {
  const retries: string[] = []
  const { exec, lines } = fakeExec([{ when: /get/, answers: refused }, server])
  const connection = connectionOf(exec, { onRetry: (call, reason, attempt) => retries.push(`${call} ${attempt}: ${reason.slice(0, 14)}`) })
  t.match(await caught(kubectl(connection, ['get', 'pods', '-o', 'json'])), {
    code: 'CLUSTER_UNREACHABLE', transient: true,
    message: 'The cluster did not answer at https://192.168.1.10:6443 (kubeconfig /home/joe/.kube/config).',
    next: /--kubeconfig or --context.*`npm run lab`/,
  })
  t.equal(lines().filter((line) => line.includes('get')).length, 4)
  t.same(retries, [1, 2, 3].map((attempt) => `kubectl get pods json ${attempt}: The connection`))
})

void t.test('a refusal that is overcome is no error', async (t) => {
  const { exec } = fakeExec([{ when: /get/, answers: [refused, refused, { stdout: '{}' }] }])
  t.equal(await kubectl(connectionOf(exec), ['get', 'pods']), '{}')
})

void t.test('an unknown context is unreachable at once, and is named', async (t) => {
  const { exec, calls } = fakeExec([{ when: /get/, answers: { exitCode: 1, stderr: 'error: context "attic" does not exist' } }, { when: /config view/, answers: { exitCode: 1 } }])
  const connection = connectionOf(exec, { target: { context: 'attic' } })
  t.match(await caught(kubectl(connection, ['get', 'pods'])), { code: 'CLUSTER_UNREACHABLE', message: /kubeconfig .*context attic/ })
  t.equal(calls.length, 2)
})

void t.test('a tool that is not there is told by its name', async (t) => {
  const { exec } = fakeExec([{ when: /get/, answers: { exitCode: 127, stderr: 'bash: kubectl: command not found' } }])
  t.match(await caught(kubectl(connectionOf(exec), ['get', 'pods'])), { code: 'TOOL_MISSING', message: 'kubectl is not on the PATH.' })
})

void t.test('an interruption is not a refusal', async (t) => {
  const stop = new AbortController()
  const { exec, calls } = fakeExec([{ when: /get/, answers: () => {
    stop.abort()
    return refused
  } }])
  t.match(await caught(callKubectl(connectionOf(exec, { signal: stop.signal }), ['get', 'pods'])), { code: 'INTERRUPTED' })
  t.equal(calls.length, 1)
})

void t.test('kubeconfig and context reach every call, and every request has an end', async (t) => {
  const { exec, calls } = fakeExec([{ when: /get/, answers: {} }])
  await kubectl(connectionOf(exec, { target: { kubeconfig: '/k', context: 'c' } }), ['get', 'pods'])
  t.same(calls[0]?.args, ['--request-timeout=30s', '--kubeconfig=/k', '--context=c', 'get', 'pods'])
})

void t.test('a secret in a refusal is masked', async (t) => {
  const redactor = createRedactor()
  redactor.add('hunter2-canary')
  const { exec } = fakeExec([{ when: /apply/, answers: { exitCode: 1, stderr: 'invalid value: "hunter2-canary"' } }])
  t.notMatch(JSON.stringify(await caught(kubectl(connectionOf(exec, { redactor }), ['apply', '-f', '-']))), /canary/)
})

void t.test('a login in the address of the server is not told', async (t) => {
  const { exec } = fakeExec([{ when: /get/, answers: refused }, { when: /^kubectl config view --minify/, answers: { stdout: 'https://joe:canary@192.168.1.10:6443' } }])
  t.match(await caught(kubectl(connectionOf(exec), ['get', 'pods'])), { message: 'The cluster did not answer at https://192.168.1.10:6443 (kubeconfig /home/joe/.kube/config).' })
})

void t.test('a call is named without its flags', (t) => {
  t.equal(commandOf('kubectl', ['--kubeconfig=/secret', 'patch', 'PersistentVolume', 'x', '--type=json', '-p', 'y', 'z']), 'kubectl patch PersistentVolume x y')
  t.end()
})
