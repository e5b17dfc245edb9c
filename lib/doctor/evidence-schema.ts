/**
 * What stored evidence must look like before rules see it: strict for our own parts, loose for Kubernetes'
 * objects, which have more fields than anybody lists and were cleaned when they were collected.
 */
import { z } from 'zod'
import type { BrokenDag, DagEntry, HttpsAnswer, KubeconfigFacts, KubernetesObject, NodeUsage, ObjectRef, RecordFacts, Release, ReleaseHook, Versions } from '../access.ts'
import type { ContainerLog, Evidence, Folder, Witnessed, Operation, Said, SecretFacts, StateFacts, Wanted } from './evidence.ts'
import { omissions, type Omitted } from './redact.ts'

/** Every key of the type, and no other: one that is added to the evidence and not here does not compile. */
function strictly<T>(shape: { [K in keyof T]-?: z.ZodType<T[K] | undefined> }): z.ZodType<T> {
  return z.strictObject(shape) as unknown as z.ZodType<T>
}

const text = (said: string): z.ZodString => z.string().describe(said)
const texts = (said: string): z.ZodArray<z.ZodString> => z.array(z.string()).describe(said)
const count = (said: string): z.ZodNumber => z.number().describe(said)
const labels = z.record(z.string(), z.string())

const object = z.looseObject({
  apiVersion: text('Group and version'),
  kind: text('As in a manifest'),
  metadata: z.looseObject({
    name: text('Its name'),
    namespace: z.string().optional().describe('Left out where it lies in none'),
    uid: z.string().optional().describe('Its UID'),
    generation: z.number().optional().describe('Of its wish'),
    creationTimestamp: z.string().nullable().optional().describe('When it was made'),
    deletionTimestamp: z.string().optional().describe('When it was asked to go'),
    labels: labels.optional().describe('Its labels'),
    annotations: labels.optional().describe('Those annotations that are Kubernetes\' and Helm\'s own'),
  }).describe('Of Kubernetes'),
}).meta({ id: 'object', description: 'An object as the API server sends it, without what may be secret' }) as unknown as z.ZodType<KubernetesObject>

const objects = (said: string): z.ZodType<KubernetesObject[]> => z.array(object).describe(said)

const ref = strictly<ObjectRef>({
  apiVersion: text('Group and version'), kind: text('As in a manifest'), name: text('Its name'), namespace: z.string().optional().describe('Where it has one'),
})

const hook = strictly<ReleaseHook>({
  ref: ref.describe('Which object'), events: texts('When Helm runs it'), deletePolicies: texts('When Helm deletes it'),
  phase: text('Succeeded, Failed, Running or Unknown'), endedAt: z.string().optional().describe('When it ended'), object: object.optional().describe('Names and keys, where it is a Secret or a ConfigMap'),
})

const recordFacts = strictly<RecordFacts>({ name: text('Of the Secret'), revision: count('Of the release'), status: text('Helm\'s word'), createdAt: text('When it was made') })

const record = strictly<Release>({
  name: text('Of the release'), namespace: text('Where it is'), revision: count('The newest'), status: text('Helm\'s word'), description: text('What Helm said of it'), updatedAt: text('Its last change'),
  chart: z.strictObject({ name: text('Its name'), version: text('Its version'), appVersion: text('What it carries') }).describe('The chart'),
  values: z.record(z.string(), z.unknown()).describe('A person\'s values, without their texts'),
  objects: objects('The manifest'), base: z.never().optional().describe('Not kept'), hooks: z.array(hook).describe('Its hooks'),
  record: ref.describe('The Secret that it lies in'), records: z.array(recordFacts).optional().describe('All that are not superseded'),
})

const secret = strictly<SecretFacts>({
  name: text('Its name'), type: text('Its type'), createdAt: text('When it was made'), labels: labels.describe('Its labels'), keys: texts('Of its data'),
  same: z.record(z.string(), z.array(z.string())).describe('By key: where else the same value is'), remarks: labels.describe('By key: what else can be said of the value'),
  changed: z.strictObject({ by: text('The field manager'), at: text('ISO time') }).optional().describe('Who wrote its data after it was made'),
})

const answer = strictly<HttpsAnswer>({
  status: count('Of HTTP'), headers: labels.describe('Those that tell who answered; of others only the name'), body: text('Its beginning'),
  certificate: z.strictObject({ subject: text('Whose'), issuer: text('By whom'), validFrom: z.string().optional().describe('Since when'), validTo: text('Until when'), names: texts('For which hosts') }).optional().describe('The certificate'),
})

const url = text('What was asked')
const answered = z.union([
  z.strictObject({ url, answer: answer.describe('What was answered'), page: answer.optional().describe('What the page itself answered') }),
  z.strictObject({ url, reason: text('Why there is no answer') }),
])

const ignored = z.strictObject({
  kind: z.string().optional().describe('Of the object'), namespace: z.string().optional().describe('Of the object'), name: z.string().optional().describe('Of the object'),
  path: z.string().optional().describe('JSON pointer'), value: z.unknown().optional().describe('Only this value'), manager: z.string().optional().describe('Only what this field manager added'),
  reason: text('Why it may differ'),
})

const wanted = strictly<Wanted>({
  chart: text('airflow.chart'), executor: text('airflow.executor'), storagePath: text('storage.path'), host: text('ingress.host'), path: text('ingress.path'),
  prefix: z.enum(['strip', 'mount']).describe('ingress.prefix'), certResolver: text('ingress.certResolver'), entryPoint: text('ingress.entryPoint'),
  address: z.string().optional().describe('ingress.address'), ignore: z.array(ignored).optional().describe('diff.ignore'),
  family: z.enum(['official-2', 'official-3', 'community']).describe('Which chart, with which Airflow'), healthPath: text('Of Airflow\'s health page, below the path'),
  route: text('The name of the route'), service: text('The Service that the route leads to'), bundledDatabase: z.boolean().describe('Whether PostgreSQL is the chart\'s own'),
  database: z.strictObject({ user: text('airflow.database.user'), host: text('Its own or airflow.database.external'), port: z.number().describe('airflow.database.port'), name: text('airflow.database.name'), sslmode: z.string().optional().describe('airflow.database.sslmode') }).optional().describe('Where Airflow\'s connection is to lead'),
  fernetSecretName: text('The Secret of the Fernet key'),
})

const log = strictly<ContainerLog>({
  namespace: text('Of the pod'), pod: text('Its name'), container: text('Which of its containers'), previous: z.boolean().describe('Of the run before'), lines: texts('The last of them'),
})
export const witnessed = strictly<Witnessed>({ job: object.describe('With its conditions'), pod: object.describe('As it was when it ended last'), logs: z.array(log).describe('What it said last'), at: text('When it was seen so') })
const said = strictly<Said>({ source: text('Where it was written down'), at: text('When'), text: text('What a tool said') })
const problem = z.strictObject({ code: text('The error, as the README lists them'), sentence: text('What is wrong') })
const state = strictly<StateFacts>({ path: text('The state file'), problem: problem.optional().describe('What is wrong with it'), doneAt: z.record(z.string(), z.string()).optional().describe('By step: when it was done the last time'), skipped: z.array(z.string()).optional().describe('Steps that were left out') })
const folder = strictly<Folder>({
  path: text('On the node'), exists: z.boolean().describe('Whether it is there'), uid: z.number().optional().describe('Its owner'), gid: z.number().optional().describe('Its group'),
  mode: z.number().optional().describe('Its permission bits'), taken: z.boolean().optional().describe('Whether something else has its name'),
  freeBytes: z.number().optional().describe('Bytes left on its disk'), freeFiles: z.number().optional().describe('Files that may still be made on its disk'),
})

const dagEntry = strictly<DagEntry>({ path: text('On the node'), folder: z.boolean().describe('Whether it is one'), uid: z.number().describe('Its owner'), gid: z.number().describe('Its group'), mode: z.number().describe('Its permission bits') })
const brokenDag = strictly<BrokenDag>({ file: text('As the pods see it'), said: text('The exception'), at: text('When its log says so') })

const cores = (what: string) => z.number().describe(`${what}, in cores`)
const usage = strictly<NodeUsage>({
  node: text('Its name'), cores: cores('All that is in use'), beside: cores('By what is no pod'),
  pods: z.array(z.strictObject({ namespace: text('Of the pod'), name: text('Of the pod'), cores: cores('What it uses') })).describe('Those that use most'),
})
const kubeconfig = strictly<KubeconfigFacts>({
  file: text('As kubectl is told'), exists: z.boolean().describe('Whether it is there'), contexts: texts('That it has'), context: z.string().optional().describe('That is asked for'),
  cluster: z.string().optional().describe('Of the context'), server: z.string().optional().describe('Its address'), others: texts('Kubeconfigs of administrators on this machine'),
  certificate: z.strictObject({ subject: text('Whose'), validFrom: text('Since when'), validTo: text('Until when') }).optional().describe('Of the user'),
})
const operation = strictly<Operation>({
  holderIdentity: z.string().optional().describe('host/pid/start'), leaseDurationSeconds: z.number().describe('For how long'), alive: z.boolean().optional().describe('Whether that process is there; left out where it is of another host'),
})

export const evidenceSchema = strictly<Evidence>({
  at: z.iso.datetime().describe('When it was collected'), clock: z.iso.datetime().optional().describe('What the API server\'s clock said then'), namespace: text('Of the release'), release: z.string().optional().describe('That was asked for'),
  wanted: wanted.optional().describe('What the configuration wants'),
  unreachable: problem.extend({ seen: texts('What kubectl said'), kubeconfig: kubeconfig.optional().describe('What was asked with') }).optional().describe('Why nothing could be asked; the rest is empty then'),
  missingTools: z.array(z.string()).optional().describe('That are not on the PATH'), operation: operation.optional().describe('Who says to be at work on the release'), knownPasswords: z.array(z.string()).optional().describe('Values whose default is still in use, by their place'),
  autoscalers: objects('Of the namespace').optional(),
  record: record.optional().describe('What Helm knows'), records: z.array(recordFacts).describe('Helm\'s records'),
  pods: objects('Of the namespace'), witnessed: z.array(witnessed).optional().describe('Pods of Jobs that fail, as runs have seen them'), claims: objects('PersistentVolumeClaims'), events: objects('Of the namespace'), workloads: objects('Deployments, StatefulSets and DaemonSets'), jobs: objects('Of the namespace'),
  replicaSets: objects('Of the namespace').optional(), services: objects('Of the namespace').optional(), endpoints: objects('Of the namespace').optional(),
  configMaps: objects('Names and keys').optional(), secrets: z.array(secret).optional().describe('Facts, no values'), serviceAccounts: objects('Names').optional(), roles: objects('Roles and RoleBindings').optional(),
  networkPolicies: objects('Of the namespace').optional(), quotas: objects('ResourceQuotas').optional(), routes: objects('IngressRoutes and Middlewares').optional(),
  nodes: objects('Of the cluster').optional(), usages: z.array(usage).optional().describe('Of nodes whose pods do not answer their probes in time'), consumers: objects('The pods that use most of those nodes, by name and owner').optional(), classes: objects('StorageClasses').optional(), volumes: objects('PersistentVolumes').optional(), ownNamespace: object.optional().describe('The namespace itself'),
  definitions: objects('CustomResourceDefinitions').optional(), webhooks: objects('Of admission').optional(), leases: objects('Of the control plane and the nodes').optional(), system: objects('DNS, provisioner, Traefik'),
  logs: z.array(log).describe('Last lines'), answered: answered.optional().describe('What the address answered'), addresses: z.array(z.string()).optional().describe('What the resolver gives for the host'),
  versions: strictly<Versions>({ server: text('Kubernetes'), kubectl: text('kubectl'), helm: text('Helm') }).optional().describe('Of the cluster and the tools'),
  folders: z.array(folder).describe('Of the storage step'), dagEntries: z.array(dagEntry).optional().describe('Files and folders among the DAGs that the user of Airflow\'s images may not read'), brokenDags: z.array(brokenDag).optional().describe('DAG files that Airflow could not read'), state: state.optional().describe('The state file'), said: z.array(said).describe('What was written down of failures'),
  redacted: z.partialRecord(z.enum(Object.keys(omissions) as Omitted[]), z.number()).optional().describe('What was left out, and how often'),
  looked: texts('What was read'), unknown: texts('What could not be read, and why'),
})
