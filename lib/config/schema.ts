/**
 * What a person can want of airstrip. Everything has a default but the three things that airstrip
 * cannot know: the host, the certificate resolver and the folder.
 *
 * Every key has a description: editors show it, from the JSON Schema that is made of this.
 */
import * as z from 'zod'
import { ignoreRule } from './ignore.ts'
import * as names from './names.ts'
import { notifyCommand } from './notify.ts'
import * as places from './places.ts'
import { secretSource } from './secrets.ts'
import * as versions from './versions.ts'

/** All that people know by name. Which chart takes which is judged where charts are known. */
export const executors = [
  'SequentialExecutor',
  'LocalExecutor',
  'CeleryExecutor',
  'KubernetesExecutor',
  'CeleryKubernetesExecutor',
  'LocalKubernetesExecutor',
  'DaskExecutor',
  'CeleryExecutor,KubernetesExecutor',
  'LocalExecutor,KubernetesExecutor',
] as const

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

const admin = z.strictObject({
  username: names.username.default('admin').describe('Login of the first user.'),
  password: secretSource.optional().describe('Where the password comes from; left out, one is generated and kept in a Kubernetes Secret.'),
  email: names.email.default('admin@example.org').describe('E-mail address of the first user.'),
  firstName: names.personName.default('Air').describe('First name of the first user.'),
  lastName: names.personName.default('Flow').describe('Last name of the first user.'),
  role: names.role.default('Admin').describe('Airflow role of the first user.'),
})

const database = z.strictObject({
  user: names.databaseName.default('airflow').describe('PostgreSQL user that Airflow connects as.'),
  name: names.databaseName.default('airflow').describe('Name of the metadata database.'),
  password: secretSource.optional().describe('Where the password comes from; left out, one is generated and kept in a Kubernetes Secret.'),
  port: z.int().min(1).max(65_535).default(5432).describe('Port that PostgreSQL listens on.'),
  sslmode: z.enum(sslModes).default('disable').describe('sslmode of the connection to the database.'),
  imageTag: versions.imageTag.optional().describe('Tag of the bundled PostgreSQL image; left out, 11 below Airflow 2.9 and the one of the chart from there on.'),
  external: names.databaseHost.optional().describe('Host of a PostgreSQL of your own; left out, the bundled one is used.'),
})

const image = z.strictObject({
  repository: versions.imageRepository.optional().describe('Airflow image to use instead of the one of the chart, without a tag.'),
  tag: versions.imageTag.optional().describe('Tag of the Airflow image.'),
})

const backups = z.strictObject({
  keep: z.int().min(1).max(1000).default(10).describe('How many dumps of the metadata database are kept; the newest that is whole is never deleted.'),
  image: versions.image.default('docker.io/library/postgres:16').describe('Image with PostgreSQL\'s clients, for a database outside the cluster; at least as new as its server.'),
})

const airflow = z.strictObject({
  chart: places.chart.default('apache-airflow/airflow').describe('Helm chart: apache-airflow/airflow, airflow-stable/airflow, an oci:// address, or a folder or .tgz that begins with ./, ../ or /.'),
  version: versions.chartVersionOrAuto.default('1.10.0').describe('Version of the chart, or auto: the newest that fits this cluster and this Helm.'),
  candidates: z.array(versions.chartVersion.describe('Version of the chart.')).max(50).default([]).describe('Chart versions that are tried in turn when the wanted one cannot work here.'),
  namespace: names.namespace.default('airflow').describe('Kubernetes namespace that Airflow lives in.'),
  release: names.release.default('airflow').describe('Name of the Helm release.'),
  executor: z.enum(executors).default('KubernetesExecutor').describe('How tasks are run; `executors` lists them with their trade-offs.'),
  values: z.record(z.string(), z.unknown()).default({}).describe('Passed through to the chart, over what airstrip sets. No secrets: they have keys of their own.'),
  adopt: z.boolean().default(false).describe('Take over a release that was installed by other means, with its keys, passwords and data; `adopt` prints the configuration that fits it.'),
  admin: admin.prefault({}).describe('The first user of the web page.'),
  database: database.prefault({}).describe('The metadata database.'),
  backups: backups.prefault({}).describe('Dumps of the metadata database: by hand, and before Airflow\'s version changes.'),
  image: image.optional().describe('An Airflow image of your own.'),
})

const provisioner = z.strictObject({
  version: versions.provisionerVersion.default('v0.0.24').describe('Tag of rancher/local-path-provisioner.'),
  manifest: places.file.optional().describe('A manifest file to use instead of the download.'),
  sha256: versions.sha256.optional().describe('SHA-256 that the manifest must have; known already for the default version.'),
})

const storage = z.strictObject({
  path: places.storagePath.describe('Folder on the node; dags/ and logs/ live in it.'),
  dagsSize: versions.size.default('1Gi').describe('Size of the volume for DAGs.'),
  logsSize: versions.size.default('10Gi').describe('Size of the volume for logs.'),
  image: versions.image.default('docker.io/library/busybox:latest').describe('Image of the short-lived pod that makes the folders on the node.'),
})

const ingress = z.strictObject({
  host: names.host.describe('Public name of the machine, as it stands in the certificate.'),
  path: places.ingressPath.default('/airflow').describe('Path below the host; not the root.'),
  certResolver: names.certResolver.describe('Name of the certificate resolver in the configuration of Traefik.'),
  prefix: z.enum(['strip', 'mount']).default('strip').describe('strip: Traefik takes the path away. mount: Airflow is told its base_url and gets the whole path.'),
  entryPoint: names.entryPoint.default('websecure').describe('Entry point of Traefik for HTTPS.'),
  address: names.address.optional().describe('IP address, or IP:port, that airstrip connects to for its own check instead of what DNS says.'),
})

const requirements = z.strictObject({
  os: versions.operatingSystem.optional().describe('Operating system that the node must have, for example ubuntu 20.04.'),
  kubernetes: versions.kubernetesVersion.optional().describe('Kubernetes version that the cluster must have, for example 1.22.8 or "1.22".'),
})

const diff = z.strictObject({
  ignore: z.array(ignoreRule).max(200).default([]).describe('What may differ on the cluster and is neither shown nor put back.'),
})

/** What apply may do with nobody to ask, from least to most. */
export const unattended = ['nothing', 'install', 'repair'] as const

const notify = z.strictObject({
  command: notifyCommand.describe('Program and its arguments, run without a shell when an unattended run fails; it gets what is wrong as JSON on its stdin.'),
})

export const schema = z.strictObject({
  airflow: airflow.prefault({}).describe('Airflow and its Helm chart.'),
  provisioner: provisioner.prefault({}).describe('local-path-provisioner, which makes volumes on a bare cluster.'),
  storage: storage.describe('Where DAGs and logs live.'),
  ingress: ingress.describe('How Airflow is reached from outside, through Traefik.'),
  diff: diff.prefault({}).describe('How the cluster is compared with what is wanted.'),
  unattended: z.enum(unattended).default('install').describe('What apply may do with nobody to ask and without --yes. install: what is not there yet. repair: also put back what was deleted or changed by hand.'),
  notify: notify.optional().describe('Who is told when an unattended run fails; nobody, where it is left out.'),
  require: requirements.prefault({}).describe('What must hold; anything else about the machine only warns.'),
})

export type Config = z.output<typeof schema>
export type Unattended = (typeof unattended)[number]
export type Executor = (typeof executors)[number]
