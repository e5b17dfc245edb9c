type Variables = Record<string, string | undefined>

export interface Settings {
  /** The major version that this one stands in for. */
  generation: number
  repo: string
  /** Of version 3 the branch; from 4 on whatever git can fetch by name. */
  ref: string
  rev: string
  depth: number
  root: string
  link: string
  waitMs: number
  /** For all that one try takes. */
  timeoutMs: number
  oneTime: boolean
  maxFailures: number
  username: string
  password: string
  /** Unset where http will do. */
  ssh: { keyFile: string; command: string } | undefined
  httpPort: number | undefined
}

/** Version 4 has names of its own for most, and takes version 3's, too. */
export function settingsOf(env: Variables): Settings {
  const generation = Number(/\d+/.exec(env.GIT_SYNC_VERSION ?? '')?.[0] ?? 4)
  const isNew = generation >= 4
  const read = (...names: string[]): string => names.map(name => env[name] ?? '').find(value => value !== '') ?? ''
  const both = (name: string): string => read(...(isNew ? [`GITSYNC_${name}`] : []), `GIT_SYNC_${name}`)
  const [rev, branch] = [read('GIT_SYNC_REV'), read('GIT_SYNC_BRANCH')]
  const named = isNew && (rev === '' || rev === 'HEAD') ? branch : rev
  const root = both('ROOT')
  const port = /:(\d+)$/.exec(both('HTTP_BIND'))?.[1]
  return {
    generation,
    repo: both('REPO'),
    ref: isNew ? (named === '' ? read('GITSYNC_REF') : named) || 'HEAD' : branch || 'master',
    rev: rev === '' ? 'HEAD' : rev,
    depth: Number(both('DEPTH')),
    root,
    link: `${root}/${(isNew ? read('GIT_SYNC_DEST', 'GITSYNC_LINK') : read('GIT_SYNC_DEST')) || 'repo'}`,
    waitMs: milliseconds(read('GIT_SYNC_WAIT', ...(isNew ? ['GITSYNC_PERIOD'] : []))),
    timeoutMs: milliseconds(read('GIT_SYNC_TIMEOUT', ...(isNew ? ['GITSYNC_SYNC_TIMEOUT'] : [])) || '120'),
    oneTime: both('ONE_TIME') === 'true',
    maxFailures: Number((isNew ? read('GITSYNC_MAX_FAILURES') : '') || read('GIT_SYNC_MAX_SYNC_FAILURES')),
    username: both('USERNAME'),
    password: both('PASSWORD'),
    ssh: both('SSH') === 'true' ? sshOf(isNew, name => read(...(isNew ? [`GITSYNC_SSH_${name}`] : []), `GIT_SSH_${name}`, `GIT_${name}`)) : undefined,
    httpPort: port === undefined ? undefined : Number(port),
  }
}

/** A number of seconds, or a duration as Go writes it. */
function milliseconds(text: string): number {
  const [, number = '1', unit = 's'] = /^([\d.]+)(ms|s|m)?$/.exec(text) ?? []
  return Number(number) * { ms: 1, s: 1000, m: 60_000 }[unit as 'ms' | 's' | 'm']
}

function sshOf(isNew: boolean, read: (name: string) => string): Settings['ssh'] {
  const keyFile = read('KEY_FILE') || '/etc/git-secret/ssh'
  const known = read('KNOWN_HOSTS_FILE') || '/etc/git-secret/known_hosts'
  const hosts = read('KNOWN_HOSTS') === 'false' ? 'StrictHostKeyChecking=no' : `${isNew ? 'StrictHostKeyChecking=yes -o ' : ''}UserKnownHostsFile=${known}`
  return { keyFile, command: `ssh -i ${keyFile} -o ${hosts}` }
}
