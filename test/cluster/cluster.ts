/** The lab that scripts/test.ts has booted, as its owner sees it. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { stringify } from 'yaml'
import type { KubernetesObject } from '../../lib/access.ts'
import type { Lab } from '../../scripts/lab/cluster.ts'
import { run as runProgram } from '../../scripts/lab/exec.ts'
import { checkout } from '../../scripts/lab/paths.ts'

const given = process.env.AIRSTRIP_TEST_LAB
if (given === undefined) throw new Error('these tests need a cluster: npm test, or npx tsx scripts/test.ts --keep FILE')

export const lab = JSON.parse(given) as Lab & { storage: string }

const env = { ...process.env, PATH: lab.path }

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

/** `what` may say what is seen at the end. */
export async function until(what: string | (() => string), holds: () => Promise<boolean> | boolean, ms = 60_000): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${ms / 1000} s: ${typeof what === 'string' ? what : what()}`)
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

/** As the cluster is before airstrip first comes: no provisioner, no class of ours. */
export async function bareCluster(): Promise<void> {
  await kubectl(['delete', '-f', join(checkout, 'scripts/lab/standin/provisioner.yaml'), '--ignore-not-found', '--wait=true'])
  await kubectl(['delete', 'storageclass', 'airflow-storage', '--ignore-not-found'])
}

/**
 * A registry on the node that knows no image, at localhost:5000. The lab has none, and a registry that
 * does not answer is another fault than one that says no.
 */
export function emptyRegistry(test: Test): Promise<string> {
  return refusingRegistry(test, { name: 'empty-registry', port: 5000, status: 404, code: 'MANIFEST_UNKNOWN' })
}

/** One that answers whatever it is asked for in the same way; for a login it asks as a registry with passwords does. */
export async function refusingRegistry(test: Test, { name, port, status, code }: { name: string; port: number; status: number; code: string }): Promise<string> {
  const headers = { 'content-type': 'application/json', ...(status === 401 ? { 'www-authenticate': 'Basic realm="registry"' } : {}) }
  const body = JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] })
  const program = `require('http').createServer((q, r) => { const known = q.url === '/v2/' && ${status} === 404; r.writeHead(known ? 200 : ${status}, ${JSON.stringify(headers)}).end(known ? '{}' : ${JSON.stringify(body)}) }).listen(${port}, '127.0.0.1')`
  const container = { name: 'registry', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['node', '-e', program] }
  await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: { hostNetwork: true, terminationGracePeriodSeconds: 0, containers: [container] } })
  test.teardown(() => kubectlMaybe(['delete', 'pod', name, '-n', 'default', '--ignore-not-found', '--wait=false']))
  await kubectl(['wait', '-n', 'default', '--for=condition=Ready', `pod/${name}`, '--timeout=60s'])
  return `localhost:${port}`
}
