/**
 * What cannot be made again, or is somebody else's, is copied into a file before a fix touches it: from that
 * `kubectl create -f` makes it again. Each copy is a file of its own, for pasted a second time it must not be
 * written over, and nothing goes on where it fails.
 */
export function copied(kind: string, names: readonly string[], namespace?: string): string {
  return `(umask 077 && kubectl ${within(namespace)}get ${kind} ${names.join(' ')} -o yaml > ${names[0] ?? ''}-before-$(date +%s).yaml)`
}

export function copiedAway(kind: string, names: readonly string[], namespace?: string): string {
  return `${copied(kind, names, namespace)} && kubectl ${within(namespace)}delete ${kind} ${names.join(' ')}`
}

function within(namespace: string | undefined): string {
  return namespace === undefined ? '' : `-n ${namespace} `
}
