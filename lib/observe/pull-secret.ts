import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, ObjectRef } from '../access.ts'
import { writingsOf } from '../diff/managed.ts'

/** A Secret with the login to an image's registry. `docker login` would need a Docker here, and kubectl's own way would have the password among its arguments. */
export function makePullSecret(namespace: string, name: string, image: string): string {
  const login = `printf '{"auths":{"%s":{"auth":"%s"}}}' ${serverOf(image)} "$(printf 'USER:%s' "$(cat FILE)" | base64 | tr -d '\\n')"`
  return `test -s FILE && ${login} | kubectl -n ${namespace} create secret generic ${name} --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=/dev/stdin # FILE has the password`
}

/** As a runtime reads a name: `apache/airflow:2.6.2` has no registry and is Docker Hub's, whose logins go by an old address. */
export function serverOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost && !['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(first) ? first : 'https://index.docker.io/v1/'
}

function loginNames(pod: KubernetesObject): string[] {
  return ((pod as Pod).spec?.imagePullSecrets ?? []).flatMap(({ name }) => name ?? [])
}

/** What pods would log in with whose image could not be pulled. A kubelet that lacks one tries without it, and the registry does not say so. */
export function loginsOf(pods: readonly KubernetesObject[]): ObjectRef[] {
  const refs = pods.filter(pullsInVain).flatMap((pod) => loginNames(pod).map((name) => ({ apiVersion: 'v1', kind: 'Secret', name, namespace: pod.metadata.namespace })))
  return [...new Map(refs.map((ref) => [`${ref.namespace ?? ''}/${ref.name}`, ref])).values()]
}

function pullsInVain(pod: KubernetesObject): boolean {
  const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
  return [...initContainerStatuses, ...containerStatuses].some(({ state }) => ['ErrImagePull', 'ImagePullBackOff'].includes(state?.waiting?.reason ?? ''))
}

/** One that was made or corrected since that time, so that what was tried then says nothing of it. */
export function newLogin(pod: KubernetesObject, triedAt: number, logins: readonly KubernetesObject[]): KubernetesObject | undefined {
  const names = loginNames(pod)
  return logins.find((login) => login.metadata.namespace === pod.metadata.namespace && names.includes(login.metadata.name) && writtenLast(login) >= triedAt)
}

function writtenLast(object: KubernetesObject): number {
  const times = [object.metadata.creationTimestamp ?? '', ...writingsOf(object).map(({ time }) => time)]
  return Math.max(...times.filter((time) => time !== '').map((time) => Date.parse(time)))
}
