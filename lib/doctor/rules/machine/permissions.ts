/**
 * What the user of the kubeconfig may not see. It stays unknown, and this only says which right is wanting:
 * a doctor that could not look has found nothing wrong.
 *
 *   pods is forbidden: User "viewer" cannot list resource "pods" in API group "" in the namespace "airflow"
 */
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { doubtful } from '../../rule.ts'

const refusal = /User "([^"]+)" cannot (\w+) (?:resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?|path "([^"]+)")/

export function denied({ unknown }: Evidence): Finding[] {
  const refused = unknown.flatMap((line) => {
    const [, user, verb, resource, group, namespace, path] = refusal.exec(line) ?? []
    return user === undefined ? [] : [{ user, verb: verb ?? '', what: path ?? `${resource ?? ''}${group ? `.${group}` : ''}`, namespace, path }]
  })
  const user = refused[0]?.user
  if (user === undefined) return []
  const resources = [...new Set(refused.filter(({ path }) => path === undefined).map(({ what }) => what))]
  return [doubtful('permissions-denied', {
    title: `${user} may not see everything that a diagnosis needs`,
    evidence: [...new Set(refused.map(({ verb, what, namespace }) => `cannot ${verb} ${what}${namespace === undefined ? '' : ` in ${namespace}`}`))],
    why: 'What could not be read is among the unknown, and may hold the cause.',
    fix: [
      'npx tsx run.ts doctor --kubeconfig /etc/kubernetes/admin.conf # the administrator\'s; K3s has /etc/rancher/k3s/k3s.yaml',
      ...(resources.length === 0 ? [] : [
        `kubectl create clusterrole airstrip-look --verb=get,list --resource=${resources.join(',')} # as the administrator`,
        `kubectl create clusterrolebinding airstrip-look --clusterrole=airstrip-look ${subjectOf(user)}`,
      ]),
    ],
  })]
}

function subjectOf(user: string): string {
  const [, account] = /^system:serviceaccount:(.+:.+)$/.exec(user) ?? []
  return account === undefined ? `--user=${user}` : `--serviceaccount=${account}`
}
