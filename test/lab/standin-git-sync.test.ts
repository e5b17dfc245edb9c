import t from 'tap'
import { logLine, runError } from '../../scripts/lab/standin/programs/git-sync-log.ts'
import { settingsOf } from '../../scripts/lab/standin/programs/git-sync-settings.ts'

const at = new Date('2023-08-02T10:29:40.123Z')
const error = runError(['clone', '-b', 'main', 'https://git.home/dags'], 'exit status 128', '', "Cloning into '/git'...\nfatal: no\n")

void t.test('version 3 logs as glog does, with what git said in one line', t => {
  const line = logLine(3, { isError: true, msg: 'too many failures, aborting', fields: { error: error.message, failCount: 1 } }, at)
  t.match(line, /^E0802 10:29:40\.123000 +\d+ main\.go:\d+\] "msg"="too many failures, aborting" "error"="Run\(git clone -b main https:\/\/git\.home\/dags\): exit status 128: \{ stdout: "", stderr: "Cloning into '\/git'\.\.\.\\nfatal: no" \}" "failCount"=1$/)
  t.match(logLine(3, { isError: false, msg: 'starting up', fields: {} }, at), /^I0802 .* "level"=0 "msg"="starting up"$/)
  t.end()
})

void t.test('version 4 logs JSON, with a time that has no zone', t => {
  const line = logLine(4, { isError: true, msg: 'error syncing repo, will retry', fields: { error: error.message } }, at)
  t.match(JSON.parse(line), { logger: '', ts: '2023-08-02 10:29:40.123000', msg: 'error syncing repo, will retry', error: /stderr: "Cloning into '\/git'\.\.\.\\nfatal: no"/ })
  t.end()
})

// As the official charts 1.10.0 and 1.22.0 set them; the latter for both generations at once.
const older = { GIT_SYNC_REPO: 'https://git.home/dags', GIT_SYNC_BRANCH: 'main', GIT_SYNC_REV: 'HEAD', GIT_SYNC_DEPTH: '1', GIT_SYNC_ROOT: '/git', GIT_SYNC_DEST: 'repo', GIT_SYNC_WAIT: '5', GIT_SYNC_MAX_SYNC_FAILURES: '0', GIT_SYNC_ONE_TIME: 'true' }
const newer = { GITSYNC_REPO: 'https://git.home/dags', GITSYNC_REF: 'main', GITSYNC_DEPTH: '1', GITSYNC_ROOT: '/git', GITSYNC_LINK: 'repo', GITSYNC_PERIOD: '5s', GITSYNC_MAX_FAILURES: '0', GITSYNC_ONE_TIME: 'true', GITSYNC_HTTP_BIND: ':1234' }

void t.test('both generations read the settings of their charts, and the newer those of the older', t => {
  const wanted = { repo: 'https://git.home/dags', ref: 'main', rev: 'HEAD', depth: 1, root: '/git', link: '/git/repo', waitMs: 5000, timeoutMs: 120_000, oneTime: true, maxFailures: 0, ssh: undefined }
  t.match(settingsOf({ ...older, GIT_SYNC_VERSION: 'v3.6.3' }), { ...wanted, generation: 3 })
  t.match(settingsOf({ ...older, GIT_SYNC_VERSION: 'v4.4.2' }), { ...wanted, generation: 4 })
  t.match(settingsOf({ ...newer, GIT_SYNC_VERSION: 'v4.4.2' }), { ...wanted, generation: 4, httpPort: 1234 })
  t.equal(settingsOf({ ...newer, ...older, GIT_SYNC_BRANCH: 'old', GIT_SYNC_VERSION: 'v4.4.2' }).ref, 'old', 'a branch wins over the newer name')
  t.end()
})

void t.test('ssh is told of the key, and of the known hosts where they are to be checked', t => {
  const keyed = { ...older, GIT_SYNC_SSH: 'true', GIT_SSH_KEY_FILE: '/key', GIT_SSH_KNOWN_HOSTS_FILE: '/hosts' }
  t.equal(settingsOf({ ...keyed, GIT_SYNC_VERSION: 'v3.6.3', GIT_KNOWN_HOSTS: 'true' }).ssh?.command, 'ssh -i /key -o UserKnownHostsFile=/hosts')
  t.equal(settingsOf({ ...keyed, GIT_SYNC_VERSION: 'v4.4.2', GIT_KNOWN_HOSTS: 'true' }).ssh?.command, 'ssh -i /key -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/hosts')
  t.equal(settingsOf({ ...keyed, GIT_SYNC_VERSION: 'v3.6.3', GIT_KNOWN_HOSTS: 'false' }).ssh?.command, 'ssh -i /key -o StrictHostKeyChecking=no')
  t.end()
})
