/** The forms of folders, files and URL paths. */
import { text } from './rule.ts'

export const ingressPath = text({
  pattern: /^(?:\/[A-Za-z0-9._\-]+)+$/u,
  max: 200,
  what: 'is not a path such as /airflow (letters, digits and . _ -, no slash at the end)',
  example: '/airflow',
  mend: (value) => `/${value.split('/').filter((segment) => segment !== '').join('/')}`,
  refuse: dotted,
})

export const storagePath = text({
  pattern: /^(?:\/[A-Za-z0-9._@+\-]+)+$/u,
  max: 512,
  what: 'is not an absolute folder (letters, digits and . _ @ + -, no slash at the end)',
  example: '/srv/airflow',
  mend: (value) => (value.startsWith('/') ? value.replace(/\/+/gu, '/').replace(/\/$/u, '') : value),
  refuse: (value) => dotted(value) ?? systemFolder(value),
})

/** Two dots anywhere, not only as a segment: no folder of ours needs them. */
function dotted(value: string): string | undefined {
  const climbs = value.includes('..') || value.split('/').includes('.')
  return climbs ? 'has a . or .. in it, and must say where it ends up' : undefined
}

/** Folders that the machine or the cluster lives in, with all below them. */
const system = [
  '/bin', '/boot', '/dev', '/etc', '/lib', '/lib32', '/lib64', '/libx32', '/proc', '/run', '/sbin', '/sys', '/usr',
  '/var/lib/cni', '/var/lib/containerd', '/var/lib/docker', '/var/lib/dpkg', '/var/lib/etcd', '/var/lib/kubelet',
  '/var/lib/rancher', '/var/lib/systemd', '/var/log', '/var/run', '/snap',
]
/** Folders that hold other people's: airstrip changes the owner of what it makes, so not right in them. */
const shared = ['/home', '/root', '/var', '/var/lib']

function systemFolder(value: string): string | undefined {
  const below = system.find((folder) => value === folder || value.startsWith(`${folder}/`))
  if (below !== undefined) return `lies in ${below}, which belongs to the system`
  return shared.includes(value) ? 'is shared with others; it needs a folder of its own' : undefined
}

/** Letters of any script: these name files of the person who runs airstrip, and reach no shell. */
const filePattern = String.raw`(?:\.{1,2}\/|\/)?[\p{L}\p{M}\p{N}_.@+][\p{L}\p{M}\p{N}_.@+ \/\-]*`

export const file = text({
  pattern: new RegExp(`^${filePattern}$`, 'u'),
  max: 1024,
  what: 'is not a file path (~ and $NAME are not replaced here)',
  example: './local-path-storage.yaml',
})

const repositoryName = String.raw`[A-Za-z0-9][A-Za-z0-9._\-]*\/[A-Za-z0-9][A-Za-z0-9._\-]*`
const oci = String.raw`oci:\/\/[a-z0-9.\-]+(?::[0-9]{1,5})?(?:\/[a-z0-9][a-z0-9._\-]*)+`
const localChart = String.raw`(?:\.{1,2}\/|\/)[\p{L}\p{M}\p{N}_.@+][\p{L}\p{M}\p{N}_.@+ \/\-]*`

export const chart = text({
  pattern: new RegExp(`^(?:${repositoryName}|${oci}|${localChart})$`, 'u'),
  max: 1024,
  what: 'is neither repository/name, nor an oci:// address without a tag, nor a folder or .tgz that begins with ./, ../ or /',
  example: 'apache-airflow/airflow',
  mend: (value) => (value.endsWith('.tgz') ? `./${value}` : value),
  refuse: (value) =>
    value.endsWith('.tgz') && !isLocal(value) ? 'looks like a file, and a file begins with ./, ../ or /' : undefined,
})

/** Whether a chart is a folder or an archive on this machine. */
export function isLocal(chartReference: string): boolean {
  return /^(?:\.{1,2})?\//u.test(chartReference)
}
