import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence, Folder } from '../../../lib/doctor/evidence.ts'
import { folderRules } from '../../../lib/doctor/rules/folders.ts'
import { nodeRules } from '../../../lib/doctor/rules/nodes.ts'
import { claim, crashed, pod, ready, release, volume } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const volumes = ['dags', 'logs'].map((name) => volume({ hostPath: { path: `/srv/airflow/${name}`, type: 'Directory' } }, 'Bound', `airflow-local-${name}-pv`))
const good: Folder[] = ['dags', 'logs'].map((name) => ({ path: `/srv/airflow/${name}`, exists: true, uid: 50_000, gid: 0, mode: 0o775 }))
const found = (parts: Partial<Evidence>) => diagnose(evidence({ record: release(), volumes, ...parts }), [], folderRules).findings

function withFolder(name: string, facts: Partial<Folder>): Partial<Evidence> {
  return { folders: good.map((folder) => (folder.path.endsWith(name) ? { ...folder, ...facts } : folder)) }
}

void t.test('folders that Airflow can use are no finding, nor those of another machine', (t) => {
  t.same(found({ folders: good }), [])
  t.same(found({}), [])
  t.same(found({ volumes: [], folders: good.map((folder) => ({ path: folder.path, exists: false })) }), [], 'nor before the storage step has run')
  t.same(found({ record: undefined, release: undefined, folders: good.map((folder) => ({ path: folder.path, exists: false })) }), [], 'nor before its Job has made them')
  t.end()
})

void t.test('a disk of the logs that is full is told before anybody writes to it, and once with whoever could not; one that is nearly so is a warning', (t) => {
  const of = (facts: Partial<Folder>, parts: Partial<Evidence> = {}) => diagnose(evidence({ record: release(), volumes, ...withFolder('logs', facts), ...parts }), [], nodeRules).findings
  const full = { freeBytes: 4096, freeFiles: 900 }
  t.match(of(full), [{ id: 'node-pressure-evicted', severity: 'error', title: 'No space is left on the disk of Airflow\'s logs', evidence: ['/srv/airflow/logs: 0 MiB free'], fix: [/^df -h \/srv\/airflow\/logs/, /retentionDays/] }])
  t.match(of({ freeBytes: 9e9, freeFiles: 0 }), [{ severity: 'error', evidence: [/inodes are used up/] }])
  t.match(of({ freeBytes: 50 * 1024 * 1024 }), [{ severity: 'warning', title: /^Little space/, evidence: [/50 MiB/] }])
  t.same(of({ freeBytes: 9e9, freeFiles: 900 }), [])
  t.same(of({}), [], 'nothing is known')
  t.same(of(full, { volumes: [] }), [], 'no volume of the release')
  const scheduler = pod({ spec: { nodeName: 'home', volumes: [{ name: 'logs', persistentVolumeClaim: { claimName: 'airflow-local-logs-folder' } }] }, status: { containerStatuses: [crashed(4, {}, { name: 'scheduler' })] } })
  const says = (line: string): Partial<Evidence> => ({ pods: [scheduler], claims: [claim({ volumeName: 'airflow-local-logs-pv' }, { phase: 'Bound' }, 'airflow-local-logs-folder')], logs: [{ namespace: 'airflow', pod: scheduler.metadata.name, container: 'scheduler', previous: false, lines: [line] }] })
  const own = of(full, says('OSError: [Errno 28] No space left on device: \'/opt/airflow/logs/scheduler/2023-08-02\''))
  t.match(own.filter(({ id }) => id === 'node-pressure-evicted'), [{ evidence: ['/srv/airflow/logs: 0 MiB free', /Errno 28/] }])
  const other = of(full, says('OSError: [Errno 28] No space left on device: \'/tmp/x\''))
  t.equal(other.filter(({ id }) => id === 'node-pressure-evicted').length, 2, 'another folder may be on another disk')
  t.end()
})

void t.test('a folder that went away is told before a pod starts', (t) => {
  t.match(found(withFolder('dags', { exists: false })), [{ id: 'hostpath-not-on-the-node', title: '/srv/airflow/dags is not a directory on node home', fix: [/^sudo mount -a && \{ test -d \/srv\/airflow\/dags \|\| sudo install -d -o 50000/] }])
  t.end()
})

void t.test('a logs folder of root is told before anything crashes, and a DAGs folder that is closed', (t) => {
  t.match(found(withFolder('logs', { uid: 0, mode: 0o755 })), [{ id: 'logs-not-writable-50000', evidence: ['/srv/airflow/logs is of uid 0, gid 0, mode 755'], fix: [/^sudo chown -R 50000:0 \/srv\/airflow\/logs/] }])
  t.same(found(withFolder('logs', { uid: 0, mode: 0o775 })), [], 'the group may write')
  t.match(found(withFolder('dags', { uid: 1000, gid: 1000, mode: 0o700 })), [{ id: 'dags-not-readable' }])
  t.same(found(withFolder('dags', { uid: 1000, gid: 1000, mode: 0o755 })), [], 'to read is enough')
  t.end()
})

void t.test('a DAG that only root may read is told by its name, and one that the group may read is none', (t) => {
  const entry = (edit: object) => ({ path: '/srv/airflow/dags/etl.py', folder: false, uid: 0, gid: 0, mode: 0o600, ...edit })
  const of = (...dagEntries: ReturnType<typeof entry>[]) => found({ folders: good, dagEntries })
  t.match(of(entry({})), [{ id: 'dags-not-readable', severity: 'warning', title: 'Airflow cannot read /srv/airflow/dags/etl.py, which is among its DAGs', evidence: ['/srv/airflow/dags/etl.py is of uid 0, gid 0, mode 600'], fix: ['sudo chgrp 0 /srv/airflow/dags/etl.py && sudo chmod g+r /srv/airflow/dags/etl.py # on the node'] }])
  t.same(of(entry({ mode: 0o640 }), entry({ uid: 50_000 }), entry({ folder: true, mode: 0o750 })), [], 'its own, and what its group may read')
  t.match(of(entry({ mode: 0o640, gid: 1000 }), entry({ folder: true, uid: 1000, gid: 1000, mode: 0o700 })), [{ title: 'Airflow cannot read 2 files and folders among its DAGs' }])
  t.match(of(entry({ folder: true, mode: 0o740, path: '/srv/airflow/dags/my team\'s' })), [{ id: 'dags-not-readable', fix: [`sudo chgrp 0 '/srv/airflow/dags/my team'\\''s' && sudo chmod g+rx '/srv/airflow/dags/my team'\\''s' # on the node`] }], 'a folder that it may list and not enter')
  t.match(of(...Array.from({ length: 6 }, () => entry({}))), [{ title: /cannot read 6 files/, fix: [/^sudo find \/srv\/airflow\/dags -not -path '\*\/\.\*' \\\( .* -exec chgrp 0 \{\} \+ -exec chmod g\+rX \{\} \+ #/] }])
  const reading = (securityContext: object, own = {}) => found({ folders: good, dagEntries: [entry({ uid: 1000, gid: 1000, mode: 0o640 })], pods: [pod({ labels: { component: 'scheduler' }, spec: { securityContext, containers: [{ name: 'scheduler', securityContext: own }] } })] })
  for (const context of [{ fsGroup: 1000 }, { runAsUser: 1000 }, { runAsUser: 0 }, { supplementalGroups: [5, 1000] }]) t.same(reading(context), [], JSON.stringify(context))
  t.same(reading({}, { runAsGroup: 1000 }), [], 'as the values say who it is')
  t.match(reading({ runAsUser: 50_000, fsGroup: 0 }), [{ why: /uid 50000 with group 0,/ }])
  t.same(found({ folders: good, volumes: [], dagEntries: [entry({})] }), [], 'of a folder that no release uses')
  t.match(found({ ...withFolder('dags', { uid: 1000, gid: 1000, mode: 0o700 }), dagEntries: [entry({})] }), [{ title: 'Airflow cannot read its DAGs folder' }], 'where the whole folder is closed that is it')
  t.end()
})

// Airflow 2.6: the traceback of logging.config, whose last line the log ends with.
const denied = "PermissionError: [Errno 13] Permission denied: '/opt/airflow/logs/scheduler'"

void t.test('what Airflow says of its logs folder is told where the folder cannot be seen', (t) => {
  const scheduler = pod({ status: { containerStatuses: [crashed(4, {})] } })
  const logs = (line: string, container = 'scheduler') => ({ pods: [scheduler], logs: [{ namespace: 'airflow', pod: scheduler.metadata.name, container, previous: false, lines: [line] }] })
  t.match(found(logs(denied)), [{ id: 'logs-not-writable-50000' }])
  t.match(found(logs("ValueError: Unable to configure handler 'processor'")), [{ id: 'logs-not-writable-50000' }])
  t.match(found(logs("OSError: [Errno 30] Read-only file system: '/opt/airflow/logs/scheduler/2023-08-02'")), [{ id: 'logs-not-writable-50000', why: /read-only/, fix: [/ReadWriteMany/] }])
  t.same(found(logs("PermissionError: [Errno 13] Permission denied: '/data/out.csv'")), [], 'another folder is a task\'s own')
  t.end()
})

void t.test('git-sync is told by what git said', (t) => {
  const one = pod({ status: { phase: 'Pending', initContainerStatuses: [crashed(4, {}, { name: 'git-sync-init' })] } })
  const said = (...lines: string[]) => found({ pods: [one], logs: [{ namespace: 'airflow', pod: one.metadata.name, container: 'git-sync-init', previous: false, lines }] })
  const aborted = '{"logger":"","ts":"2023-08-02 10:29:30","msg":"too many failures, aborting","error":"Run(git clone …): exit status 128","failCount":0}'
  const texts: [string, RegExp][] = [
    ['Host key verification failed.', /known ones/],
    ['git@github.com: Permission denied (publickey).', /gitSshKey/],
    ['fatal: Remote branch nope not found in upstream origin', /no such branch/],
    ['fatal: unable to access \'https://git.home/dags/\': Could not resolve host: git.home', /not resolved/],
    ['fatal: Authentication failed for \'https://github.com/me/dags/\'', /login/],
    ['fatal: could not read Username for \'https://github.com\': terminal prompts disabled', /login/],
    ['E0802 10:29:40.123456      13 main.go:543] "msg"="too many failures, aborting" "error"="Run(git clone -v https://git.home/dags /git): context deadline exceeded: { stdout: "", stderr: "Cloning into \'/git\'..." }" "failCount"=1', /does not answer/],
    // git-sync 3.1 and 4 (main.go), where the Secret has no such key; and git since 2.35.2
    ['ERROR: can\'t configure SSH: error: could not access SSH key Secret: stat /etc/git-secret/ssh: no such file or directory', /its key/],
    ['{"logger":"","msg":"can\'t set up git SSH","error":"can\'t access SSH key file /etc/git-secret/ssh: stat /etc/git-secret/ssh: no such file or directory"}', /its key/],
    ['fatal: detected dubious ownership in repository at \'/git\'', /another user/],
    ['fatal: unable to access \'https://gitea.home/me/dags.git/\': SSL certificate problem: self-signed certificate', /does not know/],
    ['fatal: unable to access \'https://gitea.home/me/dags.git/\': SSL certificate problem: unable to get local issuer certificate', /does not know/],
    ['fatal: unable to access \'https://gitea.home/me/dags.git/\': server certificate verification failed. CAfile: none CRLfile: none', /does not know/],
    ['fatal: unable to access \'https://github.com/me/dags.git/\': The requested URL returned error: 403', /not let it read/],
    ['Load key "/etc/git-secret/ssh": error in libcrypto\\r\\ngit@github.com: Permission denied (publickey).', /no whole private key/],
    ['Load key "/etc/git-secret/ssh": invalid format', /no whole private key/],
    ['Permissions 0644 for \'/etc/git-secret/ssh\' are too open.', /others may read/],
  ]
  for (const [text, why] of texts) t.match(said(text, aborted), [{ id: 'git-sync-failure', why }], text)
  t.match(said(aborted), [{ id: 'git-sync-failure', why: /gave up/ }])
  t.same(said('INFO: syncing to HEAD'), [])
  t.end()
})

void t.test('the remedy for a certificate or a damaged key names the host and the Secret', (t) => {
  const spec = { initContainers: [{ name: 'git-sync-init', image: 'git-sync', volumeMounts: [{ name: 'key', mountPath: '/etc/git-secret/ssh' }] }], containers: [], volumes: [{ name: 'key', secret: { secretName: 'deploy-key' } }] }
  const one = pod({ spec, status: { phase: 'Pending', initContainerStatuses: [crashed(4, {}, { name: 'git-sync-init' })] } })
  const fix = (line: string) => found({ pods: [one], logs: [{ namespace: 'airflow', pod: one.metadata.name, container: 'git-sync-init', previous: false, lines: [line] }] })[0]?.fix[0]
  t.match(fix('fatal: unable to access \'https://gitea.home:3000/me/dags.git/\': SSL certificate problem: self-signed certificate'), /^openssl s_client -showcerts -connect gitea\.home:3000 .*> git-host-ca\.crt && kubectl -n airflow create configmap git-ca --from-file=ca\.crt=git-host-ca\.crt #.*GIT_SSL_CAINFO/)
  t.match(fix('fatal: unable to access \'https://gitea.home/me/dags.git/\': SSL certificate problem: self-signed certificate'), /-connect gitea\.home:443 /)
  t.match(fix('Load key "/etc/git-secret/ssh": error in libcrypto'), /^ssh-keygen -y -f FILE && kubectl -n airflow create secret generic deploy-key --from-file=gitSshKey=FILE .* apply --server-side/)
  t.end()
})

void t.test('the host whose key is to be looked at is the repository\'s own', (t) => {
  const one = pod({ status: { phase: 'Pending', initContainerStatuses: [crashed(4, {}, { name: 'git-sync-init' })] } })
  const fix = (line: string) => found({ pods: [one], logs: [{ namespace: 'airflow', pod: one.metadata.name, container: 'git-sync-init', previous: false, lines: [line] }] })[0]?.fix[0]
  const cloning = (repo: string) => `E0802 10:29:40.123456      13 main.go:543] "msg"="too many failures, aborting" "error"="Run(git clone -v --no-checkout -b main ${repo} /git): exit status 128: { stdout: "", stderr: "Cloning into '/git'...\\nHost key verification failed.\\r\\nfatal: Could not read from remote repository." }" "failCount"=1`
  t.match(fix(cloning('git@gitlab.home:me/dags.git')), /^ssh-keyscan gitlab\.home #/)
  t.match(fix(cloning('ssh://git@gitlab.home/me/dags.git')), /^ssh-keyscan gitlab\.home #/)
  t.match(fix(cloning('ssh://git@gitlab.home:2222/me/dags.git')), /^ssh-keyscan -p 2222 gitlab\.home #/)
  t.match(fix('Host key verification failed.'), /^ssh-keyscan HOST #/, 'a line that does not say which')
  t.end()
})

void t.test('the Secret with the key is named with its namespace, as the pod mounts it', (t) => {
  const mounting = { initContainers: [{ name: 'git-sync-init', image: 'git-sync', volumeMounts: [{ name: 'dags', mountPath: '/git' }, { name: 'git-sync-ssh-key', mountPath: '/etc/git-secret/ssh' }] }], containers: [], volumes: [{ name: 'dags', emptyDir: {} }, { name: 'git-sync-ssh-key', secret: { secretName: 'deploy-key' } }] }
  const fixIn = (spec: Record<string, unknown>) => {
    const one = pod({ spec, status: { phase: 'Pending', initContainerStatuses: [crashed(4, {}, { name: 'git-sync-init' })] } })
    return found({ pods: [one], logs: [{ namespace: 'airflow', pod: one.metadata.name, container: 'git-sync-init', previous: false, lines: ['git@github.com: Permission denied (publickey).'] }] })[0]?.fix[0]
  }
  t.match(fixIn(mounting), /^kubectl -n airflow get secret deploy-key -o jsonpath/)
  t.match(fixIn({}), /^kubectl -n airflow get secret NAME -o jsonpath/)
  t.end()
})

void t.test('a git-sync that has failed and tries on is no finding once it has been silent for longer than one try takes', (t) => {
  const said = (line: string, running = true, settings: object = {}) => {
    const one = pod({ spec: { containers: [{ name: 'git-sync', ...settings }] }, status: running ? { ...ready, containerStatuses: [{ name: 'git-sync', ready: true, restartCount: 0, state: { running: { startedAt: long } } }] } : { phase: 'Running', containerStatuses: [crashed(4, {}, { name: 'git-sync' })] } })
    return found({ pods: [one], logs: [{ namespace: 'airflow', pod: one.metadata.name, container: 'git-sync', previous: false, lines: [line] }] })
  }
  // git-sync 3.6 and 4.4, in UTC, neither of which says so; what they do when all is well they do not log.
  const old = (time: string) => `E0802 ${time}.123456      13 main.go:547] "msg"="error syncing repo, will retry" "error"="Run(git ls-remote -q https://git.home/dags refs/heads/main): exit status 128: { stdout: "", stderr: "fatal: unable to access 'https://git.home/dags/': Could not resolve host: git.home" }" "failCount"=1 "waitTime"=5000000000`
  const next = (time: string) => `{"logger":"","ts":"2023-08-02 ${time}.123456","caller":{"file":"main.go","line":927},"msg":"error syncing repo, will retry","error":"Run(git fetch https://git.home/dags main): exit status 128: { stdout: \\"\\", stderr: \\"fatal: unable to access 'https://git.home/dags/': Could not resolve host: git.home\\" }","failCount":1}`
  for (const line of [old, next]) {
    t.match(said(line('10:29:40')), [{ id: 'git-sync-failure' }])
    t.same(said(line('10:27:00')), [])
    t.match(said(line('10:27:00'), false), [{ id: 'git-sync-failure' }], 'one that has ended says nothing more')
  }
  t.match(said(old('10:21:00'), true, { env: [{ name: 'GIT_SYNC_WAIT', valueFrom: {} }] }), [{ id: 'git-sync-failure' }], 'nor one whose pause nobody can read')
  for (const settings of [{ env: [{ name: 'GIT_SYNC_WAIT', value: '300' }] }, { env: [{ name: 'GITSYNC_PERIOD', value: '5m0s' }] }, { args: ['--period=5m'] }]) {
    t.match(said(old('10:27:00'), true, settings), [{ id: 'git-sync-failure' }], 'one that waits five minutes between two tries')
    t.same(said(old('10:21:00'), true, settings), [])
  }
  t.match(said("fatal: unable to access 'https://git.home/dags/': Could not resolve host: git.home"), [{ id: 'git-sync-failure' }], 'nor is a line without a time old')
  t.end()
})
