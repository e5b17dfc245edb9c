import t from 'tap'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { redacted, redactedError } from '../../../lib/engine/redacted.ts'
import { AirstripError } from '../../../lib/errors.ts'
import { emptyState, stateText, type State } from '../../../lib/engine/state.ts'
import { createHistory, type HistoryFiles } from '../../../lib/engine/history.ts'
import { observe } from '../../../lib/observe/registry.ts'
import { container, context, crashed, event, now, pod } from '../observe/objects.ts'

const { redact, add } = createRedactor()
add('two words-9Q')

void t.test('what the kubelet says is told without what looks like a secret', (t) => {
  const running = pod({ status: { phase: 'Running', containerStatuses: [container({ name: 'scheduler', ready: false, state: { running: { startedAt: '2023-08-02T10:00:00Z' } } })] } })
  const look = observe(running, context({ events: [event(running, 'Unhealthy', 'Readiness probe failed: Authorization: Bearer Hunter8xyz9abc')] }))
  t.match(look, { state: 'waiting', reason: /Hunter8xyz9abc/ }, 'as it is, for a rule has to read it')
  const reason = look.state === 'waiting' ? look.reason : ''
  t.match(redacted({ type: 'waiting', step: 'helm', object: 'Pod x', reason, ms: 1 }, redact), { reason: /Readiness probe failed: Authorization: ••••••$/ })
  t.end()
})

void t.test('neither the state nor the history keeps what looks like a secret', (t) => {
  const crash = observe(pod({ status: { containerStatuses: [crashed(5, { message: 'trying\nno login with password=Hunter9xyz' })] } }), context())
  const findings = crash.state === 'failed' ? [crash.finding] : []
  t.match(JSON.stringify(findings), /Hunter9xyz/)
  const problem = { code: 'FAILED', sentence: 'It said token=Hunter7xyz', seen: ['FATAL: no login with secret_key=Hunter6xyz'], next: 'kubectl create secret generic x --from-literal=connection=FILE', findings }
  const state: State = { ...emptyState(now), steps: { helm: { status: 'failed', error: problem, evidence: ['postgresql://a:Hunter5xyz@db/x'], warnings: findings } } }
  const written: string[] = [stateText(state, redact)]
  const files: HistoryFiles = { read: () => undefined, append: (line) => { written.push(line) }, begin: () => (line) => { written.push(line) } }
  const history = createHistory(files, { id: '1', command: 'apply', holder: 'h/1', startedAt: now.toISOString(), result: 'running' }, redact, () => undefined)
  history.record({ type: 'retry', what: 'helm', reason: 'api_key=Hunter4xyz', attempt: 1 }, now)
  history.end({ endedAt: now.toISOString(), result: 'failed', exitCode: 1, changed: 0, steps: {}, sentence: 'password=Hunter3xyz', findings: ['crash-loop: token=Hunter2xyz'] })
  t.equal(written.length, 3)
  t.notMatch(written.join('\n'), /Hunter\dxyz/)
  t.match(written[0], /--from-literal=connection=FILE/)
  t.end()
})

void t.test('an error that is printed quotes logs without what looks like a secret, and its advice stays whole', (t) => {
  const error = redactedError(new AirstripError('TIMEOUT', 'Pod x said two words-9Q', {
    place: 'two words-9Q.yaml:1:2',
    seen: ['FATAL: postgresql://airflow:Hunter8xyz@db.example.org/airflow'], next: 'kubectl create secret generic x --from-literal=password=VALUE',
    findings: [{ id: 'crash-loop', severity: 'error', title: 'It crashes', evidence: ['api_key=Hunter9xyz'], why: 'since', fix: ['kubectl create secret generic x --from-literal=token=FILE'] }],
  }), redact)
  t.same([error.message, error.place], ['Pod x said ••••••', '••••••.yaml:1:2'])
  t.notMatch(JSON.stringify([error.seen, error.findings]), /Hunter/)
  t.match(error.next, /=password=VALUE$/)
  t.match(error.findings[0]?.fix[0], /=token=FILE$/)
  t.match(redactedError(new Error('no login with token=Hunter7xyz'), redact), { message: 'no login with token=••••••' })
  const unread = new SyntaxError('Unexpected token H in JSON: "Hunter6xyz"')
  t.equal(redactedError(unread, redact), unread, 'whoever prints it knows by its kind that it quotes what was read')
  t.end()
})

void t.test('a known secret goes whole, before its first word is taken for one', (t) => {
  t.same(redacted({ reason: 'with password=two words-9Q now' }, redact), { reason: 'with password=•••••• now' })
  t.end()
})

void t.test('what the program says itself is only searched for known secrets', (t) => {
  const own = { type: 'change', step: 'helm', object: 'Secret airflow/x', why: 'password: a → b', fix: ['kubectl create secret generic x --from-literal=password=VALUE'] }
  t.same(redacted(own, redact), own)
  t.end()
})

void t.test('its own titles stay whole where they speak of a key', (t) => {
  for (const title of ['The Fernet key was changed by hand', 'The Fernet key is younger than the database', 'The webserver\'s secret key is made anew at each upgrade', 'the Secret with its password is gone', 'A Fernet key is 32 bytes']) t.same(redacted({ title }, redact), { title })
  t.end()
})
