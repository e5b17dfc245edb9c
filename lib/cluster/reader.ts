import type { Chart, ChartSource, FolderFacts, HttpsAnswer, KubernetesObject, ListQuery, LogQuery, ManifestSource, Permissions, PolicyRule, Reader, Release, SecretSource, Versions } from '../access.ts'
import { callKubectl, refusal, type Connection } from './connection.ts'
import { getObjects, listObjects, readJson } from './objects.ts'
import { newestRecord, readRelease } from './release.ts'
import { renderRelease } from './render.ts'

/** What the Reader needs of the machine and the network besides kubectl and helm. */
export interface Surroundings {
  chart(source: ChartSource): Promise<Chart>
  manifest(source: ManifestSource): Promise<KubernetesObject[]>
  secret(source: SecretSource): Promise<string>
  resolve(host: string): Promise<string[]>
  https(url: string, address?: string): Promise<HttpsAnswer>
  folder(path: string, node: KubernetesObject): Promise<FolderFacts | undefined>
  alive(holder: string): Promise<boolean | undefined>
  now(): Date
}

export function createReader(connection: Connection, surroundings: Surroundings): Reader {
  return {
    ...surroundings,
    get: (refs) => getObjects(connection, refs),
    list: (query) => listObjects(connection, query),
    versions: () => readVersions(connection),
    permissions: (namespace) => readPermissions(connection, namespace),
    release: (name, namespace) => findRelease(connection, name, namespace),
    render: (wish) => renderRelease(connection, (source) => surroundings.chart(source), wish),
    logs: (query) => readLogs(connection, query),
    secret: async (source) => {
      const value = await surroundings.secret(source)
      connection.redactor.add(value)
      return value
    },
  }
}

async function readVersions(connection: Connection): Promise<Versions> {
  const [both, helm] = await Promise.all([
    readJson<{ clientVersion: { gitVersion: string }; serverVersion: { gitVersion: string } }>(connection, ['version', '-o', 'json']),
    helmVersion(connection),
  ])
  return { server: both.serverVersion.gitVersion, kubectl: both.clientVersion.gitVersion, helm }
}

async function helmVersion(connection: Connection): Promise<string> {
  const args = ['version', '--template', '{{.Version}}']
  const outcome = await connection.exec({ tool: 'helm', args, signal: connection.signal })
  if (outcome.exitCode !== 0) throw await refusal(connection, 'helm', args, outcome)
  return outcome.stdout.trim()
}

/**
 * One question for all rules instead of one per verb and kind. The rules of a namespace include
 * those of cluster-wide bindings.
 */
async function readPermissions(connection: Connection, namespace: string): Promise<Permissions> {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } }
  const answer = await readJson<{ status: { resourceRules: PolicyRule[]; incomplete: boolean } }>(
    connection, ['create', '-f', '-', '-o', 'json', '--validate=false'], JSON.stringify(review))
  return { rules: answer.status.resourceRules, incomplete: answer.status.incomplete }
}

async function findRelease(connection: Connection, name: string, namespace: string): Promise<Release | undefined> {
  const query: ListQuery = { resources: ['secrets'], namespace, selector: `owner=helm,name=${name},status!=superseded` }
  const record = newestRecord(await listObjects(connection, query))
  return record === undefined ? undefined : readRelease(record)
}

async function readLogs(connection: Connection, query: LogQuery): Promise<string | undefined> {
  const { namespace, pod, container, previous, lines } = query
  const args = ['logs', pod, '-n', namespace, '-c', container, `--tail=${lines}`, ...(previous === true ? ['--previous'] : [])]
  const outcome = await callKubectl(connection, args)
  return outcome.exitCode === 0 ? connection.redactor.redact(outcome.stdout) : undefined
}

