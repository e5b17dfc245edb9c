/** Commands that change a Secret, for a fix: a key or a password that is gone cannot be made again. */
import { copied, copiedAway } from '../observe/copied-away.ts'

export function deleted(namespace: string, ...names: string[]): string {
  return copiedAway('secret', names, namespace)
}

/** With what is in FILE; without it nothing is done, which is asked first. Applied by the server, with that key alone: what else is in the Secret stays. */
export function replacedFrom(namespace: string, name: string, key: string): string {
  return `test -s FILE && ${copied('secret', [name], namespace)} && ${written(namespace, name, key, 'FILE')}`
}

export function written(namespace: string, name: string, key: string, file: string): string {
  return `kubectl -n ${namespace} create secret generic ${name} --from-file=${key}=${file} --dry-run=client -o json | kubectl -n ${namespace} apply --server-side --force-conflicts -f -`
}
