import t from 'tap'
import { readFileSync } from 'node:fs'
import { AirstripError } from '../../../lib/errors.ts'
import { schemaText } from '../../../lib/config/json-schema.ts'
import { loadConfig, parseConfig } from '../../../lib/config/load.ts'
import { contract, everything, file, smallest } from './fixtures.ts'

const root = new URL('../../../', import.meta.url)
const systemError = (code: string) => Object.assign(new Error(code), { code })

void t.test('the smallest file gets all defaults', (t) => {
  t.strictSame(parseConfig(smallest, file), {
    airflow: {
      chart: 'apache-airflow/airflow',
      version: '1.10.0',
      candidates: [],
      namespace: 'airflow',
      release: 'airflow',
      executor: 'KubernetesExecutor',
      values: {},
      adopt: false,
      backups: { keep: 10, image: 'docker.io/library/postgres:16' },
      admin: { username: 'admin', email: 'admin@example.org', firstName: 'Air', lastName: 'Flow', role: 'Admin' },
      database: { user: 'airflow', name: 'airflow', port: 5432, sslmode: 'disable' },
    },
    provisioner: { version: 'v0.0.24' },
    storage: { path: '/srv/airflow', dagsSize: '1Gi', logsSize: '10Gi', image: 'docker.io/library/busybox:latest' },
    ingress: { host: 'home.example.org', path: '/airflow', certResolver: 'letsencrypt', prefix: 'strip', entryPoint: 'websecure' },
    diff: { ignore: [] },
    unattended: 'install',
    require: {},
  })
  t.end()
})

void t.test('the file of the contract is the smallest one written out', (t) => {
  const wanted = { os: 'ubuntu 20.04', kubernetes: '1.22.8' }
  t.strictSame(parseConfig(contract, file), { ...parseConfig(smallest, file), require: wanted })
  t.end()
})

void t.test('every key is taken, and relative files are found beside the configuration', (t) => {
  const { airflow, provisioner, ingress, notify } = parseConfig(everything, file)
  t.equal(airflow.chart, '/home/joe/charts/airflow-1.10.0.tgz')
  t.equal(provisioner.manifest, '/home/joe/local-path-storage.yaml')
  t.strictSame(airflow.database.password, { file: '/home/secrets/db' })
  t.strictSame(airflow.admin.password, { env: 'ADMIN_PASSWORD' })
  t.strictSame(airflow.candidates, ['1.10.0', '1.9.0'])
  t.strictSame(airflow.values, { webserver: { replicas: 2 }, workers: { replicas: null, env: [{ name: 'A', value: 'b' }] }, 8080: 'x' })
  t.equal(ingress.address, '192.168.1.10:8443')
  t.strictSame(notify, { command: ['/home/joe/tell-me', '--to', 'joe@example.org'] }, 'a program without a slash is looked up on the PATH')
  t.end()
})

void t.test('a chart that is not on this machine stays as it is written', (t) => {
  for (const chart of ['airflow-stable/airflow', 'oci://registry.example.org:5000/charts/airflow', '/opt/charts/airflow']) {
    t.equal(parseConfig(`${smallest}airflow: {chart: "${chart}"}`, file).airflow.chart, chart)
  }
  t.end()
})

void t.test('sections, lists and optional keys may be empty; aliases, CRLF and a byte order mark are YAML', (t) => {
  const empty = 'airflow:\n  values:\n  candidates:\n  admin:\n    password:\n  image:\nprovisioner:\n  manifest:\nrequire:\n'
  t.strictSame(parseConfig(smallest + empty, file), parseConfig(smallest, file))
  t.strictSame(parseConfig(`\uFEFF${smallest.replaceAll('\n', '\r\n')}`, file), parseConfig(smallest, file))
  const { values } = parseConfig(`${smallest}airflow: {values: {a: &a {b: [1]}, c: *a}}`, file).airflow
  t.strictSame(values, { a: { b: [1] }, c: { b: [1] } })
  t.not(values.a, values.c, 'no two places share an object')
  t.end()
})

void t.test('YAML 1.2 whatever the file says of itself', (t) => {
  const { values } = parseConfig(`%YAML 1.1\n---\n${smallest}airflow: {values: {a: yes, b: 2020-01-01, c: 0o17}}`, file).airflow
  t.strictSame(values, { a: 'yes', b: '2020-01-01', c: 15 })
  t.end()
})

void t.test('a file that is not there is answered with one that would do', (t) => {
  const read = () => {
    throw systemError('ENOENT')
  }
  const error = t.throws(() => loadConfig(file, read), { code: 'CONFIG_MISSING' }) as unknown as AirstripError
  t.match(error.message, file)
  const shown = error.next.slice(error.next.indexOf('\n'))
  t.strictSame(parseConfig(shown, file), parseConfig(smallest, file))
  t.end()
})

void t.test('a file that cannot be read says why', (t) => {
  const read = () => {
    throw systemError('EISDIR')
  }
  const error = t.throws(() => loadConfig(file, read), { code: 'CONFIG_MISSING' }) as unknown as AirstripError
  t.match(error.message, 'EISDIR')
  t.strictSame(loadConfig(file, () => smallest), parseConfig(smallest, file))
  t.end()
})

void t.test('every key has a description', (t) => {
  type Node = { description?: string; properties?: Record<string, Node>; items?: Node }
  const look = (node: Node, path: string) => {
    t.ok((node.description ?? '').length > 10, path)
    for (const [key, child] of Object.entries(node.properties ?? {})) look(child, `${path}.${key}`)
  }
  look(JSON.parse(schemaText()) as Node, '')
  t.end()
})

void t.test('the example is the smallest file', (t) => {
  const example = readFileSync(new URL('airstrip.example.yaml', root), 'utf8')
  t.match(example, /^# yaml-language-server: \$schema=\.\/airstrip\.schema\.json$/mu)
  t.strictSame(parseConfig(example, file), parseConfig(smallest, file))
  t.end()
})
