import type { Chart, ChartList, ChartSource, DagEntry, DagLogs, FolderFacts, HttpsAnswer, ImageAnswer, KubernetesObject, ListQuery, ManifestSource, Permissions, PolicyRule, Reader, Release, SecretSource, Versions } from '../access.ts'
import { rulesReview, type Question } from './api.ts'
import { findUnreachable, readClockAhead } from './kubeconfig.ts'
import type { Connection } from './connection.ts'
import { readLogs } from './logs.ts'
import { getObjects, listContents, listObjects } from './objects.ts'
import { ask, isGood, parsed, readJson, refused } from './request.ts'
import { createDiscovery, type Discovery } from './resources.ts'
import { newestRecord, readRelease, recordFacts } from './release.ts'
import { renderRelease } from './render.ts'
import { readUsage } from './usage.ts'

/** What the Reader needs of the machine and the network besides kubectl and helm. */
export interface Surroundings {
  /** Versions of the tools on the PATH. */
  tools: () => Promise<Pick<Versions, 'kubectl' | 'helm'>>
  chart(source: ChartSource): Promise<Chart>
  charts(reference: string): Promise<ChartList>
  images(images: readonly string[]): Promise<ImageAnswer[]>
  manifest(source: ManifestSource): Promise<KubernetesObject[]>
  secret(source: SecretSource): Promise<string>
  resolve(host: string): Promise<string[]>
  https(url: string, address?: string, timeoutMs?: number): Promise<HttpsAnswer>
  folder(path: string, node: KubernetesObject): Promise<FolderFacts | undefined>
  dagLogs(logs: string, node: KubernetesObject): Promise<DagLogs | undefined>
  dagEntries(dags: string, node: KubernetesObject): Promise<DagEntry[] | undefined>
  alive(holder: string): Promise<boolean | undefined>
  now(): Date
}

export function createReader(connection: Connection, surroundings: Surroundings): Reader {
  const discovery = createDiscovery(connection)
  return {
    ...surroundings,
    unreachable: () => findUnreachable(connection),
    clockAhead: () => readClockAhead(connection, () => surroundings.now()),
    get: (refs) => getObjects(connection, discovery, refs),
    list: (query) => listObjects(connection, discovery, query),
    contents: (namespace) => listContents(connection, discovery, namespace),
    versions: () => readVersions(connection, surroundings.tools),
    server: () => readServer(connection),
    lacking: async (kinds) => {
      const known = await Promise.all(kinds.map((kind) => discovery.ofKind(kind)))
      return kinds.filter((_, index) => known[index] === undefined)
    },
    permissions: (namespace) => readPermissions(connection, namespace),
    release: (name, namespace) => findRelease(connection, discovery, name, namespace),
    render: (wish) => renderRelease(connection, surroundings, wish),
    logs: (query) => readLogs(connection, query),
    usage: (node) => readUsage(connection, node),
    secret: async (source) => {
      const value = await surroundings.secret(source)
      connection.redactor.add(value)
      return value
    },
  }
}

async function readVersions(connection: Connection, tools: Surroundings['tools']): Promise<Versions> {
  const [server, { kubectl, helm }] = await Promise.all([readServer(connection), tools()])
  return { server, kubectl, helm }
}

async function readServer(connection: Connection): Promise<string> {
  return (await readJson<{ gitVersion: string }>(connection, '/version'))?.gitVersion ?? ''
}

/**
 * One question for all rules instead of one per verb and kind. The rules of a namespace include
 * those of cluster-wide bindings.
 */
async function readPermissions(connection: Connection, namespace: string): Promise<Permissions> {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } }
  const question: Question = { method: 'POST', path: rulesReview, body: JSON.stringify(review) }
  const answer = await ask(connection, question)
  if (!isGood(answer)) throw await refused(connection, question, answer)
  const { status } = parsed(rulesReview, answer.text) as { status: { resourceRules: PolicyRule[]; incomplete: boolean } }
  return { rules: status.resourceRules, incomplete: status.incomplete }
}

async function findRelease(connection: Connection, discovery: Discovery, name: string, namespace: string): Promise<Release | undefined> {
  const query: ListQuery = { resources: ['secrets'], namespace, selector: `owner=helm,name=${name},status!=superseded` }
  const records = await listObjects(connection, discovery, query)
  const record = newestRecord(records)
  if (record === undefined) return undefined
  const deployed = newestRecord(records.filter(({ metadata }) => metadata.labels?.status === 'deployed'))
  const release = { ...readRelease(record), records: records.map(recordFacts) }
  return deployed === undefined || deployed === record ? release : { ...release, base: readRelease(deployed).objects }
}
