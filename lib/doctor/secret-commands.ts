/**
 * Commands that change a Secret, for a fix. A key or a password that is gone cannot be made again, so each first
 * copies what is there into a file of its owner's, and none goes on where that fails.
 */

/** Into `NAME-before.yaml`. */
function copied(namespace: string, names: readonly string[]): string {
  return `(umask 077 && kubectl -n ${namespace} get secret ${names.join(' ')} -o yaml > ${names[0] ?? ''}-before.yaml)`
}

export function deleted(namespace: string, ...names: string[]): string {
  return `${copied(namespace, names)} && kubectl -n ${namespace} delete secret ${names.join(' ')}`
}

/** With what is in FILE; without it nothing is done, which is asked first: of nothing on its stdin `replace` makes no complaint. */
export function replacedFrom(namespace: string, name: string, key: string): string {
  return `test -s FILE && ${copied(namespace, [name])} && kubectl -n ${namespace} create secret generic ${name} --from-file=${key}=FILE --dry-run=client -o yaml | kubectl -n ${namespace} replace -f -`
}
