/** No false alarm: from the first second of a slow install to its end, and whatever else only takes its time. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { apply, kubectl, until } from './cluster.ts'
import { look, rootsOf, untilHealthy, type Look } from './faults.ts'
import { deletePods, editContainer, kube } from './harm.ts'
import { exits, site, type Site } from './site.ts'

const everySeconds = 3
const slow = (seconds: number): object => ({ env: [{ name: 'AIRSTRIP_LAB_SLOW_START', value: String(seconds) }] })

/** All looks from now on until it is over. Before Helm has written its record it is true that nothing is installed. */
async function looksUntil(it: Site, ended: Promise<unknown>): Promise<{ look: Look; installed: boolean; at: number }[]> {
  const looks: { look: Look; installed: boolean; at: number }[] = []
  const started = Date.now()
  let over = false
  void ended.then(() => { over = true })
  while (!over) {
    const installed = (await kubectl(['get', 'secrets', '-n', it.namespace, '-l', 'owner=helm', '-o', 'name'])) !== ''
    looks.push({ look: await look(it), installed, at: Math.round((Date.now() - started) / 1000) })
    await sleep(everySeconds * 1000)
  }
  return looks
}

function calm(t: Test, looks: Awaited<ReturnType<typeof looksUntil>>, least: number): void {
  const alarms = looks.flatMap(({ look: { diagnosis }, installed, at }) => [
    ...rootsOf(diagnosis).filter(({ severity, id }) => severity === 'error' && (installed || id !== 'release-not-installed')).map(({ id, title, evidence }) => `after ${at} s: ${id}: ${title}: ${evidence.join('; ')}`),
    ...diagnosis.unknown.map(line => `after ${at} s: unknown: ${line}`),
  ])
  console.error(`matrix | ${t.name} | no error | ${looks.length} looks | ${looks.at(-1)?.at ?? 0} s | ${alarms.length === 0 ? 'right' : `FALSE ALARM ${[...new Set(alarms)].join(' // ').slice(0, 1500)}`}`)
  t.same(alarms, [], 'no error, and nothing unknown')
  t.ok(looks.length >= least, `doctor looked ${looks.length} times`)
}

void t.test('what only takes its time', async t => {
  // Each part waits for the one before it: the database, the migrations, then those that run on.
  const it = await site(t, 'doctorslow', { airflow: { values: {
    migrateDatabaseJob: slow(50), scheduler: slow(20), webserver: slow(45), triggerer: slow(20),
  } } })

  await t.test('an install of two minutes', async t => {
    const running = it.start(['apply'])
    const looks = await looksUntil(it, running.ended)
    exits(t, await running.ended, 0)
    calm(t, looks, 10)
    t.equal(await untilHealthy(it), true, 'and it is well then')
  })

  await t.test('a rollout of a webserver that starts slowly', async t => {
    await kube(it, 'rollout', 'restart', 'deployment/airflow-webserver')
    calm(t, await looksUntil(it, kube(it, 'rollout', 'status', 'deployment/airflow-webserver', '--timeout=180s')), 4)
  })

  await t.test('a database that is made anew', async t => {
    await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--wait=false')
    const ready = async (): Promise<boolean> => (await kube(it, 'get', 'statefulset', 'airflow-postgresql', '-o', 'jsonpath={.status.readyReplicas}')) === '1'
    await until('it has gone', async () => !(await ready()))
    calm(t, await looksUntil(it, until('it is back', ready, 120_000).then(() => sleep(10_000))), 3)
    t.equal(await untilHealthy(it, {}, 180), true, 'and it is well then')
  })

  await t.test('a stranger\'s Job that hangs, and a policy that this network does not heed', async t => {
    const container = { name: 'hang', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['sleep', '1000'] }
    await apply(
      { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'hanging', namespace: it.namespace }, spec: { template: { spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [container] } } } },
      { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'nothing-in', namespace: it.namespace }, spec: { podSelector: {}, policyTypes: ['Ingress'] } },
    )
    calm(t, await looksUntil(it, sleep(20_000)), 2)
    await kube(it, 'delete', 'job/hanging', 'networkpolicy/nothing-in')
  })

  await t.test('a container that never becomes ready, as long as it may be only slow', async t => {
    await editContainer(it, 'webserver', { command: ['sleep', '100000'], args: [] })
    await deletePods(it, 'webserver')
    const looks = await looksUntil(it, sleep(45_000))
    calm(t, looks, 4)
    t.match(looks.at(-1)?.look.diagnosis.looked.join('\n'), /on its way: Deployment doctorslow\/airflow-webserver/, 'it is named as on its way')
  })
})
