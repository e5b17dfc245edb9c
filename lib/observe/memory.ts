/**
 * A container that was ended for memory, and whose limit it was. Where all main containers have limits, the
 * kubelet sets their sum on the whole pod: what has no limit of its own, an init container, is ended by theirs.
 */
import type { Container, ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import { servesWeb } from '../airflow/families.ts'
import type { KubernetesObject, NonEmpty } from '../access.ts'
import { type Failed, failed, fixOf, inNamespace, nameOf } from './observation.ts'
import { ownerName, targetOf, thenDeletePod } from './owners.ts'
import { placeOf } from './place.ts'

interface Told {
  /** What is said of the containers whose limit it is. */
  title: string
  why: string
  evidence: string[]
}

/** The webserver's workers need a gigabyte or more between them, which no chart asks for. */
export function outOfMemory(pod: KubernetesObject, status: ContainerStatus): Failed {
  return tooLittle(pod, status.name, {
    title: 'needs more memory than it may use',
    why: 'The kernel ended it at its memory limit, or the node had none left, each time it was started.',
    evidence: [`${placeOf(pod, status.name)}: OOMKilled, restarted ${status.restartCount} times`],
  })
}

/** runc says it before the program begins: container init was OOM-killed (memory limit too low?) */
export function startsNot(pod: KubernetesObject, container: string, evidence: string[]): Failed {
  return tooLittle(pod, container, { title: 'has a memory limit too small to even start', why: 'The limit is smaller than what the runtime itself needs to start a process.', evidence })
}

function tooLittle(pod: KubernetesObject, container: string, { title, why, evidence }: Told): Failed {
  const names = limitersOf(pod as Pod, container)
  const target = targetOf(pod)
  const raised = names.map((name) => `kubectl ${inNamespace(pod)} set resources ${target ?? ''} -c ${name} --limits=memory=2Gi`)
  const ranges = names.filter((name) => byLimitRange(pod, name))
  const byDefault = ranges.length === 0 ? [] : [`${nameOf(pod)}: the limit of ${ranges.join(' and ')} is the default that a LimitRange of the namespace gives`]
  const others = names.includes(container) ? [] : [`${nameOf(pod)}: ${container} has no limit of its own; the limit of ${names.join(' and ')} is that of the whole pod`]
  return failed(pod, names.some(servesWeb) ? 'webserver-oom-or-slow-start' : 'oom-killed', {
    title: `Container ${names.join(' and ')} of ${ownerName(pod)} ${title}`,
    evidence: [...evidence, ...others, ...byDefault],
    why,
    fix: fixOf(
      [
        ...(target === undefined ? [] : [`${raised.join(' && ')}${thenDeletePod(pod)} # at once, and until the next apply`]),
        ...(ranges.length === 0 ? [] : [`kubectl ${inNamespace(pod)} edit limitrange # raise its default for memory, for all that has no limit of its own; pods made after that have it`]),
      ],
      'Raise resources.limits.memory of that component in airflow.values (a webserver wants 2Gi, or config.webserver.workers: 2), and run again',
    ),
  })
}

/** kubernetes.io/limit-ranger: "LimitRanger plugin set: cpu, memory request for container webserver; cpu, memory limit for container webserver" */
function byLimitRange({ metadata }: KubernetesObject, container: string): boolean {
  const parts = (metadata.annotations?.['kubernetes.io/limit-ranger'] ?? '').split('; ')
  return parts.some((part) => /\bmemory\b.* limit for (?:init )?container /.test(part) && part.endsWith(` ${container}`))
}

function limitersOf({ spec }: Pod, container: string): NonEmpty<string> {
  const limited = ({ resources }: Container): boolean => resources?.limits?.memory !== undefined
  const own = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find(({ name }) => name === container)
  const [first, ...rest] = own !== undefined && limited(own) ? [] : (spec?.containers ?? []).filter(limited).map(({ name }) => name)
  return first === undefined ? [container] : [first, ...rest]
}
