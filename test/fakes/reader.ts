/** A cluster that is a list of objects. What is not scripted fails and prints itself; nothing can be written. */
import { AirstripError } from '../../lib/errors.ts'
import { keyOf } from '../../lib/cluster/objects.ts'
import type { Chart, ChartList, FolderFacts, HttpsAnswer, KubernetesObject, Permissions, Reader, Release, Rendered, Versions } from '../../lib/access.ts'

export interface Cluster {
  objects?: readonly KubernetesObject[]
  release?: Release | undefined
  chart?: Chart
  charts?: ChartList
  /** By version, where there is more than one; or why it cannot be had. */
  chartsBy?: Record<string, Chart | Error>
  /** By version: what Helm says instead of rendering it. */
  refused?: Record<string, string[]>
  /** `batch/v1 CronJob`: what the API server does not have. */
  lacks?: readonly string[]
  /** By image: what its registry says; not looked up where it is left out. */
  registry?: Record<string, 'there' | 'absent'>
  rendered?: Rendered
  manifest?: readonly KubernetesObject[]
  versions?: Versions
  permissions?: Permissions
  folders?: Record<string, FolderFacts | undefined>
  addresses?: string[]
  answers?: Record<string, HttpsAnswer | Error>
  alive?: Record<string, boolean | undefined>
  secrets?: Record<string, string>
  now?: Date
}

/** kubectl's names for kinds, singular and plural, with or without the group. */
const kinds: Record<string, string> = {
  pods: 'Pod', events: 'Event', nodes: 'Node', namespaces: 'Namespace', secrets: 'Secret',
  persistentvolumes: 'PersistentVolume', persistentvolumeclaims: 'PersistentVolumeClaim', storageclasses: 'StorageClass',
  deployments: 'Deployment', replicasets: 'ReplicaSet', statefulsets: 'StatefulSet', daemonsets: 'DaemonSet', jobs: 'Job', horizontalpodautoscalers: 'HorizontalPodAutoscaler', customresourcedefinitions: 'CustomResourceDefinition',
}

export const noon = new Date('2023-08-02T10:30:00Z')

export function clusterReader(cluster: Cluster = {}): Reader & { asked: string[] } {
  const asked: string[] = []
  const { objects = [] } = cluster
  const scripted = <T>(what: string, value: T | undefined): Promise<T> => {
    asked.push(what)
    return value === undefined ? Promise.reject(new Error(`unscripted question: ${what}`)) : Promise.resolve(value)
  }
  return {
    asked,
    get: (refs) => {
      asked.push(`get ${refs.map(keyOf).join(' ')}`)
      const known = new Map(objects.map((object) => [keyOf({ ...object, ...object.metadata, apiVersion: object.apiVersion, kind: object.kind }), object]))
      return Promise.resolve(refs.map((ref) => known.get(keyOf(ref))))
    },
    list: ({ resources, namespace }) => {
      asked.push(`list ${resources.join(',')} ${namespace ?? ''}`)
      const wanted = resources.map((resource) => kinds[resource.split('.')[0] ?? ''])
      if (wanted.includes(undefined)) return Promise.reject(new Error(`unscripted question: list ${resources.join(',')}`))
      return Promise.resolve(objects.filter(({ kind, metadata }) => wanted.includes(kind) && (namespace === undefined || metadata.namespace === namespace)))
    },
    contents: (namespace) => {
      asked.push(`contents ${namespace}`)
      return Promise.resolve(objects.filter(({ metadata }) => metadata.namespace === namespace))
    },
    unreachable: () => Promise.resolve(undefined),
    clockAhead: () => Promise.resolve(undefined),
    versions: () => scripted('versions', cluster.versions),
    permissions: (namespace) => scripted(`permissions ${namespace}`, cluster.permissions),
    release: () => Promise.resolve(cluster.release),
    ...charts(cluster, asked, scripted),
    manifest: ({ url }) => scripted(`manifest ${url}`, cluster.manifest === undefined ? undefined : [...cluster.manifest]),
    secret: (source) => scripted(`secret ${JSON.stringify(source)}`, cluster.secrets?.['env' in source ? source.env : source.file]),
    logs: ({ pod }) => scripted(`logs ${pod}`, undefined),
    resolve: (host) => scripted(`resolve ${host}`, cluster.addresses),
    https: (url, address) => {
      const answer = cluster.answers?.[url]
      return answer instanceof Error ? Promise.reject(answer) : scripted(`https ${url} ${address ?? ''}`, answer)
    },
    folder: (path) => {
      asked.push(`folder ${path}`)
      return Promise.resolve(cluster.folders?.[path])
    },
    ...ofNodes,
    alive: (holder) => {
      asked.push(`alive ${holder}`)
      return Promise.resolve(cluster.alive?.[holder])
    },
    now: () => cluster.now ?? noon,
  }
}

const ofNodes: Pick<Reader, 'usage' | 'dagLogs' | 'dagEntries'> = { usage: () => Promise.resolve(undefined), dagLogs: () => Promise.resolve(undefined), dagEntries: () => Promise.resolve(undefined) }

type Scripted = <T>(what: string, value: T | undefined) => Promise<T>

/** What is asked of charts and of what they need. */
function charts(cluster: Cluster, asked: string[], scripted: Scripted): Pick<Reader, 'images' | 'server' | 'tools' | 'lacking' | 'charts' | 'chart' | 'render'> {
  return {
    images: (images) => {
      asked.push(`images ${images.join(' ')}`)
      return Promise.resolve(images.map((image) => ({ image, state: cluster.registry?.[image] ?? 'unknown', reason: 'as scripted' })))
    },
    server: () => scripted('server', cluster.versions?.server),
    tools: () => scripted('tools', cluster.versions),
    lacking: (asked) => Promise.resolve(asked.filter(({ apiVersion, kind }) => cluster.lacks?.includes(`${apiVersion} ${kind}`) === true)),
    charts: (reference) => scripted(`charts ${reference}`, cluster.charts),
    chart: ({ reference, version }) => {
      const one = cluster.chartsBy?.[version] ?? cluster.chart
      return one instanceof Error ? Promise.reject(one) : scripted(`chart ${reference} ${version}`, one)
    },
    render: ({ name, chart: { version } }) => {
      const seen = cluster.refused?.[version]
      return seen === undefined ? scripted(`render ${name} ${version}`, cluster.rendered) : Promise.reject(new AirstripError('HELM_FAILED', 'Helm cannot render it.', { seen }))
    },
  }
}
