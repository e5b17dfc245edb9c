/** The forms of a rule for what may differ on the cluster (`diff.ignore`). */
import * as z from 'zod'
import { namespace } from './names.ts'
import { text } from './rule.ts'

const kind = text({
  pattern: /^[A-Z][A-Za-z0-9]*$/u,
  max: 63,
  what: 'is not a kind as Kubernetes writes it',
  example: 'Deployment',
  mend: (value) => value.charAt(0).toUpperCase() + value.slice(1).replace(/s$/u, ''),
})

const objectName = text({
  pattern: /^[a-z0-9](?:[a-z0-9.:\-]*[a-z0-9])?$/u,
  max: 253,
  what: 'is not the name of a Kubernetes object',
  example: 'airflow-webserver',
  mend: (value) => value.toLowerCase(),
})

const fieldManager = text({
  pattern: /^[A-Za-z0-9](?:[A-Za-z0-9._\/:\-]*[A-Za-z0-9])?$/u,
  max: 128,
  what: 'is not the name of a field manager',
  example: 'kubectl-edit',
})

const jsonPointer = text({
  pattern: /^(?:\/(?:[^\/~\p{Cc}]|~[01])+)+$/u,
  max: 512,
  what: 'is not a JSON pointer: parts with a / before each, a / inside a part written ~1',
  example: '/spec/replicas',
  mend: (value) => (value.startsWith('/') ? value : `/${value.replace(/\[([^\]]*)\]/gu, '.$1').replaceAll('.', '/')}`),
})

export const ignoreRule = z.strictObject({
  kind: kind.optional().describe('Kind of the objects, for example Deployment; left out, every kind.'),
  namespace: namespace.optional().describe('Their namespace; left out, every namespace.'),
  name: objectName.optional().describe('Name of the object; left out, every name.'),
  path: jsonPointer.optional().describe('JSON pointer to the field, for example /spec/replicas. A list item may be named, * is any one part, ** any number of them; left out, the whole object.'),
  manager: fieldManager.optional().describe('Only what this field manager wrote last, as kubectl get --show-managed-fields names it.'),
  reason: z.string().min(1).max(200).describe('Why it may differ, for whoever reads this next.'),
})
