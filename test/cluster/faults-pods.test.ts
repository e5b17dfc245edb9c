/** What goes wrong inside pods: images, commands, probes, memory, configuration. */
import t from 'tap'
import { apply, emptyRegistry } from './cluster.ts'
import { faults, type Fault } from './faults.ts'
import { container, deletePods, editContainer, editPods, kube, setImage } from './harm.ts'
import { exits, site } from './site.ts'

const secretRef = (name: string, key: string): object => ({ valueFrom: { secretKeyRef: { name, key } } })
const crash = { env: [{ name: 'AIRSTRIP_LAB_CRASH', value: '1' }] }
const failing = (extra: object): object => ({ initialDelaySeconds: 1, periodSeconds: 2, failureThreshold: 2, ...extra })

const images = (registry: string): Fault[] => [
  { name: 'an image tag that the registry does not have', id: 'image-not-found', tells: /no-such-tag/, harm: it => setImage(it, 'webserver', `${registry}/apache/airflow:no-such-tag`) },
  { name: 'an image that the registry does not have, for a sidecar', id: 'image-not-found', tells: /log-groomer:9/, harm: it => editPods(it, 'scheduler', { containers: [{ name: 'scheduler-log-groomer', image: `${registry}/log-groomer:9` }] }) },
  { name: 'an image that was changed in the pod alone', id: 'image-not-found', tells: /ReplicaSet \S+ says /, harm: async it => {
    const pod = await kube(it, 'get', 'pod', '-l', 'component=statsd', '-o', 'name')
    await kube(it, 'set', 'image', pod.trim(), `statsd=${registry}/statsd:9`)
  } },
  { name: 'a registry that is not there', id: 'image-registry-unreachable', seconds: 100, tells: /registry\.example\.invalid/, harm: it => setImage(it, 'statsd', 'registry.example.invalid/statsd:1') },
  { name: 'imagePullPolicy Never, and the node does not have it', id: 'image-not-found', harm: it => editContainer(it, 'statsd', { image: 'quay.io/prometheus/statsd-exporter:v9', imagePullPolicy: 'Never' }) },
  { name: 'an image that is on the node and must be asked for, with no way to its registry', id: 'image-registry-unreachable', seconds: 100, tells: /to be asked for at each start/, harm: it => editContainer(it, 'webserver', { imagePullPolicy: 'Always' }) },
  { name: 'an image reference that is none', id: 'invalid-image-name', tells: /Apache\/Airflow/, harm: it => setImage(it, 'statsd', 'Apache/Airflow:2') },
  { name: 'a task whose image the registry does not have', id: 'image-not-found', seconds: 100, tells: /task dump of DAG backup/, harm: it => apply({
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'backup-dump', namespace: it.namespace, labels: { kubernetes_executor: 'True', dag_id: 'backup', task_id: 'dump', release: 'airflow' } },
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [{ name: 'base', image: `${registry}/apache/airflow:no-such-tag` }] },
  }), mend: it => kube(it, 'delete', 'pod', 'backup-dump'), undo: it => kube(it, 'delete', 'pod', 'backup-dump', '--ignore-not-found') },
  { name: 'a rollout that is paused, with a bad image', id: 'scaled-to-zero', tells: /airflow-webserver/, harm: async it => {
    await kube(it, 'rollout', 'pause', 'deployment/airflow-webserver')
    await setImage(it, 'webserver', `${registry}/apache/airflow:no-such-tag`)
  } },
]

const programs: Fault[] = [
  container('a command that the image does not have', 'statsd', { command: ['no-such-program'] }, ['container-config-error', 'crash-loop'], { tells: /no-such-program/ }),
  container('a command that ends at once without an error', 'statsd', { command: ['true'] }, 'crash-loop'),
  container('a variable that makes it crash', 'webserver', crash, 'crash-loop', { tells: /AIRSTRIP_LAB_CRASH/ }),
  container('a variable that makes the scheduler crash', 'scheduler', crash, 'crash-loop', { tells: /AIRSTRIP_LAB_CRASH/ }),
  container('an init container that crashes', 'webserver', {}, 'crash-loop', { tells: /AIRSTRIP_LAB_CRASH/, harm: it => editPods(it, 'webserver', { initContainers: [{ name: 'wait-for-airflow-migrations', ...crash }] }) }),
  container('too little memory', 'scheduler', { resources: { limits: { memory: '8Mi' }, requests: { memory: '8Mi' } } }, 'oom-killed'),
  container('too little memory for the webserver', 'webserver', { resources: { limits: { memory: '8Mi' }, requests: { memory: '8Mi' } } }, ['webserver-oom-or-slow-start', 'oom-killed']),
  container('a LimitRange whose default is too little', 'webserver', {}, ['webserver-oom-or-slow-start', 'oom-killed'], {
    tells: /default that a LimitRange/,
    harm: async it => {
      await apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'tight', namespace: it.namespace }, spec: { limits: [{ type: 'Container', default: { memory: '8Mi' }, defaultRequest: { memory: '8Mi' } }] } })
      await deletePods(it, 'webserver')
    },
    mend: async it => { await kube(it, 'delete', 'limitrange', 'tight'); await deletePods(it, 'webserver') },
  }),
  // The real one loads for five to ten seconds of a whole processor, the stand-in for a tenth of one.
  container('too little of a processor', 'webserver', { resources: { limits: { cpu: '5m' } }, args: ['bash', '-c', 'i=0; while [ $i -lt 2000000 ]; do i=$((i+1)); done; exec airflow webserver'] }, 'webserver-oom-or-slow-start', { seconds: 400, tells: /may use 5m of a processor/ }),
  container('a liveness probe that always fails', 'scheduler', { livenessProbe: failing({ exec: { command: ['sh', '-c', 'exit 1'] } }) }, 'scheduler-liveness-restart-loop'),
  container('a liveness probe on a port where nobody listens', 'webserver', { livenessProbe: failing({ httpGet: { port: 8099 } }) }, 'scheduler-liveness-restart-loop', { seconds: 90, tells: /cannot succeed[^]*8099/ }),
  container('a liveness probe on a path that is not there', 'webserver', { livenessProbe: failing({ httpGet: { path: '/healthz' } }) }, 'probe-path-mismatch', { seconds: 90, tells: /healthz/ }),
  container('a probe by HTTPS, of what speaks HTTP', 'webserver', { readinessProbe: failing({ httpGet: { scheme: 'HTTPS' } }) }, 'readiness-probe-failing', { seconds: 90, tells: /HTTPS|https/ }),
  container('a readiness probe on a path that is not there', 'webserver', { readinessProbe: failing({ httpGet: { path: '/nowhere' } }) }, 'probe-path-mismatch', { tells: /nowhere/ }),
  container('a readiness probe on a port where nobody listens', 'webserver', { readinessProbe: failing({ httpGet: { port: 8099 } }) }, ['probe-path-mismatch', 'readiness-probe-failing'], { tells: /8099/ }),
]

const settings: Fault[] = [
  container('a container of somebody\'s own that crashes', 'scheduler', {}, 'crash-loop', { tells: /exporter/, harm: it => editPods(it, 'scheduler', { containers: [{ name: 'exporter', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', 'echo cannot open /etc/exporter.yml >&2; exit 3'] }] }) }),
  container('a user whose files these are not', 'scheduler', {}, 'logs-not-writable-50000', { tells: /securityContext\.runAsUser/, harm: it => editPods(it, 'scheduler', { securityContext: { runAsUser: 1234, runAsGroup: 1234, fsGroup: 1234 } }) }),
  container('logs that are mounted read-only', 'scheduler', {}, 'logs-not-writable-50000', { tells: /Read-only file system/, harm: it => editContainer(it, 'scheduler', { volumeMounts: [{ name: 'logs', mountPath: '/opt/airflow/logs', readOnly: true }] }) }),
  container('an init container that never ends', 'webserver', {}, 'not-ready-unexplained', { seconds: 200, tells: /initContainers?\[|containers\[wait-for-airflow-migrations\]/, harm: it => editPods(it, 'webserver', { initContainers: [{ name: 'wait-for-airflow-migrations', command: ['sh', '-c', 'sleep 100000'] }] }) }),
  container('a setting of the node that its kubelet does not allow', 'statsd', {}, 'admission-refused', { tells: /net\.core\.somaxconn/, harm: it => editPods(it, 'statsd', { securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1024' }] } }) }),
  container('a file of the node that is not there', 'webserver', {}, 'hostpath-not-on-the-node', { tells: /is not a file/, harm: it => editPods(it, 'webserver', { volumes: [{ name: 'v', hostPath: { path: '/etc/no-such-file.py', type: 'File' } }], containers: [{ name: 'webserver', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }) }),
  // The limit of a process stands for the kernel's, which the whole machine has in common.
  container('a program that may open no more files', 'statsd', { command: ['sh', '-c', 'ulimit -n 3; exec cat /etc/hostname'], args: [] }, 'kind-too-many-open-files', { seconds: 90, tells: /statsd: .*Too many open files/, mend: it => it.airstrip(['apply']) }),
  container('a hook after the start that fails', 'webserver', { lifecycle: { postStart: { exec: { command: ['cat', '/etc/no-such-file'] } } } }, 'crash-loop', { seconds: 120, tells: /postStart.*can't open/s }),
  container('another executor for one part, by a variable', 'scheduler', { env: [{ name: 'AIRFLOW__CORE__EXECUTOR', value: 'SequentialExecutor' }] }, 'config-edited', { tells: /AIRFLOW__CORE__EXECUTOR/ }),
  container('the tasks in another namespace, by a variable', 'scheduler', { env: [{ name: 'AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE', value: 'other' }] }, 'k8s-executor-forbidden', { tells: /the tasks are to run in other/ }),
  container('a key of the webserver\'s own', 'webserver', {}, 'webserver-secret-dynamic', { harm: it => editContainer(it, 'webserver', { env: [{ name: 'AIRFLOW__WEBSERVER__SECRET_KEY', value: 'of-its-own', valueFrom: null }] }) }),
  container('a Secret that is not there', 'statsd', { env: [{ name: 'A', ...secretRef('not-there', 'a') }] }, 'container-config-error', { tells: /not-there/ }),
  container('a key that is not in a Secret', 'statsd', { env: [{ name: 'A', ...secretRef('airflow-airstrip-fernet-key', 'other') }] }, 'container-config-error', { tells: /other/ }),
  container('a ConfigMap that is not there, for envFrom', 'statsd', { envFrom: [{ configMapRef: { name: 'no-such-map' } }] }, 'container-config-error', { tells: /no-such-map/ }),
  container('a ConfigMap that is not there, as a volume', 'statsd', {}, 'container-config-error', { seconds: 100, tells: /no-such-map/, harm: it => editPods(it, 'statsd', { volumes: [{ name: 'v', configMap: { name: 'no-such-map' } }], containers: [{ name: 'statsd', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }) }),
  container('another user than the image has', 'statsd', { securityContext: { runAsNonRoot: true, runAsUser: 0 } }, 'container-config-error'),
  container('a node that nobody has', 'statsd', {}, 'node-affinity-mismatch', { tells: /disk/, harm: it => editPods(it, 'statsd', { nodeSelector: { disk: 'ssd' } }) }),
  container('a RuntimeClass with a handler that the node does not have', 'statsd', {}, 'runtime-handler-missing', { seconds: 100, tells: /gvisor/, harm: async it => {
    await apply({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'doctorpods-sandboxed' }, handler: 'gvisor' })
    await editPods(it, 'statsd', { runtimeClassName: 'doctorpods-sandboxed' })
  } }),
  container('a thousand CPUs', 'statsd', { resources: { requests: { cpu: '1000' } } }, 'insufficient-cpu-or-memory', { tells: /cpu/i }),
  container('more memory than the node has, for one of two', 'webserver', { resources: { requests: { memory: '900Gi' } } }, 'insufficient-cpu-or-memory', { tells: /memory/i }),
]

void t.test('what goes wrong inside pods', async t => {
  const registry = await emptyRegistry(t)
  t.jobs = 2
  await Promise.all([[...images(registry), ...settings], programs].map((list, index) => t.test(`site ${index + 1}`, { buffered: true }, async t => {
    const it = await site(t, `doctorpods${index + 1}`)
    exits(t, await it.airstrip(['apply']), 0)
    await faults(t, it, list)
  })))
})
