/**
 * Takes secrets out of what pods said. The values that are known come from outside; what only looks
 * like one (a password in a URL, `password=…`) is taken out by its looks, since a program may print
 * one that nobody told us of.
 */
import { looks } from './looks/index.ts'
import { randomIn } from './looks/shapes.ts'

export type Redact = (text: string) => string

/** Takes known values out; where `admit` declines one, it stays. */
export type Known = (text: string, admit?: (value: string) => boolean) => string

/** What was left out, by kind, and in words for the person who reads the count. */
export const omissions = {
  known: 'values of Secrets, and others known to be secret, wherever they turned up',
  looks: 'what looks like a secret',
  secrets: 'values of Secrets',
  configMaps: 'values of ConfigMaps',
  variables: 'values of variables',
  arguments: 'arguments and words of commands',
  annotations: 'annotations',
  values: 'texts among the values of the chart',
  headers: 'HTTP headers',
  certificates: 'CA certificates',
  parameters: 'parameters of storage and of plugins',
} as const

export type Omitted = keyof typeof omissions
export type Count = (what: Omitted, times?: number) => void

export const mask = '••••••'

type Groups = Partial<Record<'before' | 'indent' | 'after', string>>

export function redactWith(known: Known = (text) => text, count?: Count): Redact {
  const takeOut = (): string => {
    count?.('looks')
    return mask
  }
  return (text) => {
    const rest = known(text, () => {
      count?.('known')
      return true
    })
    const seen = looks.reduce((said, pattern) => said.replace(pattern, (...found: unknown[]) => {
      const { before = '', indent = '', after = '' } = groupsOf(found)
      return `${before}${indent}${takeOut()}${after}`
    }), rest)
    return randomIn(seen, takeOut)
  }
}

/** What looks like a secret in a text, so that it can be known elsewhere, where it does not look like one. */
export function secretsIn(text: string): string[] {
  const found: string[] = []
  let rest = text
  for (const pattern of looks) {
    rest = rest.replace(pattern, (...match: unknown[]) => {
      const { before = '', indent = '', after = '' } = groupsOf(match)
      const whole = String(match[0])
      found.push(whole.slice(before.length + indent.length, whole.length - after.length))
      return `${before}${indent}${mask}${after}`
    })
  }
  randomIn(rest, (token) => {
    found.push(token)
    return token
  })
  return found
}

function groupsOf(found: readonly unknown[]): Groups {
  const last = found.at(-1)
  return typeof last === 'object' && last !== null ? last : {}
}
