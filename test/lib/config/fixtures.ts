/** Configurations to break, and a way to see all that is said about a broken one. */
import { AirstripError } from '../../../lib/errors.ts'
import { parseConfig } from '../../../lib/config/load.ts'
import type { Config } from '../../../lib/config/schema.ts'
import { mistakesOf, type Mistake } from '../../../lib/config/mistakes.ts'

export const smallest = `storage:
  path: /srv/airflow
ingress:
  host: home.example.org
  certResolver: letsencrypt
`

/** As the product contract shows it, with the empty `manifest:`. */
export const contract = `airflow:
  chart: apache-airflow/airflow   # or airflow-stable/airflow, an oci:// address, a folder, a .tgz
  version: 1.10.0                 # or auto
  candidates: []
  namespace: airflow
  release: airflow
  executor: KubernetesExecutor
  values: {}
provisioner:
  version: v0.0.24
  manifest:                       # a file to use instead of the download
storage:
  path: /srv/airflow
ingress:
  host: home.example.org
  path: /airflow
  certResolver: letsencrypt
  prefix: strip                   # or mount
require:
  os: ubuntu 20.04
  kubernetes: 1.22.8
`

/** Every key there is. */
export const everything = `airflow:
  chart: ./charts/airflow-1.10.0.tgz
  version: auto
  candidates: [1.10.0, "1.9.0"]
  namespace: data-team
  release: flow
  executor: CeleryExecutor
  values:
    webserver: {replicas: 2}
    workers: {replicas: null, env: [{name: A, value: "b"}]}
    8080: x
  admin:
    username: joe
    password: {env: ADMIN_PASSWORD}
    email: joe@example.org
    firstName: Zoë
    lastName: O'Neill
    role: Admin
  database:
    user: flow
    name: flow_db
    password: {file: ../secrets/db}
    port: 5433
    sslmode: require
    imageTag: "13"
    external: postgres.example.org
  image:
    repository: registry.example.org:5000/team/airflow
    tag: 2.6.2-python3.9
provisioner:
  version: v0.0.26
  manifest: local-path-storage.yaml
  sha256: ${'0123456789abcdef'.repeat(4)}
storage:
  path: /mnt/disk1/airflow
  dagsSize: 500Mi
  logsSize: 1.5Ti
  image: docker.io/library/busybox:1.36@sha256:${'0123456789abcdef'.repeat(4)}
ingress:
  host: home.example.org
  path: /team/airflow
  certResolver: le_staging
  prefix: mount
  entryPoint: websecure
  address: 192.168.1.10:8443
require:
  os: ubuntu 20.04
  kubernetes: "1.22"
notify:
  command: [./tell-me, --to, joe@example.org]
`

export const file = '/home/joe/airstrip.yaml'

/** The configuration, or what is wrong with it; any other error than the one for this is thrown on. */
export function outcome(text: string): { config: Config } | { error: AirstripError } {
  try {
    return { config: parseConfig(text, file) }
  } catch (error) {
    if (error instanceof AirstripError && error.code === 'CONFIG_INVALID') return { error }
    throw error
  }
}

export function errorOf(text: string): AirstripError | undefined {
  const result = outcome(text)
  return 'error' in result ? result.error : undefined
}

export function mistakesIn(text: string): readonly Mistake[] {
  return mistakesOf(errorOf(text))
}

/** `12:9 ingress.host`, one per mistake. */
export function placesIn(text: string): string[] {
  return mistakesIn(text).map(({ line, column, path }) => `${line}:${column} ${path}`.trim())
}

/** All that a person could get to see of an error. */
export function allSaid(error: AirstripError | undefined): string {
  if (error === undefined) return ''
  // Not the stack: it begins with the message, and Node takes a millisecond to make it.
  const { message, place, seen, next, findings, cause } = error
  return JSON.stringify({ message, place, seen, next, findings, cause })
}
