/** Between this machine and the API server: kubeconfig, certificates, rights, tools, the state file. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { lab, list } from './cluster.ts'
import { look, patience, untilHealthy, type Look } from './faults.ts'
import { audit, person } from './people.ts'
import { site, type RunOptions, type Site } from './site.ts'

interface Kubeconfig { clusters: { cluster: Record<string, string> }[]; users: { user: Record<string, unknown> }[]; contexts: { context: Record<string, string> }[] }

function kubeconfig(it: Site, name: string, change: (config: Kubeconfig) => void): RunOptions {
  const config = parse(readFileSync(it.kubeconfig, 'utf8')) as Kubeconfig
  change(config)
  const path = join(it.folder, `${name}.kubeconfig`)
  writeFileSync(path, stringify(config), { mode: 0o600 })
  return { kubeconfig: path }
}

const server = (address: string, more: Record<string, string> = {}) => (config: Kubeconfig): void => {
  for (const one of config.clusters) one.cluster = { ...one.cluster, server: address, ...more }
}

const day = (days: number): string => `${new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`

/** An API server's address behind a certificate of these days; `req -x509` makes none that has ended. */
async function serverWithCertificate(test: Test, it: Site, from: number, until: number, answering: (asked: IncomingMessage, answer: ServerResponse) => void = (_, answer) => { answer.end('{}') }): Promise<RunOptions> {
  const folder = join(it.folder, `certificate${from}`)
  const at = (name: string): string => join(folder, name)
  mkdirSync(folder)
  writeFileSync(at('ca.conf'), `[ca]\ndefault_ca=c\n[c]\ndatabase=${at('index')}\nnew_certs_dir=${folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=x\nunique_subject=no\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=CA:true\n`)
  writeFileSync(at('index'), '')
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
  openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('key'), '-subj', '/CN=kube-apiserver', '-out', at('csr'))
  openssl('ca', '-batch', '-selfsign', '-notext', '-config', at('ca.conf'), '-keyfile', at('key'), '-in', at('csr'), '-startdate', day(from), '-enddate', day(until), '-out', at('crt'))
  const [key, cert] = [readFileSync(at('key')), readFileSync(at('crt'))]
  const listening = createServer({ key, cert }, answering).listen(0, '127.0.0.1')
  test.teardown(() => { listening.close() })
  await new Promise(resolve => listening.once('listening', resolve))
  const { port } = listening.address() as AddressInfo
  return kubeconfig(it, `certificate${from}`, server(`https://127.0.0.1:${port}`, { 'certificate-authority-data': cert.toString('base64') }))
}

/** The lab's API server, with some of its answers changed on the way: one of another make than can be built here. */
async function relayed(test: Test, it: Site, changed: (path: string, body: string) => string): Promise<RunOptions> {
  const { kubeconfig: path } = await person('doctorrelay', 'cluster-admin', it.folder)
  const { users } = parse(readFileSync(path, 'utf8')) as Kubeconfig
  const { kubeconfig: own = '' } = await serverWithCertificate(test, it, -1, 30, (asked, answer) => {
    const onward = request(`${lab.server}${asked.url ?? ''}`, { method: asked.method, headers: { ...asked.headers, 'accept-encoding': 'identity' }, rejectUnauthorized: false }, come => {
      const parts: Buffer[] = []
      come.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
        answer.writeHead(come.statusCode ?? 500, { 'content-type': come.headers['content-type'] }).end(changed(asked.url ?? '', Buffer.concat(parts).toString()))
      })
    })
    onward.on('error', () => { answer.destroy() })
    asked.pipe(onward)
  })
  const config = parse(readFileSync(own, 'utf8')) as Kubeconfig
  writeFileSync(own, stringify({ ...config, users: config.users.map((one, index) => ({ ...one, user: users[index]?.user ?? {} })) }), { mode: 0o600 })
  return { kubeconfig: own }
}

function first(t: Test, { code, ms, diagnosis }: Look, id: string, tells: RegExp): void {
  const [finding] = diagnosis.findings
  console.error(`matrix | machine: ${t.name} | ${id} | ${diagnosis.findings.map(one => one.id).join(' ')} | ${Math.round(ms / 1000)} s | fix: ${finding?.fix[0] ?? '-'} | ${finding?.id === id ? 'right' : `WRONG ${JSON.stringify(diagnosis).slice(0, 600)}`}`)
  t.equal(finding?.id, id, 'named first', { diagnosis })
  t.match([finding?.title, ...(finding?.evidence ?? [])].join('\n'), tells)
  t.ok((finding?.fix.length ?? 0) > 0, 'with a fix')
  t.ok([1, 3].includes(code), `doctor ended with ${code}`)
  t.equal(diagnosis.healthy, false)
  t.ok(ms < 30_000 * patience, `${ms} ms`)
}

const others = (diagnosis: Look['diagnosis'], ...allowed: string[]): string[] => diagnosis.findings.filter(({ causes, severity, id }) => causes.length === 0 && severity === 'error' && !allowed.includes(id)).map(({ id }) => id)

void t.test('between this machine and the API server', async t => {
  const it = await site(t, 'doctormachine')

  for (const [name, id, tells, options] of [
    ['an address where nobody listens', 'cluster-unreachable-kubeconfig', /127\.0\.0\.1:1\b/, () => kubeconfig(it, 'refused', server('https://127.0.0.1:1'))],
    ['an address that has no name', 'cluster-unreachable-kubeconfig', /no-such-host\.invalid/, () => kubeconfig(it, 'nameless', server('https://no-such-host.invalid:6443'))],
    ['no kubeconfig', 'cluster-unreachable-kubeconfig', /not-there/, () => ({ kubeconfig: join(it.folder, 'not-there') })],
    ['a kubeconfig of another cluster: its authority', 'cluster-unreachable-kubeconfig', /authority/, () => serverWithCertificate(t, it, -3, 3).then(({ kubeconfig: path = '' }) => kubeconfig(it, 'authority', config => {
      const own = parse(readFileSync(path, 'utf8')) as Kubeconfig
      for (const one of config.clusters) one.cluster = { ...one.cluster, 'certificate-authority-data': own.clusters[0]?.cluster['certificate-authority-data'] ?? '' }
    }))],
    ['a kubeconfig whose user is nobody', 'cluster-unreachable-kubeconfig', /unauthorized|logged in|401/i, () => kubeconfig(it, 'nobody', config => { for (const one of config.users) one.user = { token: 'not-a-token' } })],
    ['a kubeconfig whose context names a user that it does not have', 'cluster-unreachable-kubeconfig', /admin2|has no credentials/, () => kubeconfig(it, 'userless', config => { for (const one of config.contexts) one.context = { ...one.context, user: 'admin2' } })],
    ['a kubeconfig that names a file that is gone', 'cluster-unreachable-kubeconfig', /\/gone\.crt/, () => kubeconfig(it, 'fileless', config => { for (const one of config.users) one.user = { 'client-certificate': '/gone.crt', 'client-key': '/gone.key' } })],
    ['a kubeconfig that wants a program which is not installed', 'cluster-unreachable-kubeconfig', /aws-iam-authenticator/, () => kubeconfig(it, 'programless', config => { for (const one of config.users) one.user = { exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', command: 'aws-iam-authenticator' } } })],
    ['a certificate that has ended', 'kubeadm-certs-expired', /expired|ended|\d{4}/i, () => serverWithCertificate(t, it, -400, -35)],
    ['a certificate that is not valid yet', 'clock-skew', /not yet|clock|\d{4}/i, () => serverWithCertificate(t, it, 2, 300)],
  ] as [string, string, RegExp, () => RunOptions | Promise<RunOptions>][]) {
    await t.test(name, async t => {
      const looked = await look(it, await options())
      first(t, looked, id, tells)
      t.same(others(looked.diagnosis, id), [], 'nothing is said of a cluster that was not seen')
    })
  }

  await t.test('a viewer, where nothing is installed', async t => {
    const viewer = await person('doctorviewer', 'view', it.folder)
    const log = audit(viewer)
    const looked = await look(it, { kubeconfig: viewer.kubeconfig })
    first(t, looked, 'permissions-denied', /secrets|namespaces/)
    t.same(log.writes(), [])
  })

  await t.test('a machine without Helm', async t => {
    const bin = join(it.folder, 'few')
    mkdirSync(bin)
    const kubectl = execFileSync('sh', ['-c', 'command -v kubectl'], { env: { PATH: lab.path } }).toString().trim()
    writeFileSync(join(bin, 'kubectl'), `#!/bin/sh\nexec '${kubectl}' "$@"\n`, { mode: 0o755 })
    first(t, await look(it, { env: { PATH: `${bin}:/bin` } }), 'tool-missing', /helm/i)
  })

  await t.test('a state file that is damaged', async t => {
    mkdirSync(join(it.statePath, '..'), { recursive: true })
    writeFileSync(it.statePath, '{"schema": 1, "steps"', { mode: 0o600 })
    first(t, await look(it), 'state-file', /state\.json/)
  })
})

void t.test('a cluster that is well', async t => {
  const it = await site(t, 'doctorwell')
  const { code } = await it.airstrip(['apply'])
  t.equal(code, 0)
  t.equal(await untilHealthy(it), true, 'exit code 0, no finding, nothing on its way')

  await t.test('a state file of another cluster', async t => {
    const text = readFileSync(it.statePath, 'utf8')
    const { cluster } = JSON.parse(text) as { cluster?: string | { id?: string; uid?: string } }
    const own = typeof cluster === 'string' ? cluster : (cluster?.uid ?? cluster?.id ?? '')
    t.not(own, '', 'the state says which cluster it is of')
    writeFileSync(it.statePath, text.replaceAll(own, '00000000-0000-4000-8000-000000000000'))
    first(t, await look(it), 'state-file', /cluster/)
    writeFileSync(it.statePath, text)
    t.equal(await untilHealthy(it), true)
  })

  await t.test('tools that say they are of another age are a note, and no fault', t => ofAnotherAge(t, it))
  await t.test('what nobody has proven is a note, and no fault', t => notProven(t, it))
  await t.test('an API server whose version and whose rights cannot be read is a note, and no fault', t => unreadable(t, it))
})

async function ofAnotherAge(t: Test, it: Site): Promise<void> {
  const bin = join(it.folder, 'aged')
  mkdirSync(bin)
  const aged = (name: string, answer: string): void => {
    const real = execFileSync('sh', ['-c', `command -v ${name}`], { env: { PATH: lab.path } }).toString().trim()
    writeFileSync(join(bin, name), `#!/bin/sh\ncase "$*" in *version*--client*|*version*--template*) echo '${answer}';; *) exec '${real}' "$@";; esac\n`, { mode: 0o755 })
  }
  aged('kubectl', '{"clientVersion": {"gitVersion": "v1.99.0"}}')
  aged('helm', 'v3.17.2')
  const { code, diagnosis } = await look(it, { env: { PATH: `${bin}:${lab.path}` } })
  t.match({ code, healthy: diagnosis.healthy, findings: diagnosis.findings }, { code: 0, healthy: true, findings: [] })
  const of = (id: string): string => diagnosis.notes.find(one => one.id === id)?.title ?? ''
  t.match(of('kubectl-skew'), /^kubectl v1\.99\.0 is \d+ minor versions from Kubernetes/)
  t.match(of('helm-kubernetes-skew'), /^Helm v3\.17\.2 is too new for Kubernetes/)
}

async function notProven(t: Test, it: Site): Promise<void> {
  const { diagnosis } = await look(it)
  const [node] = await list('nodes')
  const { osImage = '', kubeletVersion = '' } = (node?.status as { nodeInfo?: Record<string, string> } | undefined)?.nodeInfo ?? {}
  const unproven = [...(osImage.startsWith('Ubuntu 20.04') ? [] : ['os-not-verified']), ...(kubeletVersion === 'v1.22.8' ? [] : ['kubernetes-not-verified'])]
  // The chart asks for 1.23.
  const all = [...unproven, ...(Number(kubeletVersion.split('.')[1]) < 23 ? ['chart-kubernetes-skew'] : [])]
  t.same(diagnosis.notes.map(({ id }) => id).filter(id => /^(os|kubernetes)-not-verified$|^chart-kubernetes-skew$/.test(id)).sort(), all.sort())
  t.match(diagnosis, { healthy: true, findings: [] })
}

async function unreadable(t: Test, it: Site): Promise<void> {
  const strange = await relayed(t, it, (path, body) => {
    if (path.startsWith('/version')) return JSON.stringify({ ...JSON.parse(body) as object, major: '9', minor: 'x', gitVersion: 'unlike-any' })
    if (!path.includes('selfsubjectrulesreviews')) return body
    return JSON.stringify({ ...JSON.parse(body) as object, status: { incomplete: true, resourceRules: [], nonResourceRules: [] } })
  })
  const { diagnosis } = await look(it, strange)
  t.match(diagnosis, { healthy: true, findings: [] })
  const of = (id: string): string => diagnosis.notes.find(one => one.id === id)?.title ?? ''
  t.match(of('kubernetes-version-unknown'), /unlike-any/)
  t.not(of('permissions-unknown'), '')
}
