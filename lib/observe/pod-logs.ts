/** The logs of pods that are only known by a label. `kubectl logs` looks into one namespace, so they are listed first. */
export function logsOf(label: string, lines: number): string {
  return `kubectl get pods -A -l ${label} -o jsonpath='{range .items[*]}{.metadata.namespace} {.metadata.name}{"\\n"}{end}' | while read -r ns pod; do kubectl -n "$ns" logs "$pod" --tail=${lines}; done`
}

export function traefikLogs(lines = 100): string {
  return logsOf('app.kubernetes.io/name=traefik', lines)
}
