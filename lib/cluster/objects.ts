import { AirstripError } from '../errors.ts'
import type { KubernetesObject, ListQuery, ObjectRef } from '../access.ts'
import { callKubectl, kubectl, refusal, type Connection } from './connection.ts'
import type { Outcome } from './exec.ts'
import { isSecretKey } from './redact.ts'

/** kubectl prints nothing, one object or a List, depending on how many there are. */
export function parseObjects(stdout: string): KubernetesObject[] {
  if (stdout.trim() === '') return []
  const parsed = JSON.parse(stdout) as KubernetesObject & { items?: KubernetesObject[] }
  return parsed.items ?? [parsed]
}

/** Identity without the version: the server may answer in another version of the same group. */
export function keyOf(ref: { apiVersion: string; kind: string; namespace?: string | undefined; name: string }): string {
  const group = ref.apiVersion.includes('/') ? ref.apiVersion.split('/')[0] : ''
  return `${group ?? ''}|${ref.kind}|${ref.namespace ?? ''}|${ref.name}`
}

export function refOf(object: KubernetesObject): ObjectRef {
  const { apiVersion, kind, metadata } = object
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace }
}

function learnSecrets(connection: Connection, objects: KubernetesObject[]): KubernetesObject[] {
  for (const object of objects) {
    // A Helm record is not one secret but a whole release; its parts are judged when it is read.
    if (object.kind !== 'Secret' || object.type === 'helm.sh/release.v1') continue
    for (const [key, value] of Object.entries((object.data ?? {}) as Record<string, string>)) {
      if (isSecretKey(key)) connection.redactor.add(Buffer.from(value, 'base64').toString())
    }
  }
  return objects
}

/** From so many of a kind in a namespace on, one list costs less than a request for each. */
const manyOfAKind = 20

/** By name, all in one process: kubectl reads the references as a manifest from stdin. Many of a kind are listed. */
export async function getObjects(connection: Connection, refs: readonly ObjectRef[]): Promise<(KubernetesObject | undefined)[]> {
  if (refs.length === 0) return []
  const groups = groupsOf(refs)
  const many = groups.filter((group) => group.length >= manyOfAKind)
  const few = groups.filter((group) => group.length < manyOfAKind).flat()
  const objects = await Promise.all([few.length === 0 ? [] : getKnown(connection, few), ...many.map((group) => listGroup(connection, group))])
  const found = new Map(objects.flat().map((object) => [keyOf(refOf(object)), object]))
  return refs.map((ref) => found.get(keyOf(ref)))
}

function groupsOf(refs: readonly ObjectRef[]): ObjectRef[][] {
  const groups = new Map<string, ObjectRef[]>()
  for (const ref of refs) {
    const key = keyOf({ ...ref, name: '' })
    groups.set(key, [...(groups.get(key) ?? []), ref])
  }
  return [...groups.values()]
}

/** Helm's records are left out: each is a whole release, and nobody asks for them by name. */
async function listGroup(connection: Connection, group: readonly ObjectRef[]): Promise<KubernetesObject[]> {
  const [{ apiVersion, kind, namespace } = { apiVersion: '', kind: '' }] = group
  const where = namespace === undefined ? [] : ['-n', namespace]
  const only = kind === 'Secret' ? ['--field-selector=type!=helm.sh/release.v1'] : []
  return getWhole(connection, ['get', typeOf({ apiVersion, kind }), ...where, ...only, '-o', 'json'])
}

/** `Deployment.v1.apps`, as kubectl takes a kind that several groups may have. */
export function typeOf({ apiVersion, kind }: Pick<ObjectRef, 'apiVersion' | 'kind'>): string {
  const [group, version] = apiVersion.split('/')
  return version === undefined ? kind : `${kind}.${version}.${group ?? ''}`
}

async function getKnown(connection: Connection, refs: readonly ObjectRef[]): Promise<KubernetesObject[]> {
  const args = ['get', '-f', '-', '--ignore-not-found', '-o', 'json']
  const outcome = await callWhole(connection, args, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: refs.map(stub) }))
  if (outcome.exitCode === 0) return learnSecrets(connection, parseObjects(outcome.stdout))
  const known = refs.filter((ref) => !unknownKinds(outcome.stderr).has(`${ref.kind} ${ref.apiVersion}`))
  if (known.length === refs.length) throw await refusal(connection, 'kubectl', args, outcome)
  return known.length === 0 ? [] : getKnown(connection, known)
}

async function getWhole(connection: Connection, args: string[]): Promise<KubernetesObject[]> {
  const outcome = await callWhole(connection, args)
  if (outcome.exitCode !== 0) throw await refusal(connection, 'kubectl', args, outcome)
  return learnSecrets(connection, parseObjects(outcome.stdout))
}

/** With its managed fields, which tell who wrote what; kubectl before 1.21 shows them unasked. */
async function callWhole(connection: Connection, args: string[], stdin?: string): Promise<Outcome> {
  const outcome = await callKubectl(connection, [...args, '--show-managed-fields'], stdin)
  return outcome.exitCode !== 0 && outcome.stderr.includes('unknown flag: --show-managed-fields') ? callKubectl(connection, args, stdin) : outcome
}

function stub({ apiVersion, kind, name, namespace }: ObjectRef): unknown {
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } }
}

/** `no matches for kind "IngressRoute" in version "traefik.io/v1alpha1"`: such objects cannot exist. */
function unknownKinds(stderr: string): Set<string> {
  return new Set([...stderr.matchAll(/no matches for kind "([^"]+)" in (?:version|group) "([^"]+)"/g)].map(([, kind, version]) => `${kind ?? ''} ${version ?? ''}`))
}

export async function listObjects(connection: Connection, query: ListQuery): Promise<KubernetesObject[]> {
  const args = [
    'get',
    query.resources.join(','),
    ...(query.namespace === undefined ? ['--all-namespaces'] : ['-n', query.namespace]),
    ...(query.selector === undefined ? [] : ['-l', query.selector]),
    '-o',
    'json',
  ]
  const outcome = await callKubectl(connection, args)
  if (outcome.exitCode === 0) return learnSecrets(connection, parseObjects(outcome.stdout))
  const missing = /the server doesn't have a resource type "([^"]+)"/.exec(outcome.stderr)?.[1]
  const resources = query.resources.filter((resource) => resource !== missing && resource.split('.')[0] !== missing)
  if (resources.length === query.resources.length) throw await refusal(connection, 'kubectl', args, outcome)
  const [first, ...rest] = resources
  return first === undefined ? [] : listObjects(connection, { ...query, resources: [first, ...rest] })
}

export async function readJson<T>(connection: Connection, args: string[], stdin?: string): Promise<T> {
  const stdout = await kubectl(connection, args, stdin)
  try {
    return JSON.parse(stdout) as T
  } catch (cause) {
    throw new AirstripError('CALL_FAILED', `kubectl ${args[0] ?? ''} answered something that is not JSON.`, { seen: [stdout.slice(0, 200)], cause })
  }
}
