/**
 * What `doctor --fix` can do, by the id of the finding. It asks before each, and never deletes data:
 * no claim that was ever bound, no volume, no Secret, no namespace, no release. A fault that is not
 * here is mended by a person, with the fixes that its finding names.
 *
 * A step is only run where it finds something to change, so it may stand here for whatever it mends.
 */
import type { FaultId } from '../observe/faults.ts'
import type { Finding } from '../step.ts'
import type { Evidence } from './evidence.ts'
import { oneDefault, usableClass } from './mends/classes.ts'
import { type Mend, type Mending, running } from './mends/mend.ts'
import { schedulable, uncordoned, untainted } from './mends/nodes.ts'
import { accountsAgain, scaledBack } from './mends/release.ts'
import { foldersAgain, released } from './mends/storage.ts'

export const mends: Partial<Record<FaultId, Mend>> = {
  'node-cordoned': uncordoned,
  'no-schedulable-node': schedulable,
  'control-plane-taint-single-node': untainted,
  'two-default-storageclasses': oneDefault,
  'pvc-no-usable-storageclass': usableClass,
  'provisioner-not-running': running('provisioner'),
  'pv-released-not-rebinding': released,
  'static-pv-mismatch': running('storage'),
  'claim-lost': running('storage'),
  'claim-missing': running('storage'),
  'hostpath-not-on-the-node': foldersAgain,
  'logs-not-writable-50000': foldersAgain,
  'helm-pending-lock': running('helm'),
  'release-not-installed': running('provisioner', 'storage', 'helm', 'ingress', 'executor'),
  'release-object-missing': running('helm'),
  'scaled-to-zero': scaledBack,
  'service-account-missing': accountsAgain,
  'container-config-error': running('helm'),
  'route-missing': running('ingress'),
  'traefik-crd-group-mismatch': running('ingress'),
  'traefik-404-route-not-loaded': running('ingress'),
}

/** For the documentation: what has a mend at all. */
export const mendable = Object.keys(mends) as FaultId[]

/** By finding, root causes alone: what one explains is gone with it. */
export function mendingsOf(findings: readonly Finding[], evidence: Evidence): { id: string; mending: Mending }[] {
  const ids = [...new Set(findings.filter(({ causes = [] }) => causes.length === 0).map(({ id }) => id))]
  return ids.flatMap((id) => {
    const mending = mends[id as FaultId]?.(evidence)
    return mending === undefined ? [] : [{ id, mending }]
  })
}
