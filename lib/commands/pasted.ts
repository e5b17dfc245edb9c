/**
 * The commands of a fix as this person can paste them: with the flags that name his configuration,
 * his state file and his cluster, where he gave any. The rules know nothing of flags.
 */
import { AirstripError } from '../errors.ts'
import { eachString } from '../engine/redacted.ts'
import { shellWord } from '../shell-word.ts'
import { commonOptions } from './options.ts'
import type { Flags } from './deps.ts'

/** Of any value with findings in it, however deep: what is under `fix` and `next`. */
export type Pasted = <T>(value: T) => T

/** Not from their records, which lead to everything else; a test holds the two together. */
const ours = /\bnpx tsx run\.ts\b( (?:apply|diff|status|doctor|adopt|destroy|keys|backup|restore|charts|schedule)\b)?/g
const kubectl = calling('kubectl', 'get|describe|logs|patch|delete|create|apply|annotate|label|taint|cordon|uncordon|drain|exec|rollout|scale|run|edit|replace|auth|top|cp|set|cluster-info')
/** Of a kubeconfig it is told which; where the text names one itself, that one is meant. Contexts are most often what it is asked for. */
const configuring = /\bkubectl(?= config (?:view|(?:get|use|set|current|delete|rename)-)(?![^;&|#]*--kubeconfig))/g
const helm = calling('helm', 'list|ls|status|history|rollback|uninstall|upgrade|install|get')

/** A tool that is called, and not one that is only spoken of or installed, nor the step of its name. */
function calling(tool: string, verbs: string): RegExp {
  return new RegExp(`(?<!\\binstall |--(?:from|to|only|skip) )\\b${tool}(?= (?:-|(?:${verbs})\\b))`, 'g')
}

export function pastedWith(flags: Pick<Flags, 'config' | 'state' | 'kubeconfig' | 'context'>): Pasted {
  const { kubeconfig, context } = flags
  const files = (['config', 'state'] as const).flatMap((name) => (flags[name] === presetOf(name) ? [] : [`--${name} ${shellWord(flags[name])}`]))
  const cluster = (forContext: string): string[] => [
    ...(kubeconfig === undefined ? [] : [`--kubeconfig ${shellWord(kubeconfig)}`]),
    ...(context === undefined ? [] : [`${forContext} ${shellWord(context)}`]),
  ]
  const put = (text: string, command: RegExp, words: readonly string[]): string => (words.length === 0 ? text : text.replace(command, (found) => [found, ...words].join(' ')))
  const written = (text: string): string => {
    const named = put(put(put(text, ours, [...files, ...cluster('--context')]), kubectl, cluster('--context')), helm, cluster('--kube-context'))
    return put(named, configuring, kubeconfig === undefined ? [] : [`--kubeconfig ${shellWord(kubeconfig)}`])
  }
  return (value) => eachString(value, (text, key) => (['fix', 'next'].includes(key) ? written(text) : text))
}

function presetOf(name: 'config' | 'state'): string | undefined {
  return commonOptions.find(({ flags }) => flags.startsWith(`--${name} `))?.default
}

/** The same error, with its findings and its advice so. */
export function pastedError(error: unknown, pasted: Pasted): unknown {
  if (!(error instanceof AirstripError)) return error
  const { code, message, place, seen, transient, findings, next } = error
  return new AirstripError(code, message, { seen, transient, cause: error, ...pasted({ findings, next }), ...(place === undefined ? {} : { place }) })
}
