/**
 * airstrip as a person runs it, on the lab that scripts/test.ts has booted.
 *
 * Each site is one Airflow in a namespace of its own, with its own folder, configuration, state and
 * user: the API server's audit log then tells exactly what airstrip did from what the test did.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { parse, stringify } from 'yaml'
import type { State } from '../../lib/engine/state.ts'
import type { KubernetesObject } from '../../lib/step.ts'
import type { Lab } from '../../scripts/lab/cluster.ts'
import { run as runProgram } from '../../scripts/lab/exec.ts'
import { checkout } from '../../scripts/lab/paths.ts'
import { labConfig } from '../../scripts/lab/standin/fixtures.ts'

const given = process.env.AIRSTRIP_TEST_LAB
if (given === undefined) throw new Error('these tests need a cluster: npm test, or npx tsx scripts/test.ts --keep FILE')

export const lab = JSON.parse(given) as Lab & { storage: string }
export type { Test }
export { hostname, sleep }

const env = { ...process.env, PATH: lab.path }
const PEOPLE = 'airstrip-people'

// ---- the cluster, as its owner sees it ----------------------------------------------------------

export async function kubectl(args: string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await runProgram('kubectl', ['--kubeconfig', lab.kubeconfig, ...args], { env, input })
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** kubectl where a refusal is as good as an answer. */
export async function kubectlMaybe(args: string[], input = ''): Promise<string> {
  return kubectl(args, input).catch(() => '')
}

export async function apply(...objects: object[]): Promise<void> {
  await kubectl(['apply', '-f', '-'], objects.map(object => stringify(object)).join('---\n'))
}

export async function list(resources: string, namespace?: string): Promise<KubernetesObject[]> {
  const where = namespace === undefined ? [] : ['-n', namespace]
  return (JSON.parse(await kubectl(['get', resources, ...where, '-o', 'json'])) as { items: KubernetesObject[] }).items
}

export async function get(kind: string, name: string, namespace?: string): Promise<KubernetesObject | undefined> {
  const where = namespace === undefined ? [] : ['-n', namespace]
  const text = await kubectl(['get', kind, name, ...where, '--ignore-not-found', '-o', 'json'])
  return text === '' ? undefined : JSON.parse(text) as KubernetesObject
}

/** A field by its path, `spec/claimRef/name`; undefined where there is none. */
export function at(object: unknown, path: string): unknown {
  return path.split('/').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object)
}

export async function helm(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram('helm', ['--kubeconfig', lab.kubeconfig, ...args], { env })
  if (code !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}`)
  return stdout
}

export async function until(what: string, holds: () => Promise<boolean> | boolean, ms = 60_000): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${ms / 1000} s: ${what}`)
    await sleep(200)
  }
}

/** Data of the Secrets that airstrip made, decoded: `NAME/key` to value. */
export async function secretsOf(namespace: string): Promise<Record<string, string>> {
  const ours = (await list('secrets', namespace)).filter(({ metadata }) => metadata.name.includes('-airstrip-'))
  return Object.fromEntries(ours.flatMap(({ metadata, data }) =>
    Object.entries(data as Record<string, string>).map(([key, value]) => [`${metadata.name}/${key}`, Buffer.from(value, 'base64').toString()])))
}

/** States of Helm's records, newest last. */
export async function recordsOf(namespace: string): Promise<string[]> {
  const records = (await list('secrets', namespace)).filter(({ type }) => type === 'helm.sh/release.v1')
  const sorted = records.sort((a, b) => Number(a.metadata.labels?.version) - Number(b.metadata.labels?.version))
  return sorted.map(({ metadata }) => metadata.labels?.status ?? '')
}

// ---- people -------------------------------------------------------------------------------------

export interface Person {
  kubeconfig: string
  /** As the audit log names it. */
  user: string
}

/** A kubeconfig of its own, with the rights of a ClusterRole. */
export async function person(name: string, role: string, folder: string): Promise<Person> {
  const account = { kind: 'ServiceAccount', name, namespace: PEOPLE }
  await apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: PEOPLE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: PEOPLE } },
    { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata: { name: `${name}-token`, namespace: PEOPLE, annotations: { 'kubernetes.io/service-account.name': name } } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: `${PEOPLE}-${name}` }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [account] },
  )
  let token = ''
  await until(`a token for ${name}`, async () => {
    token = await kubectl(['-n', PEOPLE, 'get', 'secret', `${name}-token`, '-o', 'jsonpath={.data.token}'])
    return token !== ''
  })
  const config = parse(readFileSync(lab.kubeconfig, 'utf8')) as { users: { user: object }[] }
  for (const one of config.users) one.user = { token: Buffer.from(token, 'base64').toString() }
  const kubeconfig = join(folder, `${name}.kubeconfig`)
  writeFileSync(kubeconfig, stringify(config), { mode: 0o600 })
  return { kubeconfig, user: `system:serviceaccount:${PEOPLE}:${name}` }
}

async function dismiss(name: string): Promise<void> {
  await kubectlMaybe(['delete', 'clusterrolebinding', `${PEOPLE}-${name}`, '--ignore-not-found'])
  await kubectlMaybe(['-n', PEOPLE, 'delete', 'serviceaccount', name, '--ignore-not-found'])
}

// ---- the audit log ------------------------------------------------------------------------------

interface AuditEvent {
  verb: string
  user: { username: string }
  requestURI: string
  userAgent?: string
  objectRef?: { resource?: string; name?: string }
  responseStatus?: { code?: number }
}

/** What a person asks of the API server from now on. */
export function audit({ user }: Person): { all: () => AuditEvent[]; writes: () => string[] } {
  const from = statSync(lab.auditLog).size
  const all = (): AuditEvent[] => readFileSync(lab.auditLog).subarray(from).toString().split('\n')
    .filter(line => line !== '').map(line => JSON.parse(line) as AuditEvent).filter(event => event.user.username === user)
  // A review is a question that is asked by creating; nothing of it is kept.
  const isWrite = ({ verb, objectRef }: AuditEvent): boolean => !['get', 'list', 'watch'].includes(verb) && !/^selfsubject(access|rules)reviews$/.test(objectRef?.resource ?? '')
  return { all, writes: () => all().filter(isWrite).map(({ verb, requestURI }) => `${verb} ${requestURI}`) }
}

// ---- processes ----------------------------------------------------------------------------------

/** Every command line that any process of this machine has, the lab's pods included, while it looks. */
export function watchProcesses(): () => string[] {
  const seen = new Set<string>()
  const look = (): void => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d/.test(pid)) continue
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
      } catch {
        // It has ended since.
      }
    }
  }
  look()
  const timer = setInterval(look, 20)
  return () => {
    clearInterval(timer)
    return [...seen]
  }
}

// ---- one Airflow --------------------------------------------------------------------------------

export interface Run {
  code: number
  stdout: string
  stderr: string
  ms: number
}

/** An exit code; where it is another one, what was said is shown. */
export function exits(test: Test, { code, stdout, stderr }: Run, wanted: number, what = `exit code ${wanted}`): void {
  test.equal(code, wanted, what, { said: stdout + stderr })
}

/** That something was said, or not, in words or by pattern. */
export function says(test: Test, text: string, ...wanted: (string | RegExp)[]): void {
  for (const one of wanted) test.ok(typeof one === 'string' ? text.includes(one) : one.test(text), `says ${String(one)}`, { said: text })
}

export interface Running {
  child: ChildProcess
  ended: Promise<Run>
  /** What it has said up to now. */
  stderr: () => string
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  kubeconfig?: string
  state?: string
}

export type Overrides = Record<string, unknown>

export interface Site extends Person {
  name: string
  namespace: string
  host: string
  /** Configuration, state and caches. */
  folder: string
  /** The folder on the node. */
  base: string
  configPath: string
  statePath: string
  /** Writes the configuration anew: the lab's, with these keys over it. */
  write(overrides: Overrides): void
  start(args: string[], options?: RunOptions): Running
  airstrip(args: string[], options?: RunOptions): Promise<Run>
  state(): State
}

const living = new Set<ChildProcess>()
process.on('exit', () => { for (const child of living) child.kill('SIGKILL') })

export async function site(test: Test, name: string, overrides: Overrides = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), `airstrip-test-${name}-`))
  const base = join(lab.storage, name)
  const [configPath, statePath, host] = [join(folder, 'airstrip.yaml'), join(folder, 'state', 'state.json'), `${name}.lab.test`]
  await gone(name)
  rmSync(base, { recursive: true, force: true })
  const owner = await person(name, 'cluster-admin', folder)
  const write = (more: Overrides): void => {
    const own = { airflow: { namespace: name }, storage: { path: base }, ingress: { host } }
    const config = merged(merged(parse(labConfig({ checkout, nodeIP: lab.nodeIP, storagePath: base })) as Overrides, own), more)
    writeFileSync(configPath, stringify(config))
  }
  const start = (args: string[], options: RunOptions = {}): Running => {
    const files = ['--config', configPath, '--state', options.state ?? statePath, '--kubeconfig', options.kubeconfig ?? owner.kubeconfig]
    return launch([...args, ...files], { PATH: lab.path, HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), LANG: 'C.UTF-8', ...options.env })
  }
  write(overrides)
  test.teardown(async () => {
    await clear(name)
    await dismiss(name)
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    ...owner, name, namespace: name, host, folder, base, configPath, statePath, write, start,
    airstrip: (args, options) => start(args, options).ended,
    state: () => JSON.parse(readFileSync(statePath, 'utf8')) as State,
  }
}

function launch(args: string[], childEnv: NodeJS.ProcessEnv): Running {
  const started = Date.now()
  const child = spawn(process.execPath, ['--import=tsx', 'run.ts', ...args], { cwd: checkout, env: childEnv, stdio: ['ignore', 'pipe', 'pipe'] })
  living.add(child)
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  const ended = new Promise<Run>(resolve => {
    // Not "close": a Helm that outlives a killed airstrip keeps the pipes open.
    child.on('exit', (code, signal) => {
      living.delete(child)
      const ms = Date.now() - started
      const tell = (): void => { resolve({ code: code ?? (signal === 'SIGKILL' ? 137 : 128), stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), ms }) }
      if (code === null) tell()
      else setTimeout(tell, 50)
    })
  })
  return { child, ended, stderr: () => Buffer.concat(err).toString() }
}

function merged(base: Overrides, more: Overrides): Overrides {
  const result = { ...base }
  for (const [key, value] of Object.entries(more)) {
    const old = result[key]
    const both = [value, old].every(one => typeof one === 'object' && one !== null && !Array.isArray(one))
    result[key] = both ? merged(old as Overrides, value as Overrides) : value
  }
  return result
}

/** Takes an Airflow away without waiting; who needs the name again waits in `gone`. */
async function clear(name: string): Promise<void> {
  await kubectlMaybe(['delete', 'namespace', name, '--ignore-not-found', '--wait=false'])
  await kubectlMaybe(['delete', 'pv', `${name}-local-dags-pv`, `${name}-local-logs-pv`, '--ignore-not-found', '--wait=false'])
}

async function gone(name: string): Promise<void> {
  await clear(name)
  const left = ['get', `ns/${name}`, `pv/${name}-local-dags-pv`, `pv/${name}-local-logs-pv`, '--ignore-not-found', '-o', 'name']
  await until(`${name} is gone`, async () => (await kubectl(left)) === '', 120_000)
}

/** As the cluster is before airstrip first comes: no provisioner, no class of ours. */
export async function bareCluster(): Promise<void> {
  await kubectl(['delete', '-f', join(checkout, 'scripts/lab/standin/provisioner.yaml'), '--ignore-not-found', '--wait=true'])
  await kubectl(['delete', 'storageclass', 'airflow-storage', '--ignore-not-found'])
}

/**
 * A registry on the node that knows no image, at localhost:5000. The lab has none, and a registry that
 * does not answer is another fault than one that says no.
 */
export async function emptyRegistry(test: Test): Promise<string> {
  const program = `require('http').createServer((q, r) => r.writeHead(q.url === '/v2/' ? 200 : 404, { 'content-type': 'application/json' }).end(q.url === '/v2/' ? '{}' : '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')).listen(5000, '127.0.0.1')`
  const container = { name: 'registry', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['node', '-e', program] }
  await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'empty-registry', namespace: 'default' }, spec: { hostNetwork: true, terminationGracePeriodSeconds: 0, containers: [container] } })
  test.teardown(() => kubectlMaybe(['delete', 'pod', 'empty-registry', '-n', 'default', '--ignore-not-found', '--wait=false']))
  await kubectl(['wait', '-n', 'default', '--for=condition=Ready', 'pod/empty-registry', '--timeout=60s'])
  return 'localhost:5000'
}

/** A file that only its owner can read. */
export function secretFile(folder: string, name: string, value: string): string {
  const path = join(folder, name)
  writeFileSync(path, value)
  chmodSync(path, 0o600)
  return path
}

/** All that airstrip has written beside its state: the state, its history, its backups and their names. */
export function writtenBy({ statePath }: Site): string {
  const folder = join(statePath, '..')
  mkdirSync(folder, { recursive: true })
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  // A backup of a Helm record is the record itself, in Helm's own packing; its contents are judged as such.
  const contents = files.map(file => join(folder, file)).filter(file => statSync(file).isFile() && !file.includes('/backups/')).map(file => readFileSync(file, 'utf8'))
  return [...files, ...contents].join('\n')
}

/** Seeded, so that a failure can be had again. */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
