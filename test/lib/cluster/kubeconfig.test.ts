import t from 'tap'
import type { Answer } from '../../../lib/cluster/api.ts'
import { findUnreachable, readClockAhead } from '../../../lib/cluster/kubeconfig.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'

const view = {
  'clusters': [{ name: 'home', cluster: { server: 'https://192.168.1.10:6443' } }],
  'contexts': [{ name: 'home', context: { cluster: 'home', user: 'me' } }],
  'users': [{ name: 'me', user: { token: 'REDACTED' } }],
  'current-context': 'home',
}

function of(...answers: Answer[]) {
  return seenWith(view, ...answers)
}

function seenWith(kubeconfig: object, ...answers: Answer[]) {
  const asked: { path: string; limitMs?: number | undefined }[] = []
  const args: string[][] = []
  const found = findUnreachable({
    ask: (question) => {
      asked.push(question)
      return Promise.resolve(answers[asked.length - 1] ?? { exitCode: 1, text: 'unscripted' })
    },
    exec: (call) => {
      args.push(call.args)
      return Promise.resolve({ exitCode: 0, stdout: call.args.includes('json') ? JSON.stringify(kubeconfig) : '', stderr: '', ms: 0 })
    },
    target: { kubeconfig: '/gone/config' },
    redactor: createRedactor(),
    retryMs: 0,
  })
  return { found, asked, args }
}

const refused = { status: 500, text: 'dial tcp 192.168.1.10:6443: connect: connection refused' }

void t.test('a cluster that answers, or refuses what it was asked, is reached', async (t) => {
  t.equal(await of({ status: 200, text: '{}' }).found, undefined)
  t.equal(await of({ status: 403, text: '{"kind":"Status","reason":"Forbidden","message":"namespaces \\"kube-system\\" is forbidden: User \\"viewer\\" cannot get"}' }).found, undefined)
  t.match(of({ status: 200, text: '{}' }).asked, [{ limitMs: 6000 }])
})

void t.test('one that refuses gets one more try, one that is silent a longer one', async (t) => {
  const again = of(refused, { status: 200, text: '{}' })
  t.equal(await again.found, undefined)
  const late = { exitCode: 1, late: true as const, text: 'Unable to connect to the server: net/http: request canceled (no answer within 6 s)' }
  const silent = of(late, late, { ...late, text: late.text.replace('6', '2') })
  t.match(await silent.found, { code: 'CLUSTER_UNREACHABLE', seen: [/within 6 s/] })
  t.match(silent.asked, [{ limitMs: 6000 }, { limitMs: 12_000 }, { path: '/livez/ping', limitMs: 2000 }], 'and whether it lives is asked')
  t.equal(await of(late, { status: 200, text: '{}' }).found, undefined, 'which was only slow')
  t.match(await of(late, late, { status: 200, text: 'ok' }).found, { seen: [/within 6 s/, 'GET /livez/ping was answered at once'] })
})

void t.test('the program that is not installed is not lost in kubectl\'s advice about it', async (t) => {
  // kubectl 1.22, as the lab's said it.
  const text = 'Unable to connect to the server: getting credentials: exec: executable aws-iam-authenticator not found\n\nIt looks like you are trying to use a client-go credential plugin that is not installed.\n\nTo learn more about this feature, consult the documentation available at:\n      https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins\n'
  t.match(await of({ exitCode: 1, text }, { exitCode: 1, text }).found, { code: 'CLUSTER_UNREACHABLE', seen: [/executable aws-iam-authenticator not found/] })
})

void t.test('the API server\'s clock is taken when its answer comes', async (t) => {
  const ahead = (answer: Answer) => readClockAhead({ ask: () => Promise.resolve(answer), exec: () => Promise.reject(new Error('nothing is run')), target: {}, redactor: createRedactor() }, () => new Date('2023-08-02T10:30:00.500Z'))
  t.equal(await ahead({ status: 200, text: 'ok', date: 'Wed, 02 Aug 2023 10:31:00 GMT' }), 59_500)
  t.equal(await ahead({ status: 403, text: '', date: 'Wed, 02 Aug 2023 10:25:00 GMT' }), -300_500, 'a refusal has it as well')
  t.equal(await ahead({ status: 200, text: 'ok' }), undefined)
  t.equal(await ahead({ exitCode: 1, text: 'no' }), undefined)
})

void t.test('the kubeconfig is told without anything secret, and only where it is needed', async (t) => {
  const { found, args } = of(refused, refused)
  t.match(await found, { code: 'CLUSTER_UNREACHABLE', seen: [/connection refused/], kubeconfig: { file: '/gone/config', exists: false, context: 'home', contexts: ['home'], cluster: 'home', server: 'https://192.168.1.10:6443', certificate: undefined } })
  t.ok(args.filter((words) => words.includes('--raw')).every((words) => words.includes('jsonpath={.users[0].user.client-certificate-data}')), 'of the raw file the certificate alone')
  const fine = of({ status: 200, text: '{}' })
  await fine.found
  t.same(fine.args, [])
})

void t.test('who is nobody to the API server has not got in', async (t) => {
  const anonymous = of({ status: 403, text: '{"kind":"Status","reason":"Forbidden","message":"namespaces \\"kube-system\\" is forbidden: User \\"system:anonymous\\" cannot get resource"}' })
  t.match(await anonymous.found, { code: 'CLUSTER_UNREACHABLE', seen: [/system:anonymous/] })
})

void t.test('what a server says to nobody, and its address, are told without what is secret in them', async (t) => {
  const withLogin = { ...view, clusters: [{ name: 'home', cluster: { server: 'https://joe:canary/1@2@192.168.1.10:6443' } }] }
  const found = await seenWith(withLogin, { status: 403, text: '{"kind":"Status","reason":"Forbidden","message":"User \\"system:anonymous\\" cannot get token=canary-token"}' }).found
  t.match(found, { code: 'CLUSTER_UNREACHABLE', kubeconfig: { server: 'https://192.168.1.10:6443' } })
  t.notMatch(JSON.stringify(found), /canary/)
})

void t.test('without kubectl nothing is known of a kubeconfig either', async (t) => {
  t.match(await of({ exitCode: 127, text: 'spawn kubectl ENOENT' }).found, { code: 'TOOL_MISSING', kubeconfig: undefined })
})
