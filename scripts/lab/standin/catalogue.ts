/** What an image of one kind needs beside the files, which all stand-ins share. */
export interface Family {
  names: string[]
  entrypoint: string[]
  user?: string
  workdir?: string
  env?: Record<string, string>
}

/** The Airflow that versions of both charts carry, and what else the reference met. */
const AIRFLOW = [
  '2.0.2', '2.1.2', '2.1.4', '2.2.1', '2.2.3', '2.2.4', '2.3.0', '2.3.3', '2.4.1', '2.5.1', '2.5.3',
  '2.5.3-python3.8', '2.6.2', '2.7.1', '2.8.1', '2.8.3', '2.8.4-python3.9', '2.9.2', '2.9.3', '2.10.5', '2.11.0', '3.0.2', '3.0.6', '3.1.7', '3.2.0', '3.2.2',
]

const REDIS = ['6-buster', '6-bullseye', '7-bullseye', '7-bookworm', '7.2-bookworm', 'latest']
const STATSD = ['v0.22.8', 'v0.26.0', 'v0.26.1', 'v0.28.0', 'v0.29.0', 'v0.30.0']

const node = (program: string): string[] => ['/usr/bin/node', `/opt/standin/${program}.js`]

/** Where Bitnami's image has its programs. */
const POSTGRESQL_PATH = { PATH: '/opt/bitnami/postgresql/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }

/**
 * Which names the stand-ins go by. The names are the real ones, so that charts and manifests run
 * unchanged; a further name costs one small JSON file, since every image has the same layers.
 */
export const FAMILIES: Family[] = [
  ...AIRFLOW.map(version => ({
    names: [`docker.io/apache/airflow:${version}`],
    entrypoint: ['/entrypoint'],
    user: '50000:0',
    workdir: '/opt/airflow',
    env: { AIRFLOW_VERSION: version.replace(/-.*$/, ''), AIRFLOW_HOME: '/opt/airflow' },
  })),
  {
    names: [
      ...['docker.io/bitnami/postgresql', 'docker.io/bitnamilegacy/postgresql'].flatMap(name =>
        ['11', '11.12.0-debian-10-r44', '16.1.0-debian-11-r15'].map(tag => `${name}:${tag}`)),
      ...['11.16-patch.0', '11.22-patch.0'].map(tag => `ghcr.io/airflow-helm/postgresql-bitnami:${tag}`),
    ],
    entrypoint: node('postgresql'),
    user: '1001:0',
    env: { ...POSTGRESQL_PATH, PGDATA: '/bitnami/postgresql/data' },
  },
  {
    names: ['1.18.0-patch.1', '1.22.1-patch.0'].map(tag => `ghcr.io/airflow-helm/pgbouncer:${tag}`),
    entrypoint: node('pgbouncer'),
    user: '1001:1001',
    env: POSTGRESQL_PATH,
  },
  // Only its clients are used: airstrip reaches a database outside the cluster with them.
  { names: ['docker.io/library/postgres:16'], entrypoint: [], env: POSTGRESQL_PATH },
  { names: REDIS.map(tag => `docker.io/library/redis:${tag}`), entrypoint: ['/usr/local/bin/redis-server'], workdir: '/data' },
  { names: ['5.0.14-debian-10-r173', '6.2.14-debian-12-r17'].map(tag => `docker.io/bitnami/redis:${tag}`), entrypoint: ['/usr/local/bin/redis-server'], user: '1001:0' },
  {
    names: [
      ...STATSD.map(tag => `quay.io/prometheus/statsd-exporter:${tag}`),
      'docker.io/apache/airflow:airflow-statsd-exporter-2021.04.28-v0.17.0',
    ],
    entrypoint: node('statsd'),
    user: '65534',
  },
  { names: ['v0.0.22', 'v0.0.23', 'v0.0.24', 'v0.0.25', 'v0.0.26'].map(tag => `docker.io/rancher/local-path-provisioner:${tag}`), entrypoint: [] },
  { names: ['docker.io/library/busybox:latest', 'docker.io/library/busybox:stable', 'docker.io/library/busybox:1.36'], entrypoint: [] },
  // Each reads the API groups of its version.
  ...['v2.9.10', 'v2.10.7', 'v2.11.0', 'v3.0.0'].map(tag => ({ names: [`docker.io/library/traefik:${tag}`], entrypoint: node('router'), env: { TRAEFIK_VERSION: tag } })),
  // Two generations, which differ in settings, in the git they run and in how they log.
  ...['v3.6.3', 'v4.4.2'].map(tag => ({ names: [`registry.k8s.io/git-sync/git-sync:${tag}`], entrypoint: node('git-sync'), user: '65533:65533', workdir: '/tmp', env: { HOME: '/tmp', GIT_SYNC_VERSION: tag } })),
  { names: ['docker.io/coredns/coredns:1.8.4', 'registry.k8s.io/coredns/coredns:v1.8.4'], entrypoint: node('dns') },
]
