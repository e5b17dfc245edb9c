/** Storage classes. */
import type { Finding } from '../../step.ts'
import { isDefault } from '../../observe/class.ts'
import type { Evidence } from '../evidence.ts'
import type { Rule } from '../rule.ts'

export const classRules: readonly Rule[] = [twoDefaults]

function twoDefaults({ classes = [] }: Evidence): Finding[] {
  const names = classes.filter(isDefault).map(({ metadata }) => metadata.name)
  if (names.length < 2) return []
  return [{
    id: 'two-default-storageclasses',
    severity: 'warning',
    title: 'More than one StorageClass is marked as the default',
    evidence: [`the default classes: ${names.join(', ')}`],
    why: 'Before Kubernetes 1.26 a claim without a class is refused then; later the newest is taken without a word, and data may land on the wrong disk.',
    fix: names.slice(1).map((name) =>
      `kubectl patch storageclass ${name} -p '{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"false"}}}' # or keep this one and unmark ${names[0] ?? ''}`) as [string, ...string[]],
  }]
}
