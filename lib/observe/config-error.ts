/**
 * A container that cannot be made from what it refers to, or a volume that cannot be mounted from it.
 *
 *   state: {waiting: {reason: CreateContainerConfigError, message: secret "airflow-fernet-key" not found}}
 *   FailedMount: MountVolume.SetUp failed for volume "config" : configmap "airflow-airflow-config" not found
 *
 * A kubelet that does not watch them (configMapAndSecretChangeDetectionStrategy: Get) hands on the API server's words:
 * configmaps "airflow-airflow-config" not found.
 */
import type { ContainerStatus, Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, ObjectRef } from '../access.ts'
import { isFoundation } from './causes.ts'
import { describeEvent, eventsAbout, latest, timeOf } from './events.ts'
import { type Context, type Failed, type Observation, failed, inNamespace, nameOf, triedAgain, waiting } from './observation.ts'
import { placeOf } from './place.ts'
import { reads, variablesOf } from './template.ts'

// The kubelet's own caches are late right after a pod was placed: "failed to sync secret cache: timed out".
// One that has just started does not know the cluster's services yet, which go into the environment.
const transient = /failed to sync|timed out|deadline exceeded|connection refused|services have not yet been read at least once/i
const missing = /(secret|configmap)s? "([^"]+)" not found|couldn't find key (\S+) in (Secret|ConfigMap) (\S+)|references non-existent (secret|config) key: ?(\S+)/i
/** The kubelet's between two tries to mount, 2 min 2 s. */
const longestPauseMs = 122_000
/** The second is of a volume of type local, which is a folder of the node as well. */
const hostPath = /hostPath type check failed: (\S+) is (not a [\w ]+)|volume "[^"]+" ?: path "([^"]+)" does not exist/
/**
 * MountVolume.SetUp failed for volume "dags" : mount failed: exit status 32 Mounting command: mount Mounting arguments: -t nfs
 *   10.0.0.9:/dags /var/lib/kubelet/pods/… Output: mount: …: bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program.
 */
const noHelper = /need a \/sbin\/mount\.\S+ helper program/
/** stat /mnt/nas/plugins: no such file or directory · stat /mnt/nas/plugins: stale NFS file handle */
const hostStat = /^l?stat (\/[\w./@+-]*): (.+?)(?: \(pod: .*\))?$/

export function observeConfig(pod: KubernetesObject, status: ContainerStatus, { present }: Pick<Context, 'present'> = {}): Observation | undefined {
  const { reason, message = '' } = status.state?.waiting ?? {}
  if (reason !== 'CreateContainerConfigError') return undefined
  if (transient.test(message) || message === '') return waiting(`${status.name}: ${reason}: ${message || 'no message'}`)
  return configError(pod, message, `${placeOf(pod, status.name)}: ${reason}: ${message}`, present)
}

/** None for a key that is missing in what is there. */
function lackedBy({ metadata: { namespace } }: KubernetesObject, message: string): ObjectRef[] {
  const [, kind = '', name] = missing.exec(message) ?? []
  return name === undefined ? [] : [{ apiVersion: 'v1', kind: kind.toLowerCase() === 'secret' ? 'Secret' : 'ConfigMap', name, namespace }]
}

/** What the kubelet found missing when it looked last, minutes ago at times: whoever judges has to ask whether it is still so. */
export function saidMissing(pods: readonly KubernetesObject[], events: readonly KubernetesObject[]): ObjectRef[] {
  const refs = pods.flatMap((pod) => {
    const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
    const messages = [...initContainerStatuses, ...containerStatuses].map(({ state }) => state?.waiting?.message ?? '')
    const mounts = eventsAbout(pod, events).filter(({ reason }) => reason === 'FailedMount').map(({ message = '' }) => message)
    return [...messages, ...mounts].flatMap((message) => lackedBy(pod, message))
  })
  return refs.filter((ref, index) => refs.findIndex(({ kind, name }) => kind === ref.kind && name === ref.name) === index)
}

function configError(pod: KubernetesObject, message: string, evidence: string, present: Context['present'] = []): Observation {
  const [lacked] = lackedBy(pod, message)
  const there = lacked && `${lacked.kind} ${lacked.namespace ?? ''}/${lacked.name}`
  if (there !== undefined && present.includes(there)) return waiting(`${there} is there by now, and the kubelet has not looked since`)
  if (message.includes('runAsNonRoot') || message.includes('non-root')) return asRoot(pod, message, evidence)
  const path = hostStat.exec(message)
  if (path !== null) return unusable(pod, path[1] ?? '', path[2] ?? '', message)
  const what = missing.exec(message)?.[0].replace(/^(secret|configmap)s/, '$1')
  // The kubelet adds pod and container; the title is of the cause alone.
  const text = message.replace(/ \(pod: .*\)$/, '')
  return failed(pod, 'container-config-error', {
    title: what ? lacking(what) : `A container cannot be made as it is configured: ${text}`,
    evidence: [evidence, ...(lacked === undefined ? [] : askedBy(pod, lacked).slice(0, mostAsked))],
    why: 'The kubelet cannot make the container before what it refers to is there, and nothing of the release makes it later.',
    fix: what === undefined ? ['npx tsx run.ts apply --from helm # once what the message names is right in airflow.values', `kubectl ${inNamespace(pod)} describe pod ${pod.metadata.name} # what it mounts and refers to`] : [
      `npx tsx run.ts apply --from helm # once the reference in airflow.values is right, or it is there: ${maker(pod, message)}`,
      `kubectl ${inNamespace(pod)} get secrets,configmaps # whether it is there under another name`,
    ],
  })
}

/** Of the cause alone: ten pods that lack the same are one finding. */
export function lacking(what: string): string {
  return `A container needs what does not exist: ${what}`
}

function unusable(pod: KubernetesObject, path: string, reason: string, message: string): Failed {
  if (reason.startsWith('no such file')) return notOnNode(pod, path, 'not there', message)
  const node = (pod.spec as { nodeName?: string } | undefined)?.nodeName ?? 'the node'
  return failed(pod, 'hostpath-not-on-the-node', {
    title: `Node ${node} cannot look at ${path}: ${reason}`,
    evidence: [`${nameOf(pod)}: ${message}`],
    why: 'The pod mounts this path of the node; what lies there, a disk or a share of another machine, does not answer as it should.',
    fix: [`ls -ld ${path}; findmnt -T ${path} # on ${node}: what is mounted there, and whether it answers`, `sudo umount -l MOUNT && sudo mount -a # on ${node}, where a share has gone stale: MOUNT is its TARGET, as findmnt has it`],
  })
}

/** container has runAsNonRoot and image will run as root · container's runAsUser breaks non-root policy · … image has non-numeric user (x), cannot verify user is non-root */
function asRoot(pod: KubernetesObject, message: string, evidence: string): Failed {
  return failed(pod, 'container-config-error', {
    title: `A container must not run as root, and would: ${message.replace(/ \(pod: .*\)$/, '')}`,
    evidence: [evidence],
    why: 'securityContext.runAsNonRoot is set, and the user of the image, or runAsUser, is root or has no number.',
    fix: ['npx tsx run.ts apply --from helm # once securityContext in airflow.values has a runAsUser other than 0 for it (Airflow\'s is 50000), or no runAsNonRoot'],
  })
}

/**
 * `secret "x" not found`, `couldn't find key other in Secret airflow/x`, `references non-existent config key: other`.
 * The value comes from a file: every user of the machine can read a command's arguments, and the shell keeps them.
 */
function maker(pod: KubernetesObject, message: string): string {
  const [, named, name, missed, within, object, mounted, mountedKey] = missing.exec(message) ?? []
  const kind = /^config/i.test(named ?? within ?? mounted ?? '') ? 'configmap' : 'secret generic'
  const key = missed ?? mountedKey
  const keys = key === undefined ? keysOf(pod, kind === 'configmap' ? 'configMapKeyRef' : 'secretKeyRef', name) : [key]
  const files = (keys.length > 0 ? keys : ['KEY']).map((one, index) => `--from-file=${one}=FILE${index === 0 ? '' : String(index + 1)}`)
  const create = `kubectl ${inNamespace(pod)} create ${kind} ${name ?? object?.split('/').at(-1) ?? 'NAME'} ${files.join(' ')}`
  // The object with that key alone, applied by the server: its other keys stay.
  return key === undefined ? create : `${create} --dry-run=client -o json | kubectl ${inNamespace(pod)} apply --server-side -f -`
}

/** Of which the pod's variables are made. */
function keysOf(pod: KubernetesObject, kind: 'configMapKeyRef' | 'secretKeyRef', name: string | undefined): string[] {
  const { initContainers = [], containers = [] } = (pod as Pod).spec ?? {}
  const refs = [...initContainers, ...containers].flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.[kind]))
  return [...new Set(refs.flatMap((ref) => (ref !== undefined && ref.name === name ? [ref.key] : [])))]
}

const mostAsked = 4

/** Where the pod refers to it, which is what to look for in airflow.values. */
function askedBy(pod: KubernetesObject, { kind, name }: ObjectRef): string[] {
  const { initContainers = [], containers = [], volumes = [] } = (pod as Pod).spec ?? {}
  const whole = volumes.filter((volume) => reads({ volumes: [volume] }, kind as 'ConfigMap' | 'Secret', name)).map((volume) => `volume ${volume.name} is made of it`)
  const parts = [...initContainers, ...containers].flatMap((container) => [
    ...variablesOf(container).flatMap(({ name: variable, valueFrom }) => {
      const ref = kind === 'Secret' ? valueFrom?.secretKeyRef : valueFrom?.configMapKeyRef
      return ref?.name === name ? [`variable ${variable} of container ${container.name} is its key ${ref.key}`] : []
    }),
    ...(container.envFrom ?? []).some(({ secretRef, configMapRef }) => (kind === 'Secret' ? secretRef : configMapRef)?.name === name) ? [`all its keys become variables of container ${container.name}`] : [],
  ])
  return [...whole, ...parts]
}

/** What keeps volumes from being mounted; only asked while the pod's containers are still to be made. */
export function observeMounts(pod: KubernetesObject, events: readonly Event[], { now, present }: Pick<Context, 'now' | 'present'>): Observation | undefined {
  // The mounts come before the pull: an event of a pull says that they are done.
  const event = latest(events, 'FailedMount', 'FailedAttachVolume', 'Pulling', 'Pulled', 'Created')
  if (event?.reason !== 'FailedMount' && event?.reason !== 'FailedAttachVolume') return undefined
  // "Unable to attach or mount volumes: timed out" follows each reason and has none of its own.
  const telling = events.findLast((one) => one.reason === 'FailedMount' && /MountVolume|hostPath/.test(one.message ?? ''))
  if (!telling) return waiting(describeEvent(event))
  const { message = '' } = telling
  const path = hostPath.exec(message)
  const lacks = missing.test(message) && !transient.test(message)
  if (noHelper.test(message)) return triedAgain(helperLacking(pod, message), timeOf(telling), now, longestPauseMs)
  if (!path && !lacks) return waiting(describeEvent(event))
  const found = path ? notOnNode(pod, path[1] ?? path[3] ?? '', path[2] ?? 'not there', message) : configError(pod, message, `${nameOf(pod)}: FailedMount: ${message}`, present)
  return found.state === 'failed' ? triedAgain(found, timeOf(telling), now, longestPauseMs) : found
}

const packages: Record<string, string | undefined> = { nfs: 'nfs-common', nfs4: 'nfs-common', cifs: 'cifs-utils' }

/** The kernel mounts what the program of the type tells it to, and the package with that is not on the node. */
function helperLacking(pod: KubernetesObject, message: string): Failed {
  const [, volume = 'of the pod'] = /volume "([^"]+)"/.exec(message) ?? []
  const [, type] = /(?:^|\s)-t (\w+)/.exec(message) ?? []
  const node = (pod.spec as { nodeName?: string } | undefined)?.nodeName ?? 'the node'
  const install = (name: string): string => `sudo apt-get install -y ${name} # on ${node}; the kubelet mounts it by itself at its next try`
  const known = type === undefined ? undefined : packages[type]
  return failed(pod, 'volume-mount-failed', {
    title: `Volume ${volume} cannot be mounted: node ${node} has no program mount.${type ?? '<type>'}`,
    evidence: [`${nameOf(pod)}: FailedMount: ${message}`],
    why: 'The kubelet mounts with the node\'s own programs, and no try brings one that is not installed there.',
    fix: known === undefined ? [`${install('nfs-common')}; for cifs: cifs-utils`] : [install(known)],
  })
}

/** Of what PostgreSQL or MySQL keep there is no other copy; Redis and PgBouncer have none to lose. */
function isDatabase(pod: KubernetesObject): boolean {
  return isFoundation(pod) && !/redis|pgbouncer/.test(pod.metadata.name)
}

function notOnNode(pod: KubernetesObject, path: string, what: string, message: string): Failed {
  const node = (pod.spec as { nodeName?: string } | undefined)?.nodeName ?? 'the node'
  return failed(pod, 'hostpath-not-on-the-node', {
    title: `${path} is ${what} on node ${node}`,
    evidence: [`${nameOf(pod)}: ${message}`],
    why: 'The path is looked up on the node: inside the VM with Minikube, inside the node container with kind, and on one node only where there are several.',
    fix: [
      // A disk that was not mounted at the last boot looks so too; and PostgreSQL begins anew in an empty folder.
      isDatabase(pod) ? `sudo mount -a # on ${node}: where the disk that ${path} lies on is only not mounted, all is as it was`
        : /directory|not there/.test(what) ? `sudo mount -a && { test -d ${path} || sudo install -d -o 50000 -g 0 -m 775 ${path}; } # on ${node}; where it lies on a disk that is not mounted, that is mounted first` : `sudo install -D -m 644 FILE ${path} # on ${node}; FILE is what is to be there`,
      isDatabase(pod) ? `sudo mkdir -p ${path} # where nothing was ever in it, or all is lost that was: the database begins anew, and npx tsx run.ts restore FILE brings a dump back` : 'kind: make the cluster again with extraMounts; Minikube: minikube mount SOURCE:TARGET',
    ],
  })
}
