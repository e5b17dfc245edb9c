import { execFile } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, dirname, join, relative } from 'node:path'
import { endOnTerm, sleep } from './ends.ts'
import { logLine, runError, type Fields } from './git-sync-log.ts'
import { settingsOf } from './git-sync-settings.ts'

const settings = settingsOf(process.env)
const { generation, repo, ref, rev, root, link, depth } = settings
const isNew = generation >= 4
const shallow = depth > 0 ? ['--depth', String(depth)] : []
let isReady = false

function say(msg: string, fields: Fields = {}): void {
  console.error(logLine(generation, { isError: false, msg, fields }, new Date()))
}

function complain(error: unknown, msg: string, fields: Fields): void {
  console.error(logLine(generation, { isError: true, msg, fields: { error: error instanceof Error ? error.message : String(error), ...fields } }, new Date()))
}

function git(args: string[], cwd = root, input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('git', args, { cwd, timeout: settings.timeoutMs, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim())
      else reject(runError(args, error.killed === true ? 'context deadline exceeded' : `exit status ${error.code ?? ''}`, stdout, stderr))
    })
    // A git that reads none closes it, and its own words matter more.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

async function setUp(): Promise<void> {
  // The volume is root's and this is not; the git of version 3's image was made before git minded.
  const config = { 'gc.autoDetach': 'false', 'credential.helper': 'cache --timeout 3600', 'safe.directory': '*' }
  for (const [key, value] of Object.entries(config)) await git(['config', '--global', key, value], '/')
  if (settings.ssh === undefined) return
  const { keyFile, command } = settings.ssh
  // Version 4 has it from git, once it tries.
  if (!isNew && !existsSync(keyFile)) fail(`can't configure SSH: can't access SSH key: stat ${keyFile}: no such file or directory`)
  process.env.GIT_SSH_COMMAND = command
}

function fail(reason: string): never {
  console.error(`ERROR: ${reason}`)
  process.exit(1)
}

/** Version 3 clones, and then asks whether the branch has moved; from version 4 on it fetches, each time. */
async function newestHash(): Promise<string> {
  if (settings.username !== '') await git(['credential', 'approve'], '/', `url=${repo}\nusername=${settings.username}\npassword=${settings.password}\n`)
  if (isNew) {
    if (!existsSync(join(root, '.git'))) await git(['init', '-b', 'git-sync'])
    await git(['fetch', repo, ref, '--verbose', '--no-progress', '--prune', '--no-auto-gc', ...shallow])
    return git(['rev-parse', 'FETCH_HEAD^{}'])
  }
  if (!existsSync(join(link, '.git'))) {
    say('cloning repo', { origin: repo, path: root })
    // What an earlier attempt left behind; the folder itself is a volume.
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true, force: true })
    await git(['clone', '-v', '--no-checkout', '-b', ref, ...shallow, repo, root], '/')
    return git(['rev-parse', rev])
  }
  const remote = await git(['ls-remote', '-q', repo, rev === 'HEAD' ? `refs/heads/${ref}` : `refs/tags/${rev}`])
  return remote.split('\t')[0] ?? ''
}

async function sync(): Promise<void> {
  const hash = await newestHash()
  const old = lstatSync(link, { throwIfNoEntry: false }) === undefined ? '' : readlinkSync(link)
  if (basename(old) !== hash) await publish(hash, old)
  isReady = true
}

/** A worktree of its own for each commit, and a link that changes at once: nobody sees half of either. */
async function publish(hash: string, old: string): Promise<void> {
  say('update required', { ref, local: basename(old), remote: hash })
  if (!isNew) await git(['fetch', '-f', '--tags', ...shallow, repo, ref])
  const worktree = join(root, isNew ? '.worktrees' : '', hash)
  rmSync(worktree, { recursive: true, force: true })
  await git(['worktree', 'add', '--force', '--detach', worktree, hash, '--no-checkout'])
  // Airflow has the volume at another path.
  writeFileSync(join(worktree, '.git'), `gitdir: ${relative(worktree, join(root, '.git/worktrees', hash))}\n`)
  await git(['reset', '--hard', hash], worktree)
  const temporary = join(root, 'tmp-link')
  rmSync(temporary, { force: true })
  symlinkSync(relative(dirname(link), worktree), temporary)
  renameSync(temporary, link)
  if (old !== '') rmSync(join(dirname(link), old), { recursive: true, force: true })
  say('updated successfully', { ref, remote: hash })
}

endOnTerm()
if (!isNew && process.pid === 1) console.error('INFO: detected pid 1, running init handler')
say('starting up', { pid: process.pid })
await setUp()
if (settings.httpPort !== undefined) createServer((_, response) => { response.writeHead(isReady ? 200 : 503).end() }).listen(settings.httpPort)
for (let failCount = 0; ;) {
  const error = await sync().then(() => undefined, (reason: unknown) => reason)
  failCount = error === undefined ? 0 : failCount + 1
  if (error === undefined && settings.oneTime) process.exit(0)
  if (error !== undefined) {
    const isLast = isNew ? settings.maxFailures >= 0 && failCount >= settings.maxFailures : settings.maxFailures !== -1 && failCount > settings.maxFailures
    complain(error, isLast ? 'too many failures, aborting' : 'error syncing repo, will retry', { failCount })
    if (isLast) process.exit(1)
  }
  await sleep(settings.waitMs)
}
