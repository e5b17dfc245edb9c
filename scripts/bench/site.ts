import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../lib/config/load.ts'
import { ingressObjects } from '../../lib/manifest/ingress.ts'
import { storageObjects } from '../../lib/manifest/storage.ts'
import type { Lab } from '../lab/cluster.ts'
import { must } from '../lab/exec.ts'
import { checkout, instance } from '../lab/paths.ts'
import { labConfig } from '../lab/standin/fixtures.ts'

/** One Airflow on one cluster, and the files that those who re-apply it work from: the same for all of them. */
export interface Site {
  lab: Lab
  folder: string
  /** airstrip's. */
  config: string
  state: string
  /** The others'. */
  values: string
  provisioner: string
  storage: string
  ingress: string
  /** A folder or an archive. */
  chart: string
  host: string
  storagePath: string
  env: NodeJS.ProcessEnv
}

export interface ChartChoice {
  chart: string
  version: string
}

/** Folders, and the configuration; the manifests and values are written when airstrip has installed. */
export function openSite(lab: Lab, folder: string, choice: ChartChoice | undefined): Site {
  const storagePath = join(instance(lab.name).data, 'storage')
  const config = parse(labConfig({ checkout, nodeIP: lab.nodeIP, storagePath })) as { airflow: ChartChoice; provisioner: { manifest: string }; ingress: { host: string } }
  config.airflow = { ...config.airflow, ...choice }
  const file = (name: string): string => join(folder, name)
  const home = file('home')
  mkdirSync(home, { recursive: true })
  writeFileSync(file('airstrip.yaml'), stringify(config))
  return {
    lab, folder, storagePath,
    config: file('airstrip.yaml'), state: file('state/state.json'), values: file('values.yaml'),
    storage: file('storage.yaml'), ingress: file('ingress.yaml'),
    provisioner: config.provisioner.manifest, chart: config.airflow.chart, host: config.ingress.host,
    // A home of its own: caches are warm after the first round, and a person's settings of npm or helm have no part in it.
    env: { PATH: lab.path, HOME: home, LC_ALL: 'C.UTF-8', KUBECONFIG: lab.kubeconfig },
  }
}

/** What a person would have in files: the objects that airstrip keeps. */
export function writeManifests(site: Site): void {
  const { airflow, storage, ingress } = parseConfig(readFileSync(site.config, 'utf8'), site.config)
  const { namespace, release } = airflow
  const yaml = (objects: readonly object[]): string => objects.map(object => stringify(object, { aliasDuplicateObjects: false })).join('---\n')
  writeFileSync(site.storage, yaml(storageObjects({ namespace, ...storage })))
  writeFileSync(site.ingress, yaml(ingressObjects({ namespace, route: `${release}-webserver`, service: `${release}-webserver`, ...ingress }, 'traefik.containo.us')))
}

/** The values that the release was installed with, so that Helm finds nothing to change. */
export async function writeLiveValues(site: Site): Promise<void> {
  writeFileSync(site.values, await must('helm', ['get', 'values', 'airflow', '-n', 'airflow', '-o', 'yaml'], { env: site.env }))
}

/** The reference's values, for an install without airstrip: passwords as a person writes them. */
export function writePlainValues(site: Site): void {
  const [user, password] = ['airflow', 'a-password-of-the-bench']
  writeFileSync(site.values, stringify({
    executor: 'KubernetesExecutor',
    webserver: { defaultUser: { enabled: true, role: 'Admin', username: 'admin', email: 'admin@example.org', firstName: 'Air', lastName: 'Flow', password } },
    data: { metadataConnection: { user, pass: password, protocol: 'postgresql', port: 5432, db: user, sslmode: 'disable' } },
    postgresql: { enabled: true, image: { tag: '11' }, auth: { enablePostgresUser: true, postgresPassword: password, username: user, password, database: user } },
    dags: { persistence: { enabled: true, existingClaim: 'airflow-local-dags-folder', accessMode: 'ReadOnlyMany' } },
    logs: { persistence: { enabled: true, existingClaim: 'airflow-local-logs-folder' } },
    config: { webserver: { base_url: `https://${site.host}`, enable_proxy_fix: 'True' } },
  }))
}

/** Objects of the release, hooks left out. */
export async function releaseSize(site: Site): Promise<number> {
  const manifest = await must('helm', ['get', 'manifest', 'airflow', '-n', 'airflow'], { env: site.env })
  return manifest.split('\n').filter(line => line.startsWith('kind: ')).length
}
