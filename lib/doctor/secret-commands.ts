/**
 * Commands that change a Secret, for a fix. A key or a password that is gone cannot be made again, so each first
 * copies what is there into a file of its owner's, and none goes on where that fails.
 */

/** Into `NAME-before-TIME.yaml`: pasted a second time it must not write over the first copy, for what it copies then may be gone. */
function copied(namespace: string, names: readonly string[]): string {
  return `(umask 077 && kubectl -n ${namespace} get secret ${names.join(' ')} -o yaml > ${names[0] ?? ''}-before-$(date +%s).yaml)`
}

export function deleted(namespace: string, ...names: string[]): string {
  return `${copied(namespace, names)} && kubectl -n ${namespace} delete secret ${names.join(' ')}`
}

/** With what is in FILE; without it nothing is done, which is asked first. Applied by the server, with that key alone: what else is in the Secret stays. */
export function replacedFrom(namespace: string, name: string, key: string): string {
  return `test -s FILE && ${copied(namespace, [name])} && ${written(namespace, name, key, 'FILE')}`
}

export function written(namespace: string, name: string, key: string, file: string): string {
  return `kubectl -n ${namespace} create secret generic ${name} --from-file=${key}=${file} --dry-run=client -o json | kubectl -n ${namespace} apply --server-side --force-conflicts -f -`
}
