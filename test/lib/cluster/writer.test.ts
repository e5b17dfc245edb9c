import t from 'tap'
import { gzipSync } from 'node:zlib'
import { decodeRecord } from '../../../lib/cluster/release.ts'
import { createWriter, type Hands } from '../../../lib/cluster/writer.ts'
import type { KubernetesObject, ReleaseWish } from '../../../lib/access.ts'
import { fakeApi } from '../../fakes/api.ts'
import { nowhere } from '../../fakes/dumps.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf, fakeExec, type Scripted } from '../../fakes/exec.ts'

const chart = { name: 'airflow', version: '1.10.0', appVersion: '2.6.2', home: '', fingerprint: 'f00d'.repeat(16), path: '/cache/airflow-1.10.0.tgz', local: false }
const wish: ReleaseWish = { name: 'airflow', namespace: 'airflow', chart: { reference: 'apache-airflow/airflow', version: '1.10.0' }, values: { env: 'canary-in-values' }, timeoutSeconds: 1800 }
const ok = { exitCode: 0, stdout: '' }

function writerOn(script: Scripted[], hands: Partial<Hands> = {}, objects: KubernetesObject[] = []) {
  const fake = fakeExec(script)
  const connection = connectionOf(fake.exec, { ask: fakeApi({ objects }).ask })
  const all: Hands = {
    random: (count) => Buffer.alloc(count, 1),
    chart: () => Promise.resolve(chart),
    helm: () => Promise.resolve('v3.9.4'),
    holder: 'home/4242/1a2b-77',
    now: () => new Date('2023-08-02T10:30:00Z'),
    backup: () => Promise.reject(new Error('unscripted: backup')),
    endOrphans: () => Promise.reject(new Error('unscripted: endOrphans')),
    dumps: { folder: nowhere(), keep: 10, note: () => undefined },
    ...hands,
  }
  return { ...fake, connection, writer: createWriter(connection, all) }
}

const lease: Scripted = { when: /^kubectl apply --server-side/, answers: ok }
const canary = 'canary-password-1'
const secret = (name: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'airflow' }, stringData: { password: canary } })

void t.test('objects go in by stdin, as one list, owned by airstrip', async (t) => {
  const { writer, calls, lines } = writerOn([lease])
  await writer.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }])
  t.same(lines(), ['kubectl apply --server-side --field-manager=airstrip --force-conflicts -f -'])
  t.match(JSON.parse(calls[0]?.stdin ?? ''), { kind: 'List', items: [{ metadata: { name: 'a' } }] })
})

void t.test('secrets go in by stdin and are in no argument, and are known to be secret', async (t) => {
  const { writer, calls, connection } = writerOn([{ when: /^kubectl create -f -$/, answers: ok }])
  await writer.create([secret('one')])
  t.notMatch(calls[0]?.args.join(' '), /canary/)
  t.match(calls[0]?.stdin, /canary/)
  t.notMatch(connection.redactor.redact(`password ${canary}`), /canary/)
  await writer.create([{ ...secret('two'), stringData: { user: 'app:Can4ry!', host: 'db.example.org' } }])
  t.equal(connection.redactor.redact('Can4ry! at db.example.org'), '•••••• at db.example.org', 'in the place of a user too')
})

const exists = 'Error from server (AlreadyExists): error when creating "STDIN": secrets "one" already exists\n'

void t.test('a secret that is there already is kept, and is no error', async (t) => {
  const { writer } = writerOn([{ when: /^kubectl create/, answers: { exitCode: 1, stderr: exists } }])
  await t.resolves(writer.create([secret('one')]))
})

void t.test('another refusal beside it is one', async (t) => {
  const stderr = `${exists}Error from server (Forbidden): secrets is forbidden: User "viewer" cannot create resource "secrets" (${canary})\n`
  const { writer } = writerOn([{ when: /^kubectl create/, answers: { exitCode: 1, stderr } }])
  const error = await caught(writer.create([secret('one')]))
  t.match(error, { code: 'CALL_FAILED' })
  t.notMatch(JSON.stringify(error), /canary/)
})

void t.test('a kubectl that was killed has created nothing, and says nothing', async (t) => {
  const { writer } = writerOn([{ when: /^kubectl create/, answers: { exitCode: 137, stderr: '' } }])
  t.match(await caught(writer.create([secret('one')])), { code: 'CALL_FAILED' })
})

void t.test('what is deleted is waited for, by name alone', async (t) => {
  const { writer, calls, lines } = writerOn([{ when: /^kubectl delete/, answers: ok }])
  await writer.remove({ ...secret('one'), metadata: { name: 'one', namespace: 'airflow', uid: 'u' } })
  t.same(lines(), ['kubectl delete -f - --ignore-not-found --wait=true --timeout=120s'])
  t.same(JSON.parse(calls[0]?.stdin ?? ''), { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one', namespace: 'airflow' } })
})

void t.test('a patch is a JSON patch, of a cluster-wide object without a namespace', async (t) => {
  const { writer, lines, calls } = writerOn([{ when: /^kubectl patch/, answers: ok }])
  await writer.patch({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv' } }, [{ op: 'remove', path: '/spec/claimRef' }])
  t.same(lines(), ['kubectl patch PersistentVolume pv --type=json --field-manager=airstrip --patch-file=/dev/stdin'])
  t.match(calls, [{ stdin: '[{"op":"remove","path":"/spec/claimRef"}]', piped: true }])
})

void t.test('Helm never waits for pods, and its values come by stdin', async (t) => {
  const { writer, calls, lines } = writerOn([lease, { when: /^helm upgrade/, answers: ok }])
  await writer.upgrade(wish)
  const helm = calls.find(({ tool }) => tool === 'helm')
  t.same(lines().find((line) => line.startsWith('helm')), `helm upgrade --install airflow ${chart.path} -n airflow --values - --timeout=1800s --history-max=10 --description=airstrip chart=f00df00df00df00d by=home/4242/1a2b-77`)
  t.notMatch(helm?.args.join(' '), /--wait|--atomic|--force|--set|canary/)
  t.same(JSON.parse(helm?.stdin ?? ''), wish.values)
})

void t.test('Helm 4 merges as Helm 3 does, and not on the server', async (t) => {
  const { writer, lines } = writerOn([lease, { when: /^helm upgrade/, answers: ok }], { helm: () => Promise.resolve('v4.1.4') })
  await writer.upgrade(wish)
  t.match(lines().find((line) => line.startsWith('helm')), / --server-side=false( |$)/)
})

void t.test('who is at work on the release is in the cluster before Helm is started', async (t) => {
  const { writer, calls } = writerOn([lease, { when: /^helm upgrade/, answers: ok }])
  await writer.upgrade(wish)
  const [first, second] = calls
  t.match(JSON.parse(first?.stdin ?? ''), { kind: 'Lease', metadata: { name: 'airstrip-helm-airflow', namespace: 'airflow' }, spec: { holderIdentity: 'home/4242/1a2b-77', leaseDurationSeconds: 1800, acquireTime: '2023-08-02T10:30:00.000000Z' } })
  t.equal(second?.tool, 'helm')
})

void t.test('what Helm refuses for good is told without its warnings and without secrets', async (t) => {
  const stderr = `WARNING: Kubernetes configuration file is group-readable\nError: UPGRADE FAILED: cannot patch "x": ${canary}\n`
  const { writer, connection } = writerOn([lease, { when: /^helm upgrade/, answers: { exitCode: 1, stderr } }])
  connection.redactor.add(canary)
  t.match(await caught(writer.upgrade(wish)), { code: 'HELM_FAILED', transient: false, message: 'Helm could not finish release airflow/airflow.', seen: ['Error: UPGRADE FAILED: cannot patch "x": ••••••'] })
})

void t.test('what a retry can mend is marked so', async (t) => {
  const { writer } = writerOn([lease, { when: /^kubectl config view/, answers: { stdout: 'https://home:6443' } }, { when: /^helm upgrade/, answers: { exitCode: 1, stderr: 'Error: Kubernetes cluster unreachable: Get "https://home:6443/version": dial tcp 1.2.3.4:6443: connect: connection refused' } }])
  t.match(await caught(writer.upgrade(wish)), { code: 'CLUSTER_UNREACHABLE', transient: true })
})

void t.test('an interrupted Helm is an interruption, whatever it said', async (t) => {
  const stop = new AbortController()
  const fake = fakeExec([lease, { when: /^helm upgrade/, answers: () => {
    stop.abort()
    return { exitCode: 1, stderr: 'Error: context canceled' }
  } }])
  const writer = createWriter(connectionOf(fake.exec, { signal: stop.signal }), { ...({} as Hands), chart: () => Promise.resolve(chart), helm: () => Promise.resolve('v3.9.4'), holder: 'h/1/x', now: () => new Date() })
  t.match(await caught(writer.upgrade(wish)), { code: 'INTERRUPTED' })
})

function record(status: string): KubernetesObject {
  const content = { name: 'airflow', namespace: 'airflow', version: 2, info: { status }, chart: { metadata: { name: 'airflow', version: '1.10.0' } }, manifest: '' }
  return {
    apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1',
    metadata: { name: 'sh.helm.release.v1.airflow.v2', namespace: 'airflow', resourceVersion: '77', labels: { owner: 'helm', name: 'airflow', status, version: '2' } },
    data: { release: Buffer.from(gzipSync(JSON.stringify(content)).toString('base64')).toString('base64') },
  }
}

void t.test('a Helm that was ended before it wrote its end leaves the Lease with a holder who is gone, so that the next run knows', async (t) => {
  for (const [act, status, holders] of [
    ['upgrade', 'failed', ['h/1/x', '']], ['upgrade', 'pending-upgrade', ['h/1/x']],
    ['uninstall', 'failed', ['h/1/x', '']], ['uninstall', 'uninstalling', ['h/1/x']],
  ] as const) {
    const stop = new AbortController()
    const fake = fakeExec([lease, { when: /^helm /, answers: () => {
      stop.abort()
      return { exitCode: 1, stderr: 'Error: context canceled' }
    } }])
    const connection = connectionOf(fake.exec, { signal: stop.signal, ask: fakeApi({ objects: [record(status)] }).ask })
    const writer = createWriter(connection, { ...({} as Hands), chart: () => Promise.resolve(chart), helm: () => Promise.resolve('v3.9.4'), holder: 'h/1/x', now: () => new Date() })
    t.match(await caught(act === 'upgrade' ? writer.upgrade(wish) : writer.uninstall({ name: 'airflow', namespace: 'airflow' })), { code: 'INTERRUPTED' })
    t.same(fake.calls.filter(({ tool }) => tool === 'kubectl').map(({ stdin = '' }) => (JSON.parse(stdin) as { spec: { holderIdentity: string } }).spec.holderIdentity), holders, `${act}, ${status}`)
  }
})

void t.test('a stale record is backed up and marked failed, on the version that was read', async (t) => {
  const backups: [string, string][] = []
  const ended: string[] = []
  const { writer, calls } = writerOn([lease, { when: /^kubectl replace -f -$/, answers: ok }], {
    backup: (name, text) => {
      backups.push([name, text])
      return Promise.resolve(`state/backups/${name}`)
    },
    endOrphans: (holder, release) => {
      ended.push(`${holder} ${release}`)
      return Promise.resolve()
    },
  }, [record('pending-upgrade')])
  await writer.unlock({ name: 'airflow', namespace: 'airflow' })
  t.same(ended, ['home/4242/1a2b-77 airflow'])
  t.match(backups.map(([name, text]) => [name, JSON.parse(text) as unknown]), [['sh.helm.release.v1.airflow.v2.json', record('pending-upgrade')]])
  const written = JSON.parse(calls.find(({ args }) => args.includes('replace'))?.stdin ?? '') as KubernetesObject
  t.match(written.metadata, { resourceVersion: '77', labels: { status: 'failed', owner: 'helm', version: '2' } })
  t.match(decodeRecord((written.data as { release: string }).release), { info: { status: 'failed', description: /recovered by airstrip.*state\/backups/ } })
})

void t.test('Helm uninstalls while the Lease says who does it, and one that is gone already is no error', async (t) => {
  const release = { name: 'airflow', namespace: 'airflow' }
  const { writer, calls, lines } = writerOn([lease, { when: /^helm uninstall/, answers: { exitCode: 1, stderr: 'Error: uninstall: Release not loaded: airflow: release: not found\n' } }])
  await writer.uninstall(release)
  t.equal(lines()[1], 'helm uninstall airflow -n airflow --timeout=300s --description=airstrip destroy by=home/4242/1a2b-77')
  const holders = calls.filter(({ tool }) => tool === 'kubectl').map(({ stdin = '' }) => (JSON.parse(stdin) as { spec: { holderIdentity: string } }).spec.holderIdentity)
  t.same(holders, ['home/4242/1a2b-77', ''])
  const refused = writerOn([lease, { when: /^helm uninstall/, answers: { exitCode: 1, stderr: 'Error: failed pre-delete: timed out waiting for the condition' } }])
  t.match(await caught(refused.writer.uninstall(release)), { code: 'HELM_FAILED', message: /could not uninstall/, next: /run destroy again/ })
})

void t.test('what is taken down is not waited for inside kubectl', async (t) => {
  const { writer, lines } = writerOn([{ when: /^kubectl delete/, answers: ok }])
  await writer.remove(secret('one'), { wait: false })
  t.same(lines(), ['kubectl delete -f - --ignore-not-found --wait=false'])
})

void t.test('an uninstall that was cut off is marked failed as well, so that an upgrade can mend it', async (t) => {
  const { writer, lines } = writerOn([lease, { when: /^kubectl replace -f -$/, answers: ok }], { endOrphans: () => Promise.resolve(), backup: () => Promise.resolve('state/backups/x') }, [record('uninstalling')])
  await writer.unlock({ name: 'airflow', namespace: 'airflow' })
  t.ok(lines().some((line) => line.includes('replace')))
})

void t.test('a record that is no longer pending is left as it is', async (t) => {
  for (const status of ['failed', 'deployed']) {
    const { writer, lines } = writerOn([lease], { endOrphans: () => Promise.resolve() }, [record(status)])
    await writer.unlock({ name: 'airflow', namespace: 'airflow' })
    t.notOk(lines().some((line) => line.includes('replace')), status)
  }
})
