import { AirstripError } from '../errors.ts'
import type { KubernetesObject, Reader } from '../access.ts'
import type { Planned } from '../engine/agreement.ts'
import { undeletable } from '../preflight/permissions.ts'
import type { Change } from '../step.ts'

/** All that is denied at once and before anybody is asked: half of it gone is worse than none. */
export async function refuseWithoutRights(plan: readonly Planned[], reader: Reader): Promise<void> {
  const going = plan.flatMap(({ changes }) => changes.flatMap(deletedBy))
  const namespaces = [...new Set(going.map(({ metadata }) => metadata.namespace))]
  const denied = await Promise.all(namespaces.map(async (namespace) => {
    // Rights to what lies in no namespace are among the rules of any.
    const rules = await reader.permissions(namespace ?? 'default')
    return undeletable(going.filter(({ metadata }) => metadata.namespace === namespace), rules).map((resource) => `delete ${resource}${namespace === undefined ? '' : ` in ${namespace}`}`)
  }))
  const seen = denied.flat()
  if (seen.length === 0) return
  throw new AirstripError('BLOCKED', 'The kubeconfig\'s user may not delete all that is to go, so nothing was touched.', { seen, next: 'Use the cluster admin\'s kubeconfig (kubeadm: /etc/kubernetes/admin.conf), or have these rights granted.' })
}

/** Helm deletes what its record names, with the user's own rights. */
function deletedBy(change: Change): KubernetesObject[] {
  if (change.op === 'delete') return [change.live]
  return change.op === 'uninstall' ? change.live.objects : []
}
