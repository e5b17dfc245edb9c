/** Whatever a person does to the cluster by hand is shown once, rightly, and nothing else; and is put back as it was shown. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import type { KubernetesObject } from '../../lib/access.ts'
import { checkout } from '../../scripts/lab/paths.ts'
import { get, kubectl, list, recordsOf } from './cluster.ts'
import { audit } from './people.ts'
import { exits, says, site, writtenBy, type Run, type Site } from './site.ts'

const n = 'hand'
const kube = (...args: string[]): Promise<string> => kubectl(['-n', n, ...args])
const merge = (object: string, patch: object): Promise<string> => kube('patch', object, '--type=merge', '-p', JSON.stringify(patch))
const podPatch = (object: string, spec: object): Promise<string> => kube('patch', object, '-p', JSON.stringify({ spec: { template: { spec } } }))
const add = (object: string, path: string, value: unknown): Promise<string> => kube('patch', object, '--type=json', '-p', JSON.stringify([{ op: 'add', path, value }]))

interface Edit {
  /** Where it is shown: step, what is done, and the object. */
  shown: string
  harm: () => Promise<unknown>
  /** The lines of the diff; `all` of a new object. */
  lines: string[] | 'all'
}

const edits: Edit[] = [
  { shown: 'helm patch Deployment airflow-statsd', harm: async () => [await kube('scale', 'deploy/airflow-statsd', '--replicas=2'), await kube('set', 'image', 'deploy/airflow-statsd', 'statsd=statsd:9')], lines: ['-  replicas: 2', '+  replicas: 1', '-          image: statsd:9', '+          image: quay.io/prometheus/statsd-exporter:v0.22.8'] },
  { shown: 'helm patch Deployment airflow-webserver', harm: () => kube('set', 'env', 'deploy/airflow-webserver', '-c', 'webserver', 'FOO=bar', 'DB_PASSWORD=canary-env'), lines: ['-            - name: FOO', '-              value: bar', '-            - name: DB_PASSWORD', '-              value: ••••••'] },
  { shown: 'helm patch Deployment airflow-scheduler', harm: () => podPatch('deploy/airflow-scheduler', { containers: [{ name: 'scheduler-log-groomer', volumeMounts: [{ name: 'logs', mountPath: '/again' }] }, { name: 'side', image: 'busybox:1', command: ['sleep', '9'] }] }), lines: ['-            - mountPath: /again', '-              name: logs', '-        - command:', '-            - sleep', '-            - "9"', '-          image: busybox:1', '-          imagePullPolicy: IfNotPresent', '-          name: side', '-          resources: {}', '-          terminationMessagePath: /dev/termination-log', '-          terminationMessagePolicy: File'] },
  { shown: 'helm patch StatefulSet airflow-triggerer', harm: () => kube('label', 'sts/airflow-triggerer', 'tier=mine', 'release-', 'team=a', '--overwrite'), lines: ['-    team: a', '-    tier: mine', '+    tier: airflow', '+    release: airflow'] },
  { shown: 'helm create Service airflow-postgresql', harm: () => kube('delete', 'service', 'airflow-postgresql'), lines: 'all' },
  { shown: 'helm create ServiceAccount airflow-airflow-scheduler', harm: () => kube('delete', 'serviceaccount', 'airflow-airflow-scheduler'), lines: 'all' },
  { shown: 'helm patch Service airflow-webserver', harm: () => add('service/airflow-webserver', '/spec/ports/-', { name: 'second', port: 9999 }), lines: ['-    - name: second', '-      port: 9999', '-      protocol: TCP', '-      targetPort: 9999'] },
  { shown: 'helm patch ConfigMap airflow-statsd', harm: () => merge('configmap/airflow-statsd', { data: { 'mappings.yml': 'mappings: [1]', more: 'x' } }), lines: ['-  more: x', '-  mappings.yml: "mappings: [1]"', '+  mappings.yml: "mappings: []"'] },
  { shown: 'helm replace ConfigMap airflow-airflow-config', harm: () => merge('configmap/airflow-airflow-config', { immutable: true }), lines: ['-immutable: true'] },
  { shown: 'helm patch RoleBinding airflow-pod-launcher-rolebinding', harm: () => add('rolebinding/airflow-pod-launcher-rolebinding', '/subjects/-', { kind: 'ServiceAccount', name: 'default', namespace: n }), lines: ['-  - kind: ServiceAccount', '-    name: default', `-    namespace: ${n}`] },
  { shown: 'helm patch ServiceAccount airflow-airflow-webserver', harm: foreignOwner, lines: ['-    meta.helm.sh/release-name: other', '+    meta.helm.sh/release-name: airflow', '-    app.kubernetes.io/managed-by: kustomize', '+    app.kubernetes.io/managed-by: Helm', '-  ownerReferences:', '-    - apiVersion: v1', '-      kind: ConfigMap', '-      name: kube-root-ca.crt', '-      uid: UID'] },
  { shown: 'helm patch Secret airflow-plain', harm: () => merge('secret/airflow-plain', { stringData: { password: 'canary-hand' } }), lines: ['-  password: ••••••', '+  password: ••••••'] },
  { shown: 'helm create Secret airflow-hooked', harm: () => kube('delete', 'secret', 'airflow-hooked'), lines: 'all' },
  { shown: `storage update PersistentVolume ${n}-local-logs-pv`, harm: () => kubectl(['label', 'pv', `${n}-local-logs-pv`, 'mine=1']), lines: ['-    mine: "1"'] },
  { shown: 'storage update PersistentVolumeClaim airflow-local-dags-folder', harm: () => kube('annotate', 'pvc', 'airflow-local-dags-folder', 'note=x'), lines: ['-    note: x'] },
  { shown: 'ingress update Middleware airflow-webserver', harm: () => merge('middleware/airflow-webserver', { spec: { stripPrefix: { prefixes: ['/b'] } } }), lines: ['-      - /b', '+      - /airflow'] },
  { shown: 'ingress update IngressRoute airflow-webserver', harm: () => add('ingressroute/airflow-webserver', '/spec/routes/0/services/0/weight', 3), lines: ['-          weight: 3'] },
]

async function foreignOwner(): Promise<void> {
  const uid = (await get('configmap', 'kube-root-ca.crt', n))?.metadata.uid
  await merge('serviceaccount/airflow-airflow-webserver', { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'kube-root-ca.crt', uid }], labels: { 'app.kubernetes.io/managed-by': 'kustomize' }, annotations: { 'meta.helm.sh/release-name': 'other' } } })
}

interface Told { step: string; op: string; kind: string; namespace: string; name: string; diff: string }

void t.test('diff', async t => {
  const it = await site(t, n)
  const chart = withSecrets(it)
  it.write({ airflow: { chart } })
  await t.test('before anything is there', t => beforeInstall(t, it))
  exits(t, await it.airstrip(['apply']), 0)
  await t.test('hand edits', t => byHand(t, it))
  await t.test('what is no drift', t => noDrift(t, it))
  await t.test('what began with an edited ConfigMap begins anew', t => beganEdited(t, it))
  await t.test('a new wish is shown as what Helm will make of it', t => newWish(t, it, chart))
})

async function beforeInstall(t: Test, it: Site): Promise<void> {
  const { run, changes } = await look(t, it)
  exits(t, run, 2)
  const kinds = changes.filter(({ namespace }) => namespace === n).map(({ op, kind, name }) => `${op} ${kind} ${name}`)
  for (const one of ['generate Secret airflow-airstrip-fernet-key', 'release HelmRelease airflow', 'create Deployment airflow-scheduler', 'create IngressRoute airflow-webserver']) t.ok(kinds.includes(one), one, { kinds })
  t.notOk(existsSync(dirname(it.statePath)), 'no state')
  const alone = await it.airstrip(['diff', '--only', 'ingress'])
  exits(t, alone, 64, 'and what needs the rest is not guessed at without it')
}

async function byHand(t: Test, it: Site): Promise<void> {
  const before = await picture()
  for (const { harm } of edits) await harm()
  const { run, changes } = await look(t, it)
  exits(t, run, 2)
  t.same(changes.map(({ step, op, kind, name }) => `${step} ${op} ${kind} ${name}`).sort(), edits.map(({ shown }) => shown).sort(), 'each once, and nothing else')
  for (const { shown, lines } of edits) {
    const seen = linesOf(changes.find(({ step, op, kind, name }) => `${step} ${op} ${kind} ${name}` === shown)?.diff ?? '')
    if (lines === 'all') t.ok(seen.length > 5 && seen.every(line => line.startsWith('+')), shown, { seen })
    else t.same([...seen].sort(), [...lines].sort(), shown)
  }
  const text = await it.airstrip(['diff'])
  exits(t, text, 0)
  t.same(linesOf(text.stdout).map(line => line.replace(/ UID$/, '')).sort(), changes.flatMap(({ diff }) => linesOf(diff)).map(line => line.replace(/ UID$/, '')).sort(), 'the same as text')
  t.notMatch(text.stdout + run.stdout, /canary/)
  exits(t, await it.airstrip(['apply', '--unattended', 'repair']), 0)
  const after = await picture()
  t.same([...new Set([...Object.keys(before), ...Object.keys(after)])].filter(key => !isDeepStrictEqual(before[key], after[key])), [], 'all is as it was')
  t.same(await recordsOf(n), ['deployed'], 'without a revision')
  t.notMatch(writtenBy(it), /canary/)
  await clean(t, it, 'a second look finds nothing')
}

async function noDrift(t: Test, it: Site): Promise<void> {
  await kube('autoscale', 'deploy/airflow-webserver', '--min=1', '--max=3')
  await kube('scale', 'deploy/airflow-webserver', '--replicas=2')
  await clean(t, it, 'how many an autoscaler wants')
  await kube('delete', 'hpa', 'airflow-webserver')
  await kube('scale', 'deploy/airflow-webserver', '--replicas=1')
  await kube('rollout', 'restart', 'deploy/airflow-statsd')
  await clean(t, it, 'a restart')
  const file = bare(await kube('get', 'deploy/airflow-scheduler', 'configmap/airflow-statsd', '-o', 'json'))
  await kubectl(['replace', '--force', '-f', '-'], file)
  await kubectl(['apply', '-f', '-'], file)
  await kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=somebody', '-f', '-'], file)
  await clean(t, it, 'the same made again by somebody else')
  await merge('secret/airflow-airstrip-fernet-key', { stringData: { mine: 'x' } })
  await clean(t, it, 'what airstrip made once is never written again')
  await kube('annotate', 'service/airflow-statsd', 'note=1')
  await kube('set', 'env', 'deploy/airflow-statsd', 'MINE=1')
  it.write({ airflow: { chart: join(it.folder, 'chart') }, diff: { ignore: [{ manager: 'kubectl-annotate', reason: 'a habit' }, { kind: 'Deployment', path: '/**/env/MINE', reason: 'mine' }] } })
  await clean(t, it, 'what the person says may differ')
  it.write({ airflow: { chart: join(it.folder, 'chart') } })
  exits(t, await it.airstrip(['apply']), 0)
}

async function beganEdited(t: Test, it: Site): Promise<void> {
  const podOf = (): Promise<string> => kube('get', 'pods', '-l', 'component=statsd', '--field-selector=status.phase=Running', '-o', 'jsonpath={.items[*].metadata.uid}')
  await merge('configmap/airflow-statsd', { data: { 'mappings.yml': 'mappings: [1]' } })
  const changed = async (): Promise<string[]> => (await look(t, it)).changes.map(({ op, kind, name }) => `${op} ${kind} ${name}`)
  t.same(await changed(), ['patch ConfigMap airflow-statsd'], 'who began before it has nothing of it')
  await kube('rollout', 'restart', 'deploy/airflow-statsd')
  await kube('rollout', 'status', 'deploy/airflow-statsd', '--timeout=90s')
  t.same(await changed(), ['patch ConfigMap airflow-statsd', 'patch Deployment airflow-statsd'])
  const began = await podOf()
  exits(t, await it.airstrip(['apply', '--unattended', 'repair']), 0)
  t.not(await podOf(), began, 'by another pod')
  await clean(t, it, 'and that is all')
}

async function newWish(t: Test, it: Site, chart: string): Promise<void> {
  const template = join(chart, 'templates', 'scheduler.yaml')
  writeFileSync(template, readFileSync(template, 'utf8').replace('- name: scheduler\n', '- name: scheduler\n          tty: true\n'))
  it.write({ airflow: { chart, values: { scheduler: { replicas: 2 } } } })
  await kube('label', 'deploy/airflow-scheduler', 'mine=1')
  const { run, changes } = await look(t, it)
  exits(t, run, 2)
  t.same(changes.map(({ op, kind, name }) => `${op} ${kind} ${name}`).filter(one => !one.startsWith('run ')), ['patch Deployment airflow-scheduler', 'release HelmRelease airflow', 'update Deployment airflow-scheduler'])
  t.same(changes.filter(({ op }) => op !== 'run').map(({ diff }) => linesOf(diff)), [['-    mine: "1"'], ['+  scheduler:', '+    replicas: 2'], ['-  replicas: 1', '+  replicas: 2', '+          tty: true']])
  const dry = await it.airstrip(['apply', '--dry-run'])
  says(t, dry.stderr, /would run helm upgrade/)
  exits(t, await it.airstrip(['apply']), 0)
  await clean(t, it, 'made')
}

/** The lab's chart with a Secret of its own, and one that a hook makes, as the official chart's extraSecrets. */
function withSecrets({ folder }: Site): string {
  const chart = join(folder, 'chart')
  cpSync(join(checkout, 'scripts/lab/standin/chart'), chart, { recursive: true })
  const secret = (name: string, annotations: string): string => `apiVersion: v1\nkind: Secret\nmetadata:\n  name: '{{ .Release.Name }}-${name}'\n  annotations: ${annotations}\nstringData: { password: canary-chart }\n`
  writeFileSync(join(chart, 'templates', 'more.yaml'), [secret('plain', '{ note: x }'), secret('hooked', '{ helm.sh/hook: "pre-install,pre-upgrade" }')].join('---\n'))
  return chart
}

/** One look, which only reads. */
async function look(t: Test, it: Site): Promise<{ run: Run; changes: Told[] }> {
  const log = audit(it)
  const run = await it.airstrip(['diff', '--json', '--detailed-exitcode'])
  t.same(log.all().filter(({ verb }) => !['get', 'list', 'watch'].includes(verb)), [], 'it only reads')
  const { changes, counts } = JSON.parse(run.stdout) as { changes: Told[]; counts: Record<string, number> }
  t.equal(Object.values(counts).reduce((sum, one) => sum + one, 0), changes.length, 'all are counted')
  return { run, changes }
}

async function clean(t: Test, it: Site, what: string): Promise<void> {
  const { run, changes } = await look(t, it)
  t.same([run.code, changes.map(({ name, diff }) => `${name} ${diff}`)], [0, []], what)
}

function linesOf(diff: string): string[] {
  return diff.split('\n').filter(line => /^[-+](?!--|\+\+)/.test(line)).map(line => line.replace(/uid: \S+$/, 'uid: UID'))
}

/** As somebody would keep it in a file. */
function bare(listed: string): string {
  const { items } = JSON.parse(listed) as { items: KubernetesObject[] }
  const kept = items.map(({ metadata: { name, namespace, labels, annotations }, ...rest }) => ({ ...rest, status: undefined, metadata: { name, namespace, labels, annotations } }))
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: kept })
}

/** What a person can want of the objects; the server's own notes come and go. */
async function picture(): Promise<Record<string, unknown>> {
  const ours = await list('deploy,sts,svc,cm,secret,sa,role,rolebinding,pvc,middlewares.traefik.containo.us,ingressroutes.traefik.containo.us', n)
  const kept = [...ours, ...(await list('pv')).filter(({ metadata }) => metadata.name.startsWith(n))].filter(({ type }) => !/^(helm\.sh|kubernetes\.io\/service-account-token)/.test(String(type)))
  return Object.fromEntries(kept.map(({ kind, metadata: { name, labels, annotations, ownerReferences }, spec, data, subjects, rules, immutable }) => {
    const wanted = { ...(spec as object | undefined), clusterIP: undefined, clusterIPs: undefined }
    const notes = Object.entries(annotations ?? {}).filter(([key]) => key !== 'deployment.kubernetes.io/revision')
    return [`${kind} ${name}`, { labels, notes, ownerReferences, wanted, data, subjects, rules, immutable }]
  }))
}
