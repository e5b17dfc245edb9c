/**
 * What a failed pull means.
 *
 * The state says ImagePullBackOff and nothing more; the text is in the event:
 *   Failed: Failed to pull image "docker.io/bitnami/postgresql:16.1.0-debian-11-r15": rpc error: code = NotFound
 *     desc = failed to pull and unpack image "…": failed to resolve reference "…": …: not found
 * A registry that could not be reached is tried again and most often answers in the end.
 */
import type { ContainerStatus, Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { timeOf } from './events.ts'
import { type Failed, type Observation, failed, fixOf, inNamespace, nameOf, triedAgain, waiting } from './observation.ts'
import { targetOf, thenDeletePod } from './owners.ts'

const pullReasons = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'ImageInspectError', 'RegistryUnavailable', 'SignatureValidationFailed']

// Cut off half way: the registry is there, and the next try gets further.
const cutOff = /failed to copy|httpReadSeeker|unexpected EOF/i
// Asked before "absent": "no such host: not found" is no answer from a registry.
const unreachable = /\bdial (tcp|udp)\b|no such host|name resolution|server misbehaving|no route to host|network is unreachable|connection refused/i
const transient = /time[d ]*out|deadline exceeded|toomanyrequests|too many requests|\b429\b|\btls\b|x509|certificate|connection reset|\bEOF\b|\b50[0234]\b|bad gateway|unavailable|canceled/i
// CRI-O: short name mode is enforcing, but image name apache/airflow:2.6.2 returns ambiguous list
// containers/image: short-name "apache/airflow:2.6.2" did not resolve to an alias and no unqualified-search registries are defined in "/etc/containers/registries.conf"
const shortName = /short name mode is enforcing|short-name resolution enforced|short-name "[^"]*" did not resolve/
// image pull failed for apache/airflow:2.6.2 because the signature validation failed: Source image rejected: A signature was required, but no signature exists
const unsigned = /signature validation failed|SignatureValidationFailed|Source image rejected/
// failed to extract layer sha256:…: failed to get reader from content store: content digest sha256:1b93…: not found
const lostPart = /failed to get reader from content store|content digest sha256:[0-9a-f]+: not found/
// The last is CRI-O's.
const otherCpu = /no match(ing manifest)? for (platform|linux)|no image found in (manifest list|image index) for architecture/i
const absent = /not found|notfound|manifest unknown|name unknown|does not exist|pull access denied/i
// A colon before "denied": "permission denied" is of the node's own disk.
const denied = /unauthorized|authentication required|no basic auth|insufficient_scope|\b40[13]\b|: denied\b/i
const longestBackOffMs = 300_000
const bitnami = /^(docker\.io\/)?bitnami\//

export interface Pull {
  reason: string
  image: string
  /** What the runtime said of the newest try; empty where it has not said anything. */
  text: string
  said: Event | undefined
}

/** Undefined for a container whose image is there or is being pulled. */
export function pullOf(pod: KubernetesObject, status: ContainerStatus, events: readonly Event[]): Pull | undefined {
  const { reason = '', message = '' } = status.state?.waiting ?? {}
  if (!pullReasons.includes(reason)) return undefined
  const image = wantedImage(pod, status)
  const said = events.findLast((event) => event.reason === 'Failed' && event.message?.startsWith(`Failed to pull image "${image}"`))
  return { reason, image, text: pullText(message, said), said }
}

export function observePull(pod: KubernetesObject, status: ContainerStatus, events: readonly Event[], now: Date): Observation | undefined {
  const pull = pullOf(pod, status, events)
  if (pull === undefined) return undefined
  const { reason, image, text, said } = pull
  const evidence = [`${nameOf(pod)}, container ${status.name}: ${reason}`, ...(text ? [text] : [])]
  const found = verdict(pod, reason, image, text, evidence)
  if (!found) return waiting(`${status.name}: image ${image} could not be pulled yet${text ? `: ${inShort(text)}` : ''}`)
  if (reason === 'InvalidImageName' || reason === 'ImageInspectError') return found
  return triedAgain(found, said && timeOf(said), now, longestBackOffMs)
}

/**
 * The last link of the chain of errors, without what changes with every try (the port that a question
 * was sent from): a reason that differs each time would be printed each time.
 */
function inShort(text: string): string {
  const last = text.split(/failed to do request: |desc = /).at(-1) ?? text
  return last.replace(/\b(read|write) (tcp|udp) \S+->\S+: /g, '').slice(0, 160)
}

/** The status may carry the id of another tag of the same image; the spec has what was asked for. */
function wantedImage(pod: KubernetesObject, status: ContainerStatus): string {
  type Named = { name: string; image?: string }[]
  const { initContainers = [], containers = [] } = (pod.spec ?? {}) as { initContainers?: Named; containers?: Named }
  return [...initContainers, ...containers].find(({ name }) => name === status.name)?.image ?? status.image
}

/** The newest that says why; "Back-off pulling image" and "Error: ImagePullBackOff" do not. */
function pullText(message: string, said: Event | undefined): string {
  if (/^Back-off pulling image "[^"]+"$/.test(message)) return said?.message ?? ''
  return message || (said?.message ?? '')
}

function verdict(pod: KubernetesObject, reason: string, image: string, text: string, evidence: string[]): Failed | undefined {
  if (reason === 'InvalidImageName') return invalidName(pod, image, evidence)
  if (reason === 'ErrImageNeverPull') return neverPulled(pod, image, evidence)
  // The image's own name must not decide: somebody may call one "tls" or "timeout".
  const said = text.replaceAll(image, '')
  if (shortName.test(said)) return unqualified(pod, image, evidence)
  // What else keeps the runtime from looking is its own: the socket that refuses is no registry's.
  if (reason === 'ImageInspectError' || cutOff.test(said)) return undefined
  if (lostPart.test(said)) return damagedCopy(pod, image, evidence)
  if (unreachable.test(said)) return registryUnreachable(pod, image, evidence)
  if (transient.test(said)) return undefined
  if (unsigned.test(said)) return refusedUnsigned(pod, image, evidence)
  if (otherCpu.test(said)) return otherArchitecture(pod, image, evidence)
  if (absent.test(said)) return bitnami.test(image) ? bitnamiGone(pod, image, evidence) : notFound(pod, image, evidence)
  return denied.test(said) ? pullDenied(pod, image, evidence) : undefined
}

function registryUnreachable(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  const always = policyOf(pod, image) === 'Always'
  return failed(pod, 'image-registry-unreachable', {
    title: always ? `Image ${image} is to be asked for at each start, and its registry cannot be reached` : `Image ${image} is not on the node, and its registry cannot be reached`,
    evidence: [...evidence, ...(always ? ['imagePullPolicy is Always: that the node may have it is of no use'] : [])],
    why: 'The node gets no connection to the registry: no network, no name resolution there, a firewall, or a wrong registry name.',
    fix: [`sudo crictl pull ${image} # on the node: says what its network, its DNS or the registry refuses`, 'npx tsx run.ts apply --from helm # where the registry in airflow.values was wrong, once it is right', 'sudo ctr -n k8s.io image import FILE # on the node, without a network', ...(always ? pullIfAbsent(pod, image).map((line) => `${line} # where the node has it`) : [])],
  })
}

function notFound(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'image-not-found', {
    title: `Image ${image} does not exist`,
    evidence,
    why: 'The registry answered, and has no such repository or tag (or shows it only to those who log in). No retry changes that.',
    fix: ['npx tsx run.ts apply --from helm # once the configuration names one that is there: airflow.image: {repository: …, tag: …} for Airflow\'s own, airflow.values for all others; for a private one also registry.secretName'],
  })
}

/** The command that names another image for the containers that lack this one. */
function setImage(pod: KubernetesObject, image: string, to: string): string[] {
  type Named = { name: string; image?: string }[]
  const { initContainers = [], containers = [] } = (pod.spec ?? {}) as { initContainers?: Named; containers?: Named }
  const lacking = [...initContainers, ...containers].filter((one) => one.image === image)
  const target = targetOf(pod)
  return target === undefined || lacking.length === 0 ? [] : [`kubectl ${inNamespace(pod)} set image ${target} ${lacking.map(({ name }) => `${name}=${to}`).join(' ')}${thenDeletePod(pod)} # at once, and until the next apply`]
}

function bitnamiGone(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  const [, name = 'postgresql'] = /bitnami\/([^:@]+)/.exec(image) ?? []
  const key = name === 'redis' ? 'redis' : 'postgresql'
  return failed(pod, 'bitnami-image-removed', {
    title: `Image ${image} is no longer published by Bitnami`,
    evidence,
    why: 'Since August 2025 versioned tags are gone from docker.io/bitnami; they live on, without updates, in docker.io/bitnamilegacy.',
    fix: fixOf(
      setImage(pod, image, image.replace('bitnami/', 'bitnamilegacy/')),
      `For good: Set ${key}.image.repository: bitnamilegacy/${name} in airflow.values, then: npx tsx run.ts apply --from helm # keep the tag: another major version cannot read an existing database folder`,
    ),
    link: 'https://github.com/apache/airflow/issues/55069',
  })
}

function neverPulled(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'image-not-found', {
    title: `Image ${image} is not on the node and may not be pulled`,
    evidence,
    why: 'imagePullPolicy is Never, so the kubelet does not ask a registry.',
    fix: fixOf(pullIfAbsent(pod, image), 'sudo ctr -n k8s.io image import FILE # on the node (kind load docker-image, minikube image load), or pullPolicy: IfNotPresent in airflow.values'),
  })
}

function policyOf(pod: KubernetesObject, image: string): string | undefined {
  type Named = { image?: string; imagePullPolicy?: string }[]
  const { initContainers = [], containers = [] } = (pod.spec ?? {}) as { initContainers?: Named; containers?: Named }
  return [...containers, ...initContainers].find((one) => one.image === image)?.imagePullPolicy
}

function pullIfAbsent(pod: KubernetesObject, image: string): string[] {
  const { containers = [] } = (pod.spec ?? {}) as { containers?: { name: string; image?: string }[] }
  const container = containers.find((one) => one.image === image)
  const target = targetOf(pod)
  if (target === undefined || container === undefined) return []
  const patch = JSON.stringify({ spec: { template: { spec: { containers: [{ name: container.name, imagePullPolicy: 'IfNotPresent' }] } } } })
  return [`kubectl ${inNamespace(pod)} patch ${target} -p '${patch}'${thenDeletePod(pod)}`]
}

function invalidName(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'invalid-image-name', {
    title: `"${image}" is no image reference`,
    evidence,
    why: 'It cannot be parsed as REGISTRY/REPOSITORY:TAG; a tag that was left empty is the usual reason.',
    fix: ['npx tsx run.ts apply --from helm # once the configuration has repository and tag apart: airflow.image: {repository: apache/airflow, tag: 2.6.2}, or in airflow.values for another image'],
  })
}

/** As of `docker run`: what has no registry is Docker Hub's. */
function unqualified(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  const whole = `docker.io/${image.includes('/') ? '' : 'library/'}${image}`
  return failed(pod, 'invalid-image-name', {
    title: `Image name "${image}" leaves open of which registry it is`,
    evidence,
    why: 'The node\'s runtime (CRI-O) is told to take no short names: several registries could be meant, and it does not guess.',
    fix: fixOf(
      setImage(pod, image, whole),
      `npx tsx run.ts apply --from helm # for good, once the configuration names it with its registry: ${whole.replace(/[:@][^/]*$/, '')} as the repository, in airflow.image for Airflow's own, else in airflow.values`,
    ),
  })
}

function refusedUnsigned(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'image-pull-denied', {
    title: `The node refuses image ${image} for its signature`,
    evidence,
    why: 'A policy on the node wants images of that registry signed, and this one is not, or by somebody else.',
    fix: [`cat /etc/containers/policy.json /etc/crio/policies/*.json # on ${nodeOf(pod)}: what it wants of that registry; then correct it, or name a signed image in airflow.values and run again`],
  })
}

/** Whether it is the runtime or its disk that lost it, another pull makes it whole. */
export function damagedIn(message: string, pod: KubernetesObject, status: ContainerStatus, evidence: string[]): Failed | undefined {
  return lostPart.test(message) ? damagedCopy(pod, wantedImage(pod, status), evidence) : undefined
}

function damagedCopy(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  const node = nodeOf(pod)
  return failed(pod, 'container-config-error', {
    title: `The copy of image ${image} on node ${node} has lost a part`,
    evidence,
    why: 'The runtime believes that it has a layer which is gone from its store, as after a power cut or a full disk, so it does not fetch that one again.',
    fix: [`sudo crictl rmi ${image}; sudo crictl pull ${image} # on ${node} (K3s: sudo k3s crictl …)`, `dmesg -T | grep -iE 'I/O error|remount' # on ${node}: whether its disk loses more`],
  })
}

function nodeOf({ spec }: KubernetesObject): string {
  return (spec as { nodeName?: string } | undefined)?.nodeName ?? 'the node'
}

function otherArchitecture(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'wrong-cpu-architecture', {
    title: `Image ${image} is not made for this CPU`,
    evidence,
    why: 'The tag exists, but has no variant for the architecture of the node.',
    fix: ['npx tsx run.ts apply --from helm # once the configuration names a tag that has one for it', `docker manifest inspect ${image} # which it has`],
  })
}

function pullDenied(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'image-pull-denied', {
    title: `The registry does not let this cluster pull ${image}`,
    evidence,
    why: 'It wants credentials, and the pod has none that it accepts.',
    fix: [`docker login && kubectl ${inNamespace(pod)} create secret generic registry-login --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=$HOME/.docker/config.json`, 'then registry.secretName: registry-login in airflow.values'],
  })
}
