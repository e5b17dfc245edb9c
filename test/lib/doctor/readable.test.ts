/** What a rule reads stays readable: a word like `token` or `secret.yaml` before a colon makes no secret of the cause behind it. */
import t from 'tap'
import type { KubeconfigFacts } from '../../../lib/access.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { mask, redactWith } from '../../../lib/doctor/redact.ts'
import { container, deployment, pod, ready, statefulSet } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const redact = redactWith()

void t.test('a sentence about a token or a Secret has none in it', (t) => {
  const plain = [
    'Unable to connect to the server: getting credentials: exec: executable aws not found',
    'failed to authorize: failed to fetch oauth token: Post "https://harbor.home/service/token": x509: certificate signed by unknown authority',
    'failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized',
    'failed to fetch anonymous token: Get "https://auth.docker.io/token?scope=x": dial tcp: lookup auth.docker.io: no such host',
    'error presenting token: cloudflare: failed to find zone example.org.', 'error presenting token: 10.0.0.1:53 failed',
    'could not access SSH key Secret: stat /etc/git-secret/ssh: no such file or directory', 'panic: open /run/secrets/kubernetes.io/serviceaccount/token: no such file or directory',
    'failed to list *v1.Secret: secrets is forbidden: User "x" cannot list resource "secrets"', 'failed to watch *v1.Secret: k8s.io/client-go: unknown',
    'MountVolume.SetUp failed for volume "webserver-secret": configmap "airflow-config" not found', 'session token: context deadline exceeded',
    'dial tcp: lookup airflow-secrets.airflow.svc: no such host', 'airflow-token: connection refused', 'token: Unauthorized', 'secret_key: must match', 'tls secret: airflow-tls not found',
    'open /etc/x/password: permission denied', 'reading the password: unexpected EOF', 'ALLOW_EMPTY_PASSWORD=yes',
  ]
  for (const text of plain) t.equal(redact(text), text)
  t.end()
})

void t.test('nor has the place in a file, or an exception', (t) => {
  const plain = [
    'Error: UPGRADE FAILED: execution error at (airflow/templates/secrets/metadata-connection-secret.yaml:25:4): data.metadataConnection is needed',
    'Error: YAML parse error on airflow/templates/secrets/fernetkey-secret.yaml: error converting YAML to JSON: yaml: line 3: mapping values are not allowed in this context',
    '[2023-08-02T10:29:40.101+0000] {secrets_manager.py:123} ERROR - boom', '{fernet.py:113} ERROR - boom', 'client/token.go:71: boom',
    'in _get_unverified_token_data: cryptography.fernet.InvalidToken', 'botocore.exceptions.NoCredentialsError: Unable to locate credentials',
    'jwt.exceptions.InvalidSignatureError: Signature verification failed', 'google.auth.exceptions.DefaultCredentialsError: File /x was not found.',
    'cannot patch "airflow-token" with kind Secret: admission webhook "x" denied the request: no', 'failed to destroy network for sandbox \\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\\"',
  ]
  for (const text of plain) t.equal(redact(text), text)
  t.end()
})

void t.test('a secret after the same colon goes all the same', (t) => {
  const hidden = [
    'token: Hunter2xyz was refused', 'token: hunterxyz', 'token: hunterxyz, user: app', 'secret: hunterxyz user=app', '{token: hunterxyz}', 'api_key=hunterxyz of app', 'client_secret: "hunterxyz" failed',
    'password: hunterxyz failed', 'secret.txt: hunterxyz', 'AIRFLOW__WEBSERVER__SECRET_KEY: hunterxyz', 'signature: hunterxyzhunterxyzhunterxyz was refused', 'kind Password: hunterxyz', 'credentials: app hunter2xyz',
  ]
  for (const text of hidden) {
    t.notMatch(redact(text), /hunter/i, text)
    t.ok(redact(text).includes(mask), text)
  }
  t.end()
})

const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDWHJTXZk7rxKs0'

void t.test('of a private key without an end only what looks like one goes', (t) => {
  const named = 'expected -----BEGIN RSA PRIVATE KEY----- in /etc/git-secret/ssh\nTraceback (most recent call last):\nOSError: [Errno 28] No space left on device'
  t.equal(redact(named), named.replace('-----BEGIN RSA PRIVATE KEY-----', mask))
  const keys = [
    `-----BEGIN RSA PRIVATE KEY-----\n${body}\nHunter==`, `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,AB\n\n${body}\nHunter`,
    `2023-08-02 INFO -----BEGIN PRIVATE KEY-----\n2023-08-02 INFO ${body}`, `"-----BEGIN PRIVATE KEY-----\\n"\n"${body}\\n"\n"Hunter\\n"`, `'-----BEGIN PRIVATE KEY-----',\n  '${body}',\n  'Hunter'`,
    `"-----BEGIN PRIVATE KEY-----" +\n"${body}" +\n"Hunter=="`, `['-----BEGIN PRIVATE KEY-----', '${body}', 'Hunter==']`, `['-----BEGIN PRIVATE KEY-----\\n', '${body}\\n', 'Hunter\\n']`, `<p>-----BEGIN PRIVATE KEY-----<br>${body}<br/>Hunter==<br></p>`,
    `-----BEGIN PRIVATE KEY-----<br>\n${body}<br>\nHunter<br>`, `[pod/x/y] -----BEGIN PRIVATE KEY-----\n[pod/x/y] ${body}\n[pod/x/y] Hunter`, `2023-08-02T10:00:00.1Z INFO -----BEGIN PRIVATE KEY-----\n2023-08-02T10:00:00.2Z INFO ${body}\n2023-08-02T10:00:00.3Z INFO Hunter==`,
    `app-1  | -----BEGIN PRIVATE KEY-----\n${body.match(/.{24}/g)?.map((piece) => `app-1  | ${piece}\n`).join('')}app-1  | Hunter`, `at work: -----BEGIN PRIVATE KEY-----\nat work: ${body}\nat work: Hunter==`, `{"key":"-----BEGIN PRIVATE KEY-----\\n${body}\\nHunter==\\n"`, `-----BEGIN PRIVATE KEY----- ${body} Hunter=`,
  ]
  for (const text of keys) {
    const once = redact(`${text}\nFATAL: no space left`)
    t.notMatch(once, /MIIE|Hunter/, text)
    t.match(once, /FATAL: no space left$/, text)
  }
  const next = '[2023-08-02T10:29:40.101+0000] {job.py:3} INFO - Started worker1\n2023-08-02 ERROR - could not open /opt/airflow/dags/example\n2023-08-02 INFO ready'
  for (const before of ['-----BEGIN PRIVATE KEY-----', '[\'-----BEGIN PRIVATE KEY-----\', \'db\']', `2023-08-02 INFO -----BEGIN PRIVATE KEY-----\n2023-08-02 INFO ${body}`]) t.ok(redact(`${before}\n${next}`).endsWith(next), before)
  t.end()
})

const kubeconfig: KubeconfigFacts = { file: '/home/me/.kube/config', exists: true, contexts: ['home'], context: 'home', cluster: 'home', server: 'https://192.168.1.10:6443', others: [] }

void t.test('a rule still names its cause from a redacted text', (t) => {
  const helm = (text: string) => diagnose(evidence({ said: [{ source: 'step helm', at: '2023-08-02T10:00:00Z', text: redact(text) }] })).findings
  t.match(helm('Error: UPGRADE FAILED: execution error at (airflow/templates/secrets/metadata-connection-secret.yaml:25:4): data.metadataConnection is needed')[0], { id: 'values-schema-rejected' })
  t.match(helm('Error: UPGRADE FAILED: cannot patch "airflow-token" with kind Secret: admission webhook "x" denied the request: no')[0], { id: 'admission-refused' })
  const lost = diagnose(evidence({ unreachable: { code: 'CLUSTER_UNREACHABLE', sentence: 'The cluster did not answer.', seen: [redact('Unable to connect to the server: getting credentials: exec: executable aws not found')], kubeconfig } }))
  t.match(lost.findings[0], { id: 'cluster-unreachable-kubeconfig', title: /^The program aws,/ })
  const webserver = pod({ name: 'airflow-webserver-5c9-abcde', status: { ...ready, containerStatuses: [container({ name: 'webserver', ready: true })] } })
  const lines = ['first', '  File "/x/cryptography/fernet.py", line 113, in _get_unverified_token_data: cryptography.fernet.InvalidToken', 'last'].map(redact)
  const log = { namespace: 'airflow', pod: webserver.metadata.name, container: 'webserver', previous: false, lines }
  const found = diagnose(evidence({ workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)], pods: [webserver], logs: [log] })).findings
  t.ok(found.some(({ id }) => id === 'fernet-key-rotated'), found.map(({ id }) => id).join())
  t.end()
})
