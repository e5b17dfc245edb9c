/** Label selectors and node selector terms, as the API server and the scheduler read them. */
import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from 'kubernetes-types/core/v1.js'
import type { LabelSelector } from 'kubernetes-types/meta/v1.js'

type Labels = Record<string, string>

interface Requirement {
  key: string
  operator: string
  values?: string[]
}

export function matchesLabels(selector: LabelSelector, labels: Labels = {}): boolean {
  const exact = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return exact && (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels))
}

/** Terms are alternatives; the requirements of one term must all hold. */
export function matchesNode(selector: NodeSelector, node: Node): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesTerm(term, node))
}

function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  // An empty term matches nothing.
  if (expressions.length + fields.length === 0) return false
  const names = { 'metadata.name': node.metadata?.name ?? '' }
  return all(expressions, node.metadata?.labels ?? {}) && all(fields, names)
}

function all(requirements: NodeSelectorRequirement[], labels: Labels): boolean {
  return requirements.every((requirement) => meets(requirement, labels))
}

function meets({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value)
    case 'NotIn': return value === undefined || !values.includes(value)
    case 'Exists': return value !== undefined
    case 'DoesNotExist': return value === undefined
    case 'Gt': return Number(value) > Number(values[0])
    case 'Lt': return Number(value) < Number(values[0])
    // An operator from the future: nothing is concluded from it.
    default: return true
  }
}
