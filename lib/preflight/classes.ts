import type { Finding, KubernetesObject } from '../step.ts'
import { error } from './facts.ts'

const defaultMarks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export function defaultClasses(classes: readonly KubernetesObject[]): KubernetesObject[] {
  return classes.filter(({ metadata }) => defaultMarks.some((mark) => metadata.annotations?.[mark] === 'true'))
}

export function judgeClasses(classes: readonly KubernetesObject[]): Finding[] {
  const names = defaultClasses(classes).map(({ metadata }) => metadata.name)
  if (names.length < 2) return []
  const others = names.filter((name) => name !== 'local-path')
  return [error('two-default-storageclasses', {
    title: `${names.length} StorageClasses are the default: ${names.join(', ')}`,
    evidence: names.map((name) => `StorageClass ${name} is annotated ${defaultMarks[0] ?? ''}=true`),
    why: 'Before Kubernetes 1.26 every claim without a class is refused; later ones choose silently, maybe the wrong disk.',
    fix: [`kubectl patch storageclass ${others[0] ?? ''} -p '{"metadata":{"annotations":{"${defaultMarks[0] ?? ''}":"false"}}}'`],
  })]
}
