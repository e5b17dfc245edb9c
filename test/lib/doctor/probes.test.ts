/** Probes that end a program, or never let it in. The texts are of Kubernetes 1.20's kubelet, from the lab. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { ingressRules } from '../../../lib/doctor/rules/ingress.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import { container, deployment, event, inManifest, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { evidence } from './evidence.ts'
import { silent, site, wanted, webPod } from './way.ts'

const found = (parts: Partial<Evidence>) => diagnose(evidence({ release: undefined, ...parts }), [], processRules).findings
const ids = (parts: Partial<Evidence>) => found(parts).map(({ id, severity }) => `${id} ${severity}`)
const running = (fields: Record<string, unknown> = {}, startedAt = '2023-08-02T10:28:00Z') => container({ state: { running: { startedAt } }, started: true, ...fields })

function killedBy(name: string, probe: string, restartCount = 3): Partial<Evidence> {
  const one = pod({ status: { ...ready, containerStatuses: [running({ name, restartCount, ready: true, lastState: { terminated: { exitCode: 0, reason: 'Completed', finishedAt: '2023-08-02T10:28:00Z' } } })] } })
  return { pods: [one], events: [event(one, 'Unhealthy', probe), event(one, 'Killing', `Container ${name} failed liveness probe, will be restarted`, { type: 'Normal' })] }
}

void t.test('a liveness probe that ends a healthy program again and again is told, one restart is not', (t) => {
  t.match(found(killedBy('scheduler', 'Liveness probe failed: ')), [{ id: 'scheduler-liveness-restart-loop', fix: [/patch deployment\/airflow-scheduler .*"timeoutSeconds":60/] }])
  t.match(found(killedBy('scheduler', 'Liveness probe failed: No alive jobs found.')), [{ id: 'scheduler-liveness-restart-loop', why: /10 to 30 s/ }])
  t.match(found(killedBy('webserver', 'Liveness probe failed: Get "http://10.0.0.7:8080/health": dial tcp 10.0.0.7:8080: connect: connection refused')), [{ id: 'webserver-oom-or-slow-start', title: /before it answers/ }])
  t.same(found(killedBy('scheduler', 'Liveness probe failed: ', 1)), [])
  t.end()
})

void t.test('one kill at a start is past where the program has run well since, however often the machine was started anew', (t) => {
  const once = (fields: Record<string, unknown>, last: Record<string, unknown>, count: number, more: string[] = []) => {
    const one = pod({ status: { ...ready, containerStatuses: [running({ ready: true, restartCount: 6, lastState: { terminated: { exitCode: 0, reason: 'Completed', startedAt: '2023-08-02T10:10:00Z', finishedAt: '2023-08-02T10:18:05Z', ...last } }, ...fields }, '2023-08-02T10:18:10Z')] } })
    const kill = (lastTimestamp: string, count: number) => event(one, 'Killing', 'Container scheduler failed liveness probe, will be restarted', { type: 'Normal', count, lastTimestamp })
    return ids({ pods: [one], events: [event(one, 'Unhealthy', 'Liveness probe failed: command timed out', { lastTimestamp: '2023-08-02T10:18:00Z' }), kill('2023-08-02T10:18:00Z', count), ...more.map((at) => kill(at, 1))] })
  }
  const told = ['scheduler-liveness-restart-loop error']
  t.same(once({}, {}, 1), [])
  t.same(once({}, {}, 2), told, 'twice is again')
  t.same(once({}, {}, 1, ['2023-08-02T10:16:00Z']), told, 'in two events as well')
  t.same(once({}, {}, 1, ['2023-08-02T09:10:00Z']), [], 'of another hour')
  t.same(once({ ready: false }, {}, 1), told)
  t.same(once({}, { startedAt: '2023-08-02T10:00:00Z' }, 1), told, 'it ran for eighteen minutes before, and for twelve now')
  t.end()
})

void t.test('a program that may use little of a processor is slow for that, and the limit is lifted first', (t) => {
  const limited = (name: string, text: string, cpu?: string) => {
    const one = killedBy(name, text)
    const spec = { containers: [{ name, resources: cpu === undefined ? {} : { limits: { cpu } } }] }
    return found({ ...one, pods: (one.pods ?? []).map((pod) => ({ ...pod, spec })) })
  }
  const slow = 'Liveness probe failed: Get "http://10.0.0.7:8080/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  for (const [name, text] of [['webserver', slow], ['scheduler', 'Liveness probe failed: ']] as const) {
    t.match(limited(name, text, '100m'), [{ evidence: [/./, /./, /may use 100m of a processor$/], fix: [new RegExp(`^kubectl -n airflow set resources deployment/airflow-scheduler -c ${name} --limits=cpu=1 #`), /patch deployment/] }], name)
    for (const cpu of [undefined, '0', '500m', '1', '2000m', 'odd']) t.match(limited(name, text, cpu), [{ fix: [/patch deployment/] }], `${name}, ${cpu ?? 'none'}`)
  }
  t.match(limited('scheduler', 'Liveness probe failed: HTTP probe failed with statuscode: 500', '100m'), [{ fix: [/patch deployment/] }], 'not where the probe says why')
  t.end()
})

// As the lab had it: a webserver with 5m of a processor, whose two probes had used up the events of its pod.
void t.test('a container that its probe ends is told where the kubelet wrote no event of it any more', (t) => {
  const refused = 'Liveness probe failed: Get "http://10.214.0.157:8080/health": dial tcp 10.214.0.157:8080: connect: connection refused'
  const of = (status: object, text = refused, firstTimestamp = '2023-08-02T10:24:40Z', name = 'webserver') => {
    const one = pod({ spec: { containers: [{ name, resources: { limits: { cpu: '5m' } }, ports: [{ containerPort: 8080 }], livenessProbe: { httpGet: { path: '/health', port: 8080 } } }] }, status: { ...ready, conditions: [], containerStatuses: [running({ name, ready: false, restartCount: 2, lastState: {}, ...status }, '2023-08-02T10:29:05Z')] } })
    return found({ pods: [one], events: [event(one, 'Unhealthy', text, { firstTimestamp, lastTimestamp: '2023-08-02T10:29:40Z' })] })
  }
  t.match(of({}), [{ id: 'webserver-oom-or-slow-start', evidence: [/its liveness probe fails, restarted 2 times$/, /connection refused/, /may use 5m of a processor$/], fix: [/--limits=cpu=1/] }])
  for (const exitCode of [137, 143]) t.match(of({ lastState: { terminated: { exitCode, reason: 'Error', finishedAt: '2023-08-02T10:29:00Z' } } }), [{ id: 'webserver-oom-or-slow-start', evidence: [/ended by signal (9|15) while/] }])
  const other = (status: object): string[] => of(status).map(({ id }) => id).filter((id) => id === 'webserver-oom-or-slow-start')
  t.same(other({ lastState: { terminated: { exitCode: 1, reason: 'Error' } } }), [], 'who ends by itself is not ended by its probe')
  t.same(other({ ready: true }), [])
  t.same(of({ lastState: { terminated: { exitCode: 137, reason: 'Error', finishedAt: '2023-08-02T10:29:00Z' } } }, refused, '2023-08-02T10:29:20Z').map(({ id }) => id).filter((id) => id === 'webserver-oom-or-slow-start'), [], 'nor who was ended by a boot, and whose probe has failed only since')
  const worded = pod({ spec: { containers: [{ name: 'webserver', ports: [{ containerPort: 8080 }], livenessProbe: { httpGet: { path: '/health', port: 8080 } } }] }, status: { ...ready, conditions: [], containerStatuses: [running({ name: 'webserver', ready: false, restartCount: 2, lastState: {} }, '2023-08-02T10:29:05Z')] } })
  t.match(found({ pods: [worded], events: [event(worded, 'Unhealthy', refused, { firstTimestamp: '2023-08-02T10:24:40Z', lastTimestamp: '2023-08-02T10:28:40Z' }), event(worded, 'Unhealthy', `${refused} (again)`, { firstTimestamp: '2023-08-02T10:29:20Z', lastTimestamp: '2023-08-02T10:29:40Z' })] }), [{ id: 'webserver-oom-or-slow-start' }], 'it said so before in other words')
  t.match(of({}, refused.replace('Liveness', 'Startup')), [{ title: /startup probe/, evidence: [/its startup probe fails/], fix: [/./, /startupProbe/] }])
  t.same(other({ restartCount: 1 }), [])
  t.end()
})

void t.test('what a probe said of a database that is back is over, and what only its chart can change is no value', (t) => {
  const refused = 'Liveness probe failed: sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "10.96.68.254", port 5432 failed: Connection refused'
  const at = (lastTimestamp: string) => { const one = killedBy('scheduler', refused); return { ...one, events: (one.events ?? []).map((event) => ({ ...event, lastTimestamp })) } }
  t.same(found(at('2023-08-02T10:26:00Z')), [], 'four minutes ago')
  t.match(found(at('2023-08-02T10:29:00Z')), [{ id: 'scheduler-liveness-restart-loop', why: /with the words above/ }], 'a minute ago')
  const slow = killedBy('statsd', 'Liveness probe failed: Get "http://10.0.0.7:9102/metrics": context deadline exceeded')
  const probed = (slow.pods ?? []).map((one) => ({ ...one, spec: { containers: [{ name: 'statsd', livenessProbe: { httpGet: { path: '/metrics', port: 9102 } } }] } }))
  const [finding] = found({ ...slow, pods: probed })
  t.match(finding, { why: /^On a slow CPU the program does not answer/, fix: [/patch deployment/, /^kubectl top node/] })
  t.end()
})

void t.test('a liveness probe that cannot succeed is no slow start', (t) => {
  const killed = (name: string, text: string, probe: object, more: Partial<Evidence> = {}) => {
    const one = killedBy(name, text)
    const spec = { containers: [{ name, ports: [{ name: 'airflow-ui', containerPort: 8080 }], livenessProbe: probe, startupProbe: probe }] }
    return found({ ...one, ...more, pods: (one.pods ?? []).map((pod) => ({ ...pod, spec })) })
  }
  const refused = 'Liveness probe failed: Get "http://10.214.1.44:8099/health": dial tcp 10.214.1.44:8099: connect: connection refused'
  t.match(killed('webserver', refused, { httpGet: { path: '/health', port: 8099 } }), [{ id: 'scheduler-liveness-restart-loop', title: /^The liveness probe of container webserver of Deployment \S+ cannot succeed/, evidence: [/failed liveness probe/, /8099/, 'its probe: GET /health on port 8099'], why: /port 8099, and the container names only 8080/, fix: [/webserver.livenessProbe/] }])
  t.match(killed('webserver', 'Liveness probe failed: HTTP probe failed with statuscode: 404', { httpGet: { path: '/healthz', port: 8080 } }), [{ id: 'scheduler-liveness-restart-loop', evidence: [/./, /404/, 'its probe: GET /healthz on port 8080'] }])
  t.same(killed('webserver', 'Liveness probe failed: HTTP probe failed with statuscode: 404', { httpGet: { path: '/healthz', port: 8080 } }, { wanted }), [], 'which is told with the route where that is known')
  const ends = killedBy('webserver', refused)
  const inBackOff = container({ name: 'webserver', restartCount: 5, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 0, startedAt: '2023-08-02T10:29:00Z', finishedAt: '2023-08-02T10:29:09Z' } } })
  t.same(ids({ ...ends, pods: (ends.pods ?? []).map((one) => ({ ...one, status: { containerStatuses: [inBackOff] } })) }), ['webserver-oom-or-slow-start error'], 'and no program that ends by itself')
  t.match(killed('statsd', refused.replace('Liveness', 'Startup').replaceAll('8099', '1'), { tcpSocket: { port: 1 } }), [{ id: 'scheduler-liveness-restart-loop', title: /^The startup probe/ }])
  t.match(killed('webserver', refused.replaceAll('8099', '8080'), { httpGet: { path: '/health', port: 8080 } }), [{ id: 'webserver-oom-or-slow-start' }], 'its own port is a start')
  t.end()
})

void t.test('a readiness probe is told when nothing can come of it, or after five minutes', (t) => {
  const refused = 'Readiness probe failed: Get "http://10.0.0.7:9999/health": dial tcp 10.0.0.7:9999: connect: connection refused'
  const probed = (text: string, port: number, startedAt?: string) => {
    const spec = { containers: [{ name: 'scheduler', image: 'x', ports: [{ containerPort: 8080, name: 'airflow-ui' }], readinessProbe: { httpGet: { path: '/health', port } } }] }
    const one = pod({ spec, status: { containerStatuses: [running({}, startedAt)] } })
    return { pods: [one], events: [event(one, 'Unhealthy', text)] }
  }
  t.match(found(probed(refused, 9999)), [{ id: 'readiness-probe-failing', why: /asks port 9999, and the container names only 8080/, evidence: [/has run for 120 s/, /GET \/health on port 9999/, /connection refused/] }])
  t.match(found(probed('Readiness probe failed: HTTP probe failed with statuscode: 404', 8080)), [{ id: 'readiness-probe-failing' }])
  t.same(found(probed(refused, 8080)), [], 'a slow start')
  t.match(found(probed(refused, 8080, '2023-08-02T10:20:00Z')), [{ id: 'readiness-probe-failing' }], 'ten minutes are not')
  // A port's name that the container does not declare: pkg/kubelet/prober/prober.go takes it for a number then.
  for (const errored of ['errored', 'errored and resulted in unknown state']) t.match(found(probed(`Readiness probe ${errored}: strconv.Atoi: parsing "http": invalid syntax`, 8080)), [{ id: 'readiness-probe-failing', why: /port called http, and the container names none so/ }], errored)
  // StatefulSet airflow-postgresql with `pg_isready -p 5499`, as the kubelet tells it.
  const command = ['sh', '-c', 'pg_isready -p 5499']
  const database = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, spec: { containers: [{ name: 'postgresql', ports: [{ name: 'tcp-postgresql', containerPort: 5432 }], readinessProbe: { exec: { command } } }] }, status: { containerStatuses: [running({ name: 'postgresql' })] } })
  const objects = [statefulSet('airflow-postgresql', 0), deployment('airflow-scheduler', 0)]
  const waiting = { pods: [database], events: [event(database, 'Unhealthy', 'Readiness probe failed: /var/run/postgresql:5499 - no response\n')], workloads: objects, record: release({ objects: objects.map(inManifest) }) }
  t.match(found(waiting), [{ id: 'readiness-probe-failing', title: /container postgresql of StatefulSet airflow-postgresql/, why: /asks port 5499, and the container names only 5432/ }], 'the database waits for nobody')
  t.same(found(probed('Readiness probe errored: rpc error: code = Unknown desc = http: invalid Host header', 9999)), [], 'the runtime\'s own trouble')
  t.end()
})

void t.test('who takes the question and gives no answer waits for something, and who keeps it waiting can be asked', (t) => {
  const late = 'probe failed: Get "http://10.214.1.44:8080/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  const spec = { containers: [{ name: 'webserver', image: 'x', ports: [{ containerPort: 8080, name: 'airflow-ui' }], readinessProbe: { httpGet: { path: '/health', port: 8080 } } }] }
  const web = pod({ name: 'airflow-webserver-1', spec, status: { containerStatuses: [running({ name: 'webserver' }, '2023-08-02T10:20:00Z')] } })
  const events = [event(web, 'Unhealthy', `Readiness ${late}`)]
  t.match(found({ pods: [web], events }), [{ id: 'readiness-probe-failing', title: /^Container webserver of .* gives its readiness probe no answer$/, why: /a lock that another session/, fix: [/logs airflow-webserver-1/, /top node/] }])
  for (const other of ['dial tcp 10.0.0.113:8080: i/o timeout', 'net/http: request canceled while waiting for connection']) {
    t.match(found({ pods: [web], events: [event(web, 'Unhealthy', `Readiness probe failed: Get "http://10.0.0.113:8080/health": ${other} (Client.Timeout exceeded while awaiting headers)`)] }), [{ title: /cannot succeed/ }], 'who was not reached has not taken it')
  }
  const server = { pods: [web, pod({ name: 'airflow-postgresql-0', status: ready })], workloads: [statefulSet('airflow-postgresql', 1)] }
  t.match(found({ ...server, events }), [{ fix: [/^echo 'SELECT pid, .*pg_blocking_pids.* kubectl -n airflow exec -i airflow-postgresql-0 .*pg_terminate_backend/, /logs/, /top node/] }])
  const stillReady = (lastTimestamp: string, answered?: Evidence['answered']) => {
    const still = { ...web, status: { ...ready, containerStatuses: [running({ name: 'webserver', ready: true }, '2023-08-02T08:00:00Z')] } }
    return found({ pods: [still], events: [{ ...event(still, 'Unhealthy', `Readiness ${late}`), lastTimestamp }], ...(answered === undefined ? {} : { answered }) })
  }
  const none = { url: 'https://airflow.home/airflow/health', reason: '10.0.0.1:443 took the request and gave no answer within 4 s' }
  t.match(stillReady('2023-08-02T10:29:40Z', none), [{ id: 'readiness-probe-failing', evidence: [/is still called ready/, /awaiting headers/] }], 'ready by its threshold alone')
  t.same([...stillReady('2023-08-02T10:29:40Z'), ...stillReady('2023-08-02T10:25:00Z', none)], [], 'a busy machine, or over')
  const one = killedBy('webserver', `Liveness ${late}`)
  t.match(found({ ...one, ...server, pods: [...(one.pods ?? []), ...server.pods.slice(1)] }), [{ id: 'webserver-oom-or-slow-start', why: /or it waits for a lock/, fix: [/patch/, /pg_blocking_pids/, /For good/] }])
  t.end()
})

void t.test('a page that takes long is told under the webserver that gives no answer, and not under a statsd', (t) => {
  const late = 'Readiness probe failed: Get "http://10.0.0.7:8080/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  const judging = (name: string, started: Record<string, unknown>) => {
    const web = webPod({ status: { ...ready, containerStatuses: [running({ name: 'webserver', ready: true }, '2023-08-02T08:00:00Z')] } })
    const statsd = pod({ name: 'airflow-statsd-1', spec: { containers: [{ name: 'statsd', readinessProbe: { httpGet: { path: '/metrics', port: 9102 } } }] }, status: { containerStatuses: [running({ name: 'statsd', ...started }, '2023-08-02T10:20:00Z')] } })
    const events = [{ ...event(name === 'webserver' ? web : statsd, 'Unhealthy', late), lastTimestamp: '2023-08-02T10:29:50Z' }]
    const parts = site({ pods: [web, statsd], events, answered: silent('10.0.0.1:443 took the request and gave no answer within 4 s') })
    return diagnose(parts, [], [...processRules, ...ingressRules]).findings.map(({ id, causes = [] }) => `${id}${causes.map(({ id }) => ` under ${id}`).join('')}`)
  }
  t.same(judging('webserver', { ready: true }), ['readiness-probe-failing', 'ingress-unproven under readiness-probe-failing'])
  t.same(judging('statsd', {}), ['readiness-probe-failing', 'ingress-unproven'])
  t.end()
})

void t.test('the probes of the database itself are told, though all else waits for it', (t) => {
  const down = [statefulSet('airflow-postgresql', 0), deployment('airflow-scheduler', 0)]
  const record = release({ objects: down.map(inManifest) })
  const database = (fields: Record<string, unknown>, startedAt?: string) => pod({
    name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, spec: { containers: [{ name: 'postgresql', image: 'x', readinessProbe: { exec: { command: ['nope'] } } }] },
    status: { containerStatuses: [running({ name: 'postgresql', ...fields }, startedAt)] },
  })
  const killed = database({ restartCount: 5, lastState: { terminated: { exitCode: 0, reason: 'Completed', startedAt: '2023-08-02T10:27:00Z', finishedAt: '2023-08-02T10:28:00Z' } } })
  const kill = [event(killed, 'Unhealthy', 'Liveness probe failed: /bin/sh: 1: pg_isreadyy: not found'), event(killed, 'Killing', 'Container postgresql failed liveness probe, will be restarted', { type: 'Normal' })]
  t.match(found({ pods: [killed], workloads: down, record, events: kill }), [{ id: 'scheduler-liveness-restart-loop', title: /^Container postgresql of StatefulSet airflow-postgresql/ }])
  const unready = database({})
  t.match(found({ pods: [unready], workloads: down, record, events: [event(unready, 'Unhealthy', 'Readiness probe failed: OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown')] }), [{ id: 'readiness-probe-failing', why: /command that the image does not have/ }])
  t.end()
})
