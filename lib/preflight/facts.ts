import type { NonEmpty } from '../access.ts'
import type { Finding } from '../step.ts'

/** What the configuration says must hold. Anything else about the machine only warns. */
export interface Requirements {
  os?: string | undefined
  kubernetes?: string | undefined
}

export interface Text {
  title: string
  evidence: string[]
  why: string
  fix: NonEmpty<string>
  link?: string
}

export function warning(id: string, text: Text): Finding {
  return { id, severity: 'warning', ...text }
}

export function error(id: string, text: Text): Finding {
  return { id, severity: 'error', ...text }
}
