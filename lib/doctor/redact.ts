/**
 * Takes secrets out of what pods said. The values that are known come from outside; what only looks
 * like one (a password in a URL, `password=…`) is taken out by its looks, since a program may print
 * one that nobody told us of.
 */
import { stripVTControlCharacters } from 'node:util'
import { withoutSecrets } from './looks/index.ts'

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

export function redactWith(known: Known = (text) => text, count?: Count): Redact {
  const takeOut = (): string => {
    count?.('looks')
    return mask
  }
  return (text) => {
    const rest = known(visible(text), () => {
      count?.('known')
      return true
    })
    return withoutSecrets(rest, takeOut)
  }
}

/** What looks like a secret in a text, so that it can be known elsewhere, where it does not look like one. */
export function secretsIn(text: string): string[] {
  const found: string[] = []
  withoutSecrets(visible(text), (secret) => {
    found.push(secret)
    return mask
  })
  return found
}

const unseen = /[\u00AD\u200B-\u200D\u2060\uFEFF]/g

/** Colours and signs of no width part a name from its value, and what goes to a terminal should not carry them anyway. */
export function visible(text: string): string {
  return (/[\u001B\u009B]/.test(text) ? stripVTControlCharacters(text) : text).replace(unseen, '')
}
