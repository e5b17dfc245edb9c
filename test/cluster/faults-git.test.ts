/** DAGs that git-sync fetches, from a host in the cluster: what git and ssh say of it, in their own words. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { kubectl } from './cluster.ts'
import { faults, type Fault } from './faults.ts'
import { gitHost, knownHosts, login, newHostKey, nobodysPort, onGitHost, renameBranch, startGitHost } from './git-host.ts'
import { deletePods, edit, editPods, encoded, kube } from './harm.ts'
import { exits, site, type Overrides, type Site } from './site.ts'

/** What a person writes who wants their DAGs from git: airstrip's volume has to be switched off. */
const gitSync = (settings: object): Overrides => ({ airflow: { values: { dags: { persistence: { enabled: false }, gitSync: { enabled: true, subPath: '', branch: 'main', ...settings } } } } })

const byHttp = { repo: `http://${gitHost}/private.git`, depth: 0, credentialsSecret: 'git-login' }
/** With a git-sync that tries on, whatever happens: no container ends, and no pod is unready for it. */
const bySsh = { maxFailures: -1, repo: `ssh://root@${gitHost}/srv/private.git`, sshKeySecret: 'git-key' }

const variables = (it: Site, values: Record<string, string>, more: object = {}): Promise<string> => {
  const env = Object.entries(values).map(([name, value]) => ({ name, value, valueFrom: null }))
  return editPods(it, 'scheduler', { initContainers: [{ name: 'git-sync-init', env, ...more }] })
}

const runAgain = (it: Site): Promise<unknown> => it.airstrip(['apply'])

/** The fix is to correct the configuration, which here is right: only the cluster has it wrong. */
const misled = (name: string, tells: RegExp, values: Record<string, string>, more: object = {}): Fault =>
  ({ name, id: 'git-sync-failure', tells, seconds: 100, harm: it => variables(it, values, more), mend: runAgain })

const newest = { image: 'registry.k8s.io/git-sync/git-sync:v4.4.2' }
const nowhere = { GIT_SYNC_REPO: 'http://no-such-host.invalid/dags.git' }

async function withPassword(it: Site, password: string): Promise<void> {
  await edit(it, 'secret/git-login', { data: { GIT_SYNC_PASSWORD: encoded(password) } })
  await deletePods(it, 'scheduler')
}

const http: Fault[] = [
  misled('a branch that the repository does not have', /Remote branch no-such-branch not found/, { GIT_SYNC_BRANCH: 'no-such-branch' }),
  misled('a branch that the repository does not have, for git-sync 4', /couldn't find remote ref no-such-branch/, { GIT_SYNC_BRANCH: 'no-such-branch' }, newest),
  misled('a repository that the host does not have', /no-such\.git\/' not found/, { GIT_SYNC_REPO: `http://${gitHost}/no-such.git` }),
  misled('a repository that wants a login, and there is none', /could not read Username/, { GIT_SYNC_USERNAME: '', GIT_SYNC_PASSWORD: '' }),
  { name: 'a login that has ended', id: 'git-sync-failure', tells: /Authentication failed/, seconds: 100,
    harm: it => withPassword(it, 'a-token-of-last-year'), mend: it => withPassword(it, login.GIT_SYNC_PASSWORD), undo: it => withPassword(it, login.GIT_SYNC_PASSWORD) },
  misled('a host that has no address', /Could not resolve host: no-such-host\.invalid/, nowhere),
  misled('a host that has no address, for git-sync 4', /Could not resolve host: no-such-host\.invalid/, nowhere, newest),
  misled('a host that refuses the connection', /Failed to connect to git\.default port 8022/, { GIT_SYNC_REPO: `http://${gitHost}:${nobodysPort}/dags.git` }),
  misled('a host that does not answer', /context deadline exceeded/, { GIT_SYNC_REPO: `http://${gitHost}:8099/dags.git`, GIT_SYNC_TIMEOUT: '10' }),
  misled('a port for ssh where nobody listens', /port 8022: Connection refused/, { GIT_SYNC_REPO: `ssh://git@${gitHost}:${nobodysPort}/dags.git`, GIT_SYNC_USERNAME: '', GIT_SYNC_PASSWORD: '' }),
  { name: 'a branch that is renamed while Airflow runs', id: 'git-sync-failure', tells: /couldn't find remote ref (refs\/heads\/)?main/, seconds: 100, harm: () => renameBranch('main', 'trunk'),
    mend: async it => {
      it.write(gitSync({ ...byHttp, branch: 'trunk' }))
      await runAgain(it)
    },
    undo: async it => {
      await renameBranch('trunk', 'main')
      await runAgain(it)
    } },
]

const ssh: Fault[] = [
  { name: 'a host that shows another key than the known one', id: 'git-sync-failure', tells: /Host key verification failed/, seconds: 100,
    harm: async it => {
      await newHostKey()
      await deletePods(it, 'scheduler')
    },
    mend: async it => {
      it.write(gitSync({ ...bySsh, knownHosts: await knownHosts() }))
      await runAgain(it)
    } },
  { name: 'a deploy key that the host does not take any more', id: 'git-sync-failure', tells: /Permission denied \(publickey/, seconds: 100,
    harm: () => onGitHost('rm /keys/authorized'), mend: keyTaken, undo: keyTaken },
]

/** What git-sync has complained of stays in its log, and that all is well again it does not say: doctor waits for its silence. */
async function keyTaken(): Promise<void> {
  await onGitHost('cp /keys/deploy.pub /keys/authorized')
  await sleep(150_000)
}

async function installed(it: Site, secret: string, data: Record<string, string>): Promise<void> {
  await kubectl(['create', 'namespace', it.namespace])
  await kube(it, 'create', 'secret', 'generic', secret, ...Object.entries(data).map(([key, value]) => `--from-literal=${key}=${value}`))
}

void t.test('DAGs from a repository with a login', async t => {
  await startGitHost(t)
  const it = await site(t, 'doctorgit', gitSync(byHttp))
  await installed(it, byHttp.credentialsSecret, login)
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, http)
})

void t.test('DAGs through ssh', async t => {
  await startGitHost(t)
  const it = await site(t, 'doctorgitssh', gitSync({ ...bySsh, knownHosts: await knownHosts() }))
  await installed(it, bySsh.sshKeySecret, { gitSshKey: await onGitHost('cat /keys/deploy') })
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, ssh)
})
