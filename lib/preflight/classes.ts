import type { KubernetesObject } from '../access.ts'
import type { Finding } from '../step.ts'
import { error } from './facts.ts'

export const defaultMark = 'storageclass.kubernetes.io/is-default-class'
const defaultMarks = [defaultMark, 'storageclass.beta.kubernetes.io/is-default-class']

export function defaultClasses(classes: readonly KubernetesObject[]): KubernetesObject[] {
  return classes.filter(({ metadata }) => defaultMarks.some((mark) => metadata.annotations?.[mark] === 'true'))
}

/** K3s deploys its own local-path and keeps it as it wants it. */
export function bundledClass({ metadata }: KubernetesObject): boolean {
  return Object.keys({ ...metadata.labels, ...metadata.annotations }).some((key) => key.startsWith('objectset.rio.cattle.io/'))
}

export function judgeClasses(classes: readonly KubernetesObject[]): Finding[] {
  const names = defaultClasses(classes).map(({ metadata }) => metadata.name)
  if (names.length < 2) return []
  const kept = names.find((name) => name === 'local-path') ?? names.at(-1)
  const [first = '', ...rest] = names.filter((name) => name !== kept).map(undefault)
  return [error('two-default-storageclasses', {
    title: `${names.length} StorageClasses are the default: ${names.join(', ')}`,
    evidence: names.map((name) => `StorageClass ${name} is annotated ${defaultMark}=true`),
    why: 'Before Kubernetes 1.26 every claim without a class is refused; later ones choose silently, maybe the wrong disk.',
    fix: [first, ...rest],
  })]
}

function undefault(name: string): string {
  return `kubectl patch storageclass ${name} -p '{"metadata":{"annotations":{"${defaultMark}":"false"}}}'`
}
