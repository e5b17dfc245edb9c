import type { KubernetesObject, Reader, Release, ReleaseWish, Rendered } from '../access.ts'
import { nameOf, objectsOf, refOf } from '../changes.ts'
import { differences } from '../diff/compare.ts'
import { AirstripError } from '../errors.ts'
import type { Change } from '../step.ts'

/** What the API server lets nobody change in a StatefulSet that is there (kubernetes pkg/apis/apps/validation). */
const fixed = ['serviceName', 'selector', 'podManagementPolicy', 'volumeClaimTemplates'] as const

interface Fixed {
  volumeClaimTemplates?: { metadata?: { name?: string } }[]
}

interface JobParts {
  spec?: { template?: unknown }
  status?: { conditions?: { type: string; status: string }[] }
}

/**
 * What makes room for an upgrade: what Helm would be refused to change. `planned` has what goes already.
 * A chart that cannot be rendered is refused by Helm itself, in its own words.
 */
export async function makeRoom(want: ReleaseWish, release: Release | undefined, planned: readonly Change[], reader: Reader): Promise<Change[]> {
  const refusable = release?.objects.filter(({ kind }) => ['StatefulSet', 'Job'].includes(kind)) ?? []
  if (refusable.length === 0) return []
  const [live, rendered] = await Promise.all([reader.get(refusable.map(refOf)), renderedOrRefused(want, reader)])
  const going = new Set(planned.flatMap((change) => (change.op === 'delete' ? objectsOf(change) : [])))
  return outOfTheWay(rendered?.objects ?? [], live.filter((object) => object !== undefined && !going.has(nameOf(object))))
}

/** A chart that cannot be rendered is refused by Helm itself, in its own words. */
export function renderedOrRefused(want: ReleaseWish, reader: Reader): Promise<Rendered | undefined> {
  return reader.render(want).catch(unrendered)
}

function unrendered(error: unknown): undefined {
  if (!(error instanceof AirstripError) || error.code !== 'HELM_FAILED') throw error
}

/**
 * What can be made again without a loss: a StatefulSet, whose pods and claims stay and are taken up by
 * the new one, and a Job that is over. Whatever else is refused is for a person to decide.
 */
export function outOfTheWay(rendered: readonly KubernetesObject[], live: readonly (KubernetesObject | undefined)[]): Change[] {
  return live.flatMap((there): Change[] => {
    const want = there === undefined ? undefined : rendered.find((object) => nameOf(object) === nameOf(there))
    if (there === undefined || want === undefined) return []
    if (there.kind === 'StatefulSet') return remade(want, there)
    return there.kind === 'Job' ? overtaken(want, there) : []
  })
}

function remade(want: KubernetesObject, live: KubernetesObject): Change[] {
  const changed = fixed.filter((field) => fieldChanged(want, live, field))
  if (changed.length === 0 || losesItsClaims(want, live)) return []
  return [{ op: 'delete', freeing: true, keepsPods: true, live, why: `${changed.join(', ')} cannot be changed in place; Helm makes it again, its pods and claims stay` }]
}

function fieldChanged(want: KubernetesObject, live: KubernetesObject, field: (typeof fixed)[number]): boolean {
  const part = (object: KubernetesObject): KubernetesObject => ({ ...object, metadata: { name: object.metadata.name }, spec: { [field]: (object.spec as Record<string, unknown>)[field] } })
  if (field === 'volumeClaimTemplates' && claimsOf(want).join() !== claimsOf(live).join()) return true
  return (want.spec as Record<string, unknown>)[field] !== undefined && differences(part(want), part(live)).length > 0
}

function claimsOf({ spec }: KubernetesObject): string[] {
  return ((spec as Fixed).volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? '')
}

/** A database that is given another claim begins empty: that is nobody's to do without being told. */
function losesItsClaims(want: KubernetesObject, live: KubernetesObject): boolean {
  return live.metadata.name.includes('postgresql') && claimsOf(want).join() !== claimsOf(live).join()
}

function overtaken(want: KubernetesObject, live: KubernetesObject): Change[] {
  const { conditions = [] } = (live as JobParts).status ?? {}
  const over = conditions.some(({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True')
  const part = (object: KubernetesObject): KubernetesObject => ({ ...object, metadata: { name: object.metadata.name }, spec: { template: (object as JobParts).spec?.template } })
  if (!over || differences(part(want), part(live)).length === 0) return []
  return [{ op: 'delete', freeing: true, live, why: 'the template of a Job cannot be changed, and this one is over; Helm makes it again' }]
}
