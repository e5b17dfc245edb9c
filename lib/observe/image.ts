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
import { nodeOf, plainRegistry, pullIfAbsent, registryUnreachable, registryUntrusted } from './image-registry.ts'
import { type Context, type Failed, type Observation, failed, fixOf, inNamespace, longestBackOffMs, nameOf, triedAgain, waiting } from './observation.ts'
import { targetOf, thenDeletePod } from './owners.ts'
import { placeOf } from './place.ts'
import { makePullSecret, newLogin } from './pull-secret.ts'
import { type Meaning, inShort, lacksPart, meaningOf } from './pull-text.ts'
import { withRewriter } from './rewritten.ts'

const pullReasons = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'ImageInspectError', 'RegistryUnavailable', 'SignatureValidationFailed']

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

export function observePull(pod: KubernetesObject, status: ContainerStatus, events: readonly Event[], context: Pick<Context, 'now' | 'logins' | 'replicaSets' | 'workload'>): Observation | undefined {
  const pull = pullOf(pod, status, events)
  if (pull === undefined) return undefined
  const { now, logins = [] } = context
  const { reason, image, text, said } = pull
  const evidence = [`${placeOf(pod, status.name)}: ${reason}`, ...(text ? [text] : [])]
  const judged = verdict(pod, reason, image, text, evidence)
  const found = judged && withRewriter(judged, pod, status.name, image, context)
  const login = said && wantsLogin.includes(meant(text, image, reason)) ? newLogin(pod, timeOf(said), logins) : undefined
  if (login !== undefined) return waiting(`${status.name}: ${nameOf(login)} was written since the last try to pull image ${image}`)
  const begun = nextTry(status, image, events, now)
  if (begun !== undefined && !isAnswered(pull, begun)) {
    if (found === undefined || now.getTime() - begun > quickTryMs) return waiting(`${status.name}: image ${image} is being pulled`)
    // Told, and held, but nothing ends a wait while the answer is on its way.
    return { ...triedAgain(found, said && timeOf(said), now, longestBackOffMs), settleMs: Infinity }
  }
  if (!found) return waiting(`${status.name}: image ${image} could not be pulled yet${text ? `: ${inShort(text)}` : ''}`)
  if (reason === 'InvalidImageName' || reason === 'ImageInspectError') return found
  return triedAgain(found, said && timeOf(said), now, longestBackOffMs)
}

/** Most tries that fail do so within that; one that goes on for longer gets somewhere, or has to wait for another image. */
const quickTryMs = 120_000
/** Of a try of before that nothing more was said. */
const longestPullMs = 1_200_000
/** What a registry, or the node itself, answers for good. */
const final: readonly (Meaning | undefined)[] = ['absent', 'denied', 'unsigned', 'other cpu', 'short name']
/** A registry may say of what only some are shown that it is not there. */
const wantsLogin: readonly (Meaning | undefined)[] = ['absent', 'denied']
/** Nobody has mended it meanwhile. */
const atOnceMs = 60_000

/** The next try, soon after a clear answer, changes nothing; and where the node pulls one image after the other it may stand in a queue for minutes. */
function isAnswered({ reason, image, text, said }: Pull, begun: number): boolean {
  return said !== undefined && begun - timeOf(said) < atOnceMs && final.includes(meant(text, image, reason))
}

/**
 * When the next try has begun, undefined where none is under way: the state keeps ErrImagePull and its text
 * of before, and only an event, `Normal Pulling: Pulling image "apache/airflow:2.6.2"`, tells.
 */
function nextTry({ name }: ContainerStatus, image: string, events: readonly Event[], now: Date): number | undefined {
  const field = `spec.containers{${name}}`
  const mine = events.filter(({ involvedObject: { fieldPath } }) => (fieldPath ?? field).endsWith(`{${name}}`))
  const begun = mine.findLast(({ reason, message }) => reason === 'Pulling' && message === `Pulling image "${image}"`)
  if (begun === undefined || now.getTime() - timeOf(begun) > longestPullMs) return undefined
  const ended = mine.findLast(({ reason }) => reason === 'Failed' || reason === 'BackOff')
  return ended === undefined || timeOf(begun) > timeOf(ended) ? timeOf(begun) : undefined
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
  const meaning = meant(text, image, reason)
  return meaning && verdicts[meaning]?.(pod, image, evidence)
}

/** The image's own name must not decide: somebody may call one "tls" or "timeout". */
function meant(text: string, image: string, reason: string): Meaning | undefined {
  return meaningOf(text.replaceAll(image, ''), reason)
}

type Verdict = (pod: KubernetesObject, image: string, evidence: string[]) => Failed

const verdicts: Partial<Record<Meaning, Verdict>> = {
  'short name': unqualified,
  'lost part': damagedCopy,
  'unreachable': registryUnreachable,
  'page': registryUnreachable,
  'plain http': plainRegistry,
  'untrusted': registryUntrusted,
  'unsigned': refusedUnsigned,
  'other cpu': otherArchitecture,
  'absent': (pod, image, evidence) => (bitnami.test(image) ? bitnamiGone(pod, image, evidence) : notFound(pod, image, evidence)),
  'denied': pullDenied,
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
  return failed(pod, 'bitnami-image-removed', {
    title: `Image ${image} is no longer published by Bitnami`,
    evidence,
    why: 'Since August 2025 versioned tags are gone from docker.io/bitnami; they live on, without updates, in docker.io/bitnamilegacy.',
    fix: fixOf(
      setImage(pod, image, image.replace('bitnami/', 'bitnamilegacy/')),
      `For good: Set ${valueOf(pod, name)}.repository: bitnamilegacy/${name} in airflow.values, then: npx tsx run.ts apply --from helm # keep the tag: another major version cannot read an existing database folder`,
    ),
    link: 'https://github.com/apache/airflow/issues/55069',
  })
}

/** In Bitnami's charts, which are parts of Airflow's: an image that only helps another is named below it. */
function valueOf(pod: KubernetesObject, name: string): string {
  const { containers = [] } = (pod.spec ?? {}) as { containers?: { image?: string }[] }
  const part = name === 'redis' || containers.some(({ image = '' }) => image.includes('bitnami/redis')) ? 'redis' : 'postgresql'
  return /^(os|bitnami)-shell$/.test(name) ? `${part}.volumePermissions.image` : `${part}.image`
}

function neverPulled(pod: KubernetesObject, image: string, evidence: string[]): Failed {
  return failed(pod, 'image-not-found', {
    title: `Image ${image} is not on the node and may not be pulled`,
    evidence,
    why: 'imagePullPolicy is Never, so the kubelet does not ask a registry.',
    fix: fixOf(pullIfAbsent(pod, image), 'sudo ctr -n k8s.io image import FILE # on the node (kind load docker-image, minikube image load), or pullPolicy: IfNotPresent in airflow.values'),
  })
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
  return lacksPart(message) ? damagedCopy(pod, wantedImage(pod, status), evidence) : undefined
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
    fix: [makePullSecret(pod.metadata.namespace ?? 'default', 'registry-login', image), 'then registry.secretName: registry-login in airflow.values'],
  })
}
