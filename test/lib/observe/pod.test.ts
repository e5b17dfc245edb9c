import t from 'tap'
import { observePod } from '../../../lib/observe/pod.ts'
import { claim, container, context, event, pod, ready, storageClass, unplaced } from './objects.ts'

const creating = { phase: 'Pending', containerStatuses: [container()] }
const running = { containerStatuses: [container({ state: { running: { startedAt: '2023-08-02T10:28:00Z' } }, started: true })] }

void t.test('a ready pod and a completed one are done', (t) => {
  t.match(observePod(pod({ status: ready }), context()), { state: 'done' })
  t.match(observePod(pod({ status: { phase: 'Succeeded' } }), context()), { state: 'done' })
  t.end()
})

void t.test('a pod that fails its readiness probe while it starts is waited for, with the probe\'s words', (t) => {
  const slow = pod({ status: running })
  const events = [event(slow, 'Unhealthy', 'Readiness probe failed: Get "http://10.244.0.7:8080/health": dial tcp 10.244.0.7:8080: connect: connection refused')]
  t.match(observePod(slow, context({ events })), { state: 'waiting', reason: /scheduler runs and is not ready: Readiness probe failed: .*connection refused/ })
  t.end()
})

void t.test('a runtime that cannot exec is hopeless while it says so', (t) => {
  const broken = pod({ status: running })
  const text = 'Readiness probe errored: rpc error: code = Unknown desc = http: invalid Host header'
  t.match(observePod(broken, context({ events: [event(broken, 'Unhealthy', text)] })), { state: 'failed', settleMs: 20_000, finding: { id: 'exec-invalid-host-header' } })
  // Kubernetes 1.33, pkg/kubelet/prober/prober.go
  const since133 = 'Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = http: invalid Host header'
  t.match(observePod(broken, context({ events: [event(broken, 'Unhealthy', since133)] })), { state: 'failed', finding: { id: 'exec-invalid-host-header' } })
  const mended = event(broken, 'Unhealthy', text, { lastTimestamp: '2023-08-02T10:15:00Z' })
  t.match(observePod(broken, context({ events: [mended] })), { state: 'waiting' }, 'and forgiven ten minutes after')
  const silenced = pod({ status: { ...running, containerStatuses: [container({ state: { running: { startedAt: '2023-08-02T10:00:00Z' } }, ready: true })] } })
  const about = { kind: 'Pod', name: silenced.metadata.name, namespace: 'airflow', uid: silenced.metadata.uid, fieldPath: 'spec.containers{scheduler}' }
  t.match(observePod(silenced, context({ events: [event(silenced, 'Unhealthy', text, { involvedObject: about })] })), { state: 'waiting' }, 'nor is it told of a container that is ready, in a pod whose node has gone silent since')
  const other = event(broken, 'Unhealthy', 'Readiness probe errored: rpc error: code = Unknown desc = command error: EOF')
  t.match(observePod(broken, context({ events: [other] })), { state: 'waiting' }, 'other trouble of a runtime may pass')
  t.end()
})

void t.test('a missing Secret, ConfigMap or key is named', (t) => {
  const config = (message: string) => observePod(pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerConfigError', message } } })] } }), context())
  t.match(config('container has runAsNonRoot and image will run as root (pod: "airflow-webserver-0_airflow(1)", container: x)'), { state: 'failed', finding: { title: 'A container must not run as root, and would: container has runAsNonRoot and image will run as root', why: /runAsNonRoot is set/, fix: [/securityContext/] } })
  const verdict = (title: RegExp) => ({ state: 'failed', settleMs: 20_000, finding: { id: 'container-config-error', title } })
  t.match(config('secret "airflow-fernet-key" not found'), verdict(/secret "airflow-fernet-key" not found/))
  t.match(config('secrets "airflow-fernet-key" not found'), verdict(/: secret "airflow-fernet-key" not found/), 'as a kubelet has it that asks for each')
  t.match(config('couldn\'t find key connection in Secret airflow/airflow-airflow-metadata'), verdict(/key connection/))
  t.match(config('container has runAsNonRoot and image will run as root (pod: "x-1_airflow(a5299d2c)", container: c)'), verdict(/runAsNonRoot and image will run as root$/))
  t.match(config('failed to sync secret cache: timed out waiting for the condition'), { state: 'waiting' }, 'the kubelet\'s own cache is only late')
  t.end()
})

void t.test('a kubelet that has just started and has read no Service yet is waited for', (t) => {
  const state = { waiting: { reason: 'CreateContainerConfigError', message: 'services have not yet been read at least once, cannot construct envvars' } }
  t.match(observePod(pod({ status: { phase: 'Pending', containerStatuses: [container({ state })] } }), context()), { state: 'waiting', reason: /services have not yet been read/ })
  t.end()
})

void t.test('a path of the node that is not there is looked for on the node, not among Secrets', (t) => {
  const found = (message: string) => observePod(pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerConfigError', message } } })] } }), context())
  t.match(found('stat /mnt/nas/plugins: no such file or directory'), { state: 'failed', finding: { id: 'hostpath-not-on-the-node', title: '/mnt/nas/plugins is not there on node home', fix: [/^sudo mount -a/] } })
  t.match(found('stat /mnt/nas/plugins: stale NFS file handle'), { state: 'failed', finding: { id: 'hostpath-not-on-the-node', title: 'Node home cannot look at /mnt/nas/plugins: stale NFS file handle', fix: [/^ls -ld \/mnt\/nas\/plugins; findmnt -T \/mnt\/nas\/plugins # on home/, /./] } })
  const subPath = found('failed to prepare subPath for volumeMount "dags" of container "webserver"')
  t.match(subPath, { state: 'failed', finding: { id: 'container-config-error' } })
  t.notMatch(subPath.state === 'failed' ? subPath.finding.fix.join() : '', /secrets/, 'nor where nothing of the kind is named')
  t.end()
})

void t.test('what is missing is told with where the pod refers to it', (t) => {
  const spec = { volumes: [{ name: 'certificates', secret: { secretName: 'mine' } }, { name: 'dags' }], containers: [{ name: 'scheduler', envFrom: [{ secretRef: { name: 'mine' } }], env: [{ name: 'SMTP_PASSWORD', valueFrom: { secretKeyRef: { name: 'mine', key: 'smtp' } } }, { name: 'OTHER', valueFrom: { configMapKeyRef: { name: 'mine', key: 'x' } } }] }] }
  const found = observePod(pod({ spec, status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "mine" not found' } } })] } }), context())
  t.same(found.state === 'failed' ? found.finding.evidence.slice(1) : [], ['volume certificates is made of it', 'variable SMTP_PASSWORD of container scheduler is its key smtp', 'all its keys become variables of container scheduler'])
  t.end()
})

void t.test('what is missing is made from a file, never with its value in an argument', (t) => {
  const fix = (message: string, env: object[] = []) => {
    const found = observePod(pod({ spec: { containers: [{ name: 'scheduler', env }] }, status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerConfigError', message } } })] } }), context())
    return found.state === 'failed' ? found.finding.fix[0] ?? '' : ''
  }
  t.match(fix('secret "config-of-mine" not found'), /create secret generic config-of-mine --from-file=KEY=FILE$/)
  t.match(fix('configmap "mine" not found'), /create configmap mine --from-file=KEY=FILE$/)
  const from = (name: string, key: string) => ({ name: key, valueFrom: { configMapKeyRef: { name, key } } })
  t.match(fix('configmap "mine" not found', [from('mine', 'zone'), from('mine', 'zone'), from('other', 'port'), from('mine', 'host')]), /create configmap mine --from-file=zone=FILE --from-file=host=FILE2$/, 'with the keys that are asked for')
  t.match(fix('couldn\'t find key other in Secret airflow/mine'), /create secret generic mine --from-file=other=FILE --dry-run=client -o json \| kubectl -n airflow apply --server-side -f -$/, 'the other keys stay')
  t.match(fix('references non-existent config key: other'), /create configmap NAME --from-file=other=FILE --dry-run/)
  t.match(fix('references non-existent secret key: other'), /create secret generic NAME --from-file=other=FILE --dry-run/)
  t.end()
})

void t.test('a host path that is not there is hopeless, a volume that is mounted late is not', (t) => {
  const stuck = pod({ status: creating })
  const look = (...texts: [string, string][]) => observePod(stuck, context({ events: texts.map(([reason, text]) => event(stuck, reason, text)) }))
  const typeCheck = 'MountVolume.SetUp failed for volume "airflow-local-dags-pv" : hostPath type check failed: /srv/airflow/dags is not a directory'
  const timedOut = 'Unable to attach or mount volumes: unmounted volumes=[dags], unattached volumes=[dags config]: timed out waiting for the condition'
  const verdict = { state: 'failed', settleMs: 20_000, finding: { id: 'hostpath-not-on-the-node', title: '/srv/airflow/dags is not a directory on node home' } }
  t.match(look(['FailedMount', typeCheck]), verdict)
  t.match(look(['FailedMount', typeCheck.replace('dags is not a directory', 'webserver_config.py is not a file')]), { ...verdict, finding: { id: verdict.finding.id, title: '/srv/airflow/webserver_config.py is not a file on node home', fix: [/^sudo install -D -m 644 FILE/] } })
  // A volume of type local, pkg/volume/local/local.go
  t.match(look(['FailedMount', 'MountVolume.NewMounter initialization failed for volume "airflow-local-dags-pv" : path "/srv/airflow/dags" does not exist']), { ...verdict, finding: { ...verdict.finding, title: '/srv/airflow/dags is not there on node home' } })
  const database = { ...pod({ name: 'airflow-postgresql-0', labels: {}, status: creating }) }
  const unmounted = event(database, 'FailedMount', 'MountVolume.NewMounter initialization failed for volume "pvc-1" : path "/mnt/ssd/postgres" does not exist')
  t.match(observePod(database, context({ events: [unmounted] })), { finding: { title: /^\/mnt\/ssd\/postgres is not there/, fix: [/^sudo mount -a # on home/, /^sudo mkdir -p .*restore FILE/] } }, 'under a database no empty folder is made')
  t.match(look(['FailedMount', typeCheck], ['FailedMount', timedOut]), verdict, 'the summary that follows does not hide it')
  t.match(look(['FailedMount', typeCheck], ['Pulling', 'Pulling image "apache/airflow:2.6.2"']), { state: 'waiting' }, 'once it pulls, the mounts are done')
  t.match(look(['FailedMount', 'MountVolume.SetUp failed for volume "config" : failed to sync configmap cache: timed out waiting for the condition']), { state: 'waiting' })
  for (const kind of ['configmap', 'configmaps']) t.match(look(['FailedMount', `MountVolume.SetUp failed for volume "config" : ${kind} "airflow-airflow-config" not found`]), { state: 'failed', finding: { id: 'container-config-error' } })
  const old = event(stuck, 'FailedMount', typeCheck, { lastTimestamp: '2023-08-02T10:28:30Z' })
  t.match(observePod(stuck, context({ events: [old, event(stuck, 'FailedMount', timedOut)] })), { state: 'failed', settleMs: 152_000 }, 'somebody may have made the folder since the last try')
  t.match(look(['Pulling', 'Pulling image "apache/airflow:2.6.2"']), { state: 'waiting', reason: /ContainerCreating/ }, 'a slow pull')
  t.end()
})

void t.test('a share whose program is not on the node is hopeless, one whose server is slow is not', (t) => {
  const stuck = pod({ status: creating })
  const mount = (type: string, output: string, fields = {}) => observePod(stuck, context({ events: [event(stuck, 'FailedMount', `MountVolume.SetUp failed for volume "dags" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t ${type} 10.0.0.9:/dags /var/lib/kubelet/pods/0b5f/volumes/kubernetes.io~nfs/dags\nOutput: ${output}\n`, fields)] }))
  const bad = 'mount: /var/lib/kubelet/pods/0b5f/volumes/kubernetes.io~nfs/dags: bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program.'
  t.match(mount('nfs', bad, { lastTimestamp: '2023-08-02T10:29:50Z' }), { state: 'failed', settleMs: 60_000, triedAt: /2023/, finding: { id: 'volume-mount-failed', title: 'Volume dags cannot be mounted: node home has no program mount.nfs', fix: [/^sudo apt-get install -y nfs-common # on home/] } })
  t.match(mount('cifs', bad), { finding: { fix: [/^sudo apt-get install -y cifs-utils #/] } })
  t.match(mount('ceph', bad), { finding: { title: /mount\.ceph$/, fix: [/nfs-common.*cifs-utils/] } })
  t.match(mount('nfs', bad, { lastTimestamp: '2023-08-02T10:28:30Z' }), { settleMs: 152_000 }, 'it may have been installed since the last try')
  t.match(mount('nfs', 'mount.nfs: Connection timed out'), { state: 'waiting' })
  t.end()
})

void t.test('a claim explains its pod', (t) => {
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }]
  const user = pod({ spec: { volumes, nodeName: undefined }, status: unplaced('0/1 nodes are available: 1 pod has unbound immediate PersistentVolumeClaims.') })
  t.match(observePod(user, context({ claims: [claim()] })), { state: 'failed', finding: { id: 'pvc-no-usable-storageclass' }, subject: 'PersistentVolumeClaim airflow/data-airflow-postgresql-0' })
  const slow = context({ claims: [claim({ storageClassName: 'local-path' })], classes: [storageClass('local-path')] })
  t.match(observePod(user, slow), { state: 'waiting', reason: /unbound immediate .*\(PersistentVolumeClaim airflow\/data-airflow-postgresql-0 waits/ })
  t.match(observePod(pod({ spec: { volumes }, status: running }), context({ claims: [claim()] })), { state: 'waiting' }, 'not one that runs already')
  // Seen on a class whose provisioner does not run: the scheduler has chosen a node and says nothing, for ten minutes.
  const chosen = claim({ storageClassName: 'local-path' })
  chosen.metadata.annotations = { 'volume.kubernetes.io/selected-node': 'home' }
  const unsaid = pod({ spec: { volumes, nodeName: undefined }, status: { phase: 'Pending', conditions: [] } })
  const told = event(chosen, 'ExternalProvisioning', 'waiting for a volume to be created, either by external provisioner "example.org/nobody" or manually created by system administrator')
  t.match(observePod(unsaid, context({ claims: [chosen], classes: [storageClass('local-path')], pods: [unsaid], events: [told] })), { state: 'waiting', reason: /^waits for its volume: PersistentVolumeClaim airflow\/data-airflow-postgresql-0 .*example\.org\/nobody/ })
  t.end()
})

void t.test('a pod that was evicted is made again by its owner, a bare one is not', (t) => {
  const evicted = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage.' }
  t.match(observePod(pod({ status: evicted }), context()), { state: 'waiting', reason: /Evicted.*its owner makes another/ })
  const bare = pod({ status: evicted })
  delete bare.metadata.ownerReferences
  t.match(observePod(bare, context()), { state: 'failed', settleMs: 0, finding: { id: 'pod-failed' } })
  t.end()
})

void t.test('every waiting pod has a reason', (t) => {
  const reasons = [
    pod({ status: { phase: 'Pending', conditions: [] } }),
    pod({ status: { phase: 'Pending' } }),
    pod({ status: creating }),
    pod({ status: running }),
    { ...pod(), status: {} },
  ].map((one) => observePod(one, context()))
  for (const look of reasons) t.match(look, { state: 'waiting', reason: /\w{4,}/ })
  const leaving = pod()
  leaving.metadata.deletionTimestamp = '2023-08-02T10:29:00Z'
  t.match(observePod(leaving, context()), { state: 'waiting', reason: 'is being deleted' })
  t.end()
})
