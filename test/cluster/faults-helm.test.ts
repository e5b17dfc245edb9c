/** Helm's records, values that a chart refuses, and installs that never came to an end. */
import { gunzipSync, gzipSync } from 'node:zlib'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { emptyRegistry, helm, kubectl, kubectlMaybe, list, recordsOf, until } from './cluster.ts'
import { chosen, faults, look, oneFault, paste, rootsOf, type Fault } from './faults.ts'
import { kube } from './harm.ts'
import { exits, site, type Site } from './site.ts'

interface Record_ { version: number; info: { status: string; last_deployed: string; first_deployed: string } }

/** The newest record once more, as a Helm leaves it that is killed in the middle; Helm keeps it in gzip in base64, and the API server in base64 again. */
async function leaveLock(it: Site, minutes: number): Promise<void> {
  const records = (await list('secrets', it.namespace)).filter(({ type }) => type === 'helm.sh/release.v1')
  const newest = records.sort((a, b) => Number(a.metadata.labels?.version) - Number(b.metadata.labels?.version)).at(-1)
  const packed = Buffer.from((newest?.data as { release: string }).release, 'base64').toString()
  const record = JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString()) as Record_
  const version = record.version + 1
  const at = new Date(Date.now() - minutes * 60_000).toISOString()
  const pending = { ...record, version, info: { ...record.info, status: 'pending-upgrade', last_deployed: at } }
  const release = Buffer.from(gzipSync(JSON.stringify(pending)).toString('base64')).toString('base64')
  const labels = { ...newest?.metadata.labels, status: 'pending-upgrade', version: String(version), modifiedAt: String(Math.round(Date.parse(at) / 1000)) }
  // Not applied: the record of a big chart does not fit into kubectl's annotation.
  await kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1', metadata: { name: `sh.helm.release.v1.airflow.v${version}`, namespace: it.namespace, labels }, data: { release } }))
}

function killAll(it: Site): void {
  for (const pid of readdirSync('/proc').map(Number).filter(pid => pid > 0)) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      if (line.startsWith('helm upgrade') && line.includes(` -n ${it.namespace} `)) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended since.
    }
  }
}

const released = (registry: string): Fault[] => [
  { name: 'a lock that an hour-old Helm left', id: 'helm-pending-lock', tells: /pending-upgrade/, harm: it => leaveLock(it, 60) },
  { name: 'airstrip and Helm killed in the middle of an upgrade', id: 'helm-pending-lock', seconds: 90, tells: /pending-upgrade/, harm: async it => {
    it.write({ airflow: { values: { env: [{ name: 'ROUND', value: '1' }] } } })
    const running = it.start(['apply'])
    await until('Helm is at work', async () => (await recordsOf(it.namespace)).some(status => status.startsWith('pending-')), 60_000)
    running.child.kill('SIGKILL')
    killAll(it)
    await running.ended
  } },
  { name: 'an upgrade that failed for its image', id: 'image-not-found', tells: /no-such-tag/, harm: async it => {
    it.write({ airflow: { image: { repository: `${registry}/apache/airflow`, tag: 'no-such-tag' } } })
    await it.airstrip(['apply'])
    it.write({})
  } },
  { name: 'an upgrade that failed since its migration crashes', id: ['job-failed', 'crash-loop', 'post-install-hook-timeout'], tells: /AIRSTRIP_LAB_CRASH/, harm: async it => {
    it.write({ airflow: { values: { migrateDatabaseJob: { args: ['bash', '-c', 'AIRSTRIP_LAB_CRASH=1 exec airflow db upgrade'] } } } })
    await it.airstrip(['apply', '--timeout', '25s'])
    it.write({})
  } },
  { name: 'values that the chart refuses', id: 'values-schema-rejected', tells: /scheduler/, harm: async it => {
    it.write({ airflow: { values: { scheduler: { replicas: 'two' } } } })
    await it.airstrip(['apply'])
  }, mend: async it => {
    it.write({})
    await it.airstrip(['apply'])
  }, undo: async it => {
    it.write({})
    await it.airstrip(['apply'])
  } },
  { name: 'a record of Helm\'s that was cut off', id: 'helm-record-damaged', tells: /cannot be unpacked/, harm: async it => {
    const name = (await kube(it, 'get', 'secrets', '-l', 'owner=helm,status=deployed', '-o', 'name')).trim()
    const data = await kube(it, 'get', name, '-o', 'jsonpath={.data.release}')
    const cut = Buffer.from(Buffer.from(data, 'base64').toString().slice(0, 400)).toString('base64')
    await kube(it, 'patch', name, '--type=merge', '-p', JSON.stringify({ data: { release: cut } }))
  } },
  { name: 'all of Helm\'s records deleted by hand', id: 'release-not-installed', tells: /what it made is there/, harm: it => kube(it, 'delete', 'secrets', '-l', 'owner=helm'), mend: async (it, { fix: [, second = ''] }) => {
    // The first wants a copy of one of them, which nobody has.
    await paste(it, second)
  } },
  { name: 'the release uninstalled by hand', id: 'release-not-installed', harm: it => helm(['uninstall', 'airflow', '-n', it.namespace]) },
]

void t.test('Helm and its records', async t => {
  const registry = await emptyRegistry(t)
  const it = await site(t, 'doctorhelm')
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, released(registry))

  await t.test('a Helm that has worked for a minute is left to work', async t => {
    await leaveLock(it, 1)
    const { diagnosis } = await look(it)
    t.same(rootsOf(diagnosis).filter(({ severity }) => severity === 'error').map(({ id }) => id), [])
    const names = (await kube(it, 'get', 'secrets', '-l', 'owner=helm,status=pending-upgrade', '-o', 'name')).split('\n').filter(name => name !== '')
    await kube(it, 'delete', ...names)
  })
})

const fresh: Fault[] = [
  { name: 'nothing but a namespace', id: 'release-not-installed', harm: it => kubectl(['create', 'namespace', it.namespace]) },
  { name: 'somebody else\'s service account in the way', id: 'helm-foreign-resource', tells: /airflow-scheduler/, also: ['release-not-installed'], harm: async it => {
    await kubectl(['create', 'namespace', it.namespace])
    // As the official chart calls it without a full name of its own, and with one.
    await kube(it, 'create', 'serviceaccount', 'airflow-scheduler')
    await kube(it, 'create', 'serviceaccount', 'airflow-airflow-scheduler')
    await it.airstrip(['apply'])
  }, mend: async (it, { fix: [first = ''] }) => {
    // The first fix hands it over to Helm; to install is still to do.
    await paste(it, first)
    await it.airstrip(['apply'])
  } },
  { name: 'values that the chart refuses, at the first install', id: 'values-schema-rejected', tells: /scheduler/, also: ['release-not-installed'], harm: async it => {
    it.write({ airflow: { values: { scheduler: { replicas: 'two' } } } })
    await it.airstrip(['apply'])
  }, mend: async it => {
    it.write({})
    await it.airstrip(['apply'])
  } },
  // At an upgrade the user is there already, and only the Job is told.
  { name: 'a first user whose Job fails, at the first install', id: 'crash-loop', tells: /create-user/, explains: ['admin-login-missing'], seconds: 90, harm: async it => {
    it.write({ airflow: { values: { createUserJob: { args: ['bash', '-c', 'echo no such role >&2; exit 1'] } } } })
    await it.airstrip(['apply', '--timeout', '60s'])
  }, mend: async it => {
    it.write({})
    await it.airstrip(['apply'])
  } },
]

for (const [index, fault] of chosen(fresh).entries()) {
  void t.test(fault.name, async t => {
    const it = await site(t, `doctornew${index + 1}`)
    t.teardown(() => kubectlMaybe(['delete', 'namespace', it.namespace, '--wait=false']))
    await oneFault(t, it, fault)
  })
}

/** As a person does it who has not met airstrip yet; its configuration is all that the doctor knows. */
const byHand = (it: Site, ...flags: string[]): Promise<string> => {
  const { airflow: { chart } } = parse(readFileSync(it.configPath, 'utf8')) as { airflow: { chart: string } }
  return helm(['install', 'airflow', chart, '-n', it.namespace, '--create-namespace', '--timeout', '15m', '--set', 'executor=LocalExecutor', ...flags])
}

void t.test('a Helm with --wait, by hand, is told that it waits for its own hook, and set free', async t => {
  const it = await site(t, 'doctorwait')
  const running = byHand(it, '--wait').catch(String)
  await until('the cause is told', async () => (await look(it)).diagnosis.findings[0]?.id === 'wait-hook-deadlock', 300_000)
  const { diagnosis: { findings: [first] } } = await look(it)
  t.match(first?.evidence[0], /pending-install; there is no Job of the migrations/)
  t.match(await paste(it, first?.fix[0] ?? ''), { code: 0 })
  t.match(await running, /STATUS: deployed/)
  const { diagnosis } = await look(it)
  console.error(`matrix | a Helm with --wait, by hand | wait-hook-deadlock | then ${rootsOf(diagnosis).map(({ id }) => id).join(' ')} | fix: ${first?.fix[0] ?? '-'}`)
  t.ok(rootsOf(diagnosis).some(({ id }) => id === 'release-not-airstrips'), 'and that it is not one of airstrip\'s')
  t.notOk(diagnosis.findings.some(({ id }) => ['wait-hook-deadlock', 'wait-for-migrations-crashloop', 'admin-login-missing'].includes(id)))
})
