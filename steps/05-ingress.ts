import { families, familyOfRelease, type Family } from '../lib/airflow/families.ts'
import { releaseAndChart } from '../lib/airflow/choice.ts'
import { familyFor, type ReleaseSpec } from '../lib/airflow/release.ts'
import { airflowSpec } from '../lib/airflow/spec.ts'
import { makeChanges, nameOf, objectChanges, refOf } from '../lib/changes.ts'
import { checked } from '../lib/check.ts'
import type { Config } from '../lib/config/schema.ts'
import type { IgnoreRule } from '../lib/diff/noise.ts'
import { ingressObjects, routeName, type IngressSpec } from '../lib/manifest/ingress.ts'
import { hasOurLabel } from '../lib/manifest/ours.ts'
import { addressOf } from '../lib/observe/address.ts'
import { healthUrl, judgeAnswer, judgeRedirect } from '../lib/observe/answer.ts'
import { leavingOf } from '../lib/observe/leaving.ts'
import { findTraefik, groupOf, missingTraefik, traefikGroups } from '../lib/preflight/traefik.ts'
import type { KubernetesObject, Reader } from '../lib/access.ts'
import type { Change, Finding, Look, Step } from '../lib/step.ts'

/** Which Service serves the page, and who handles the prefix, is said by the chart. */
interface Spec extends Omit<IngressSpec, 'service'> {
  release: ReleaseSpec
  ignore: readonly IgnoreRule[]
}

/** The way in: https://HOST/airflow, through the Traefik that is on the cluster. */
export const ingress: Step<Pick<Config, 'airflow' | 'ingress' | 'diff'>, Spec> = {
  name: 'ingress',
  number: 5,
  title: 'Airflow at its public address',
  about: 'Middleware and IngressRoute in the API group that this Traefik reads, then a real HTTPS request',
  needs: ['helm'],
  timeoutMs: 180_000,

  spec: (config) => {
    const { airflow, ingress: { host, path, prefix, certResolver, entryPoint, address }, diff: { ignore } } = config
    return { namespace: airflow.namespace, route: routeName(airflow.release), release: airflowSpec(config).release, host, path, prefix, certResolver, entryPoint, address, ignore }
  },

  async check(spec, reader) {
    const [[, chart], crds, workloads] = await Promise.all([
      releaseAndChart(spec.release, reader),
      reader.list({ resources: ['customresourcedefinitions.apiextensions.k8s.io'] }),
      reader.list({ resources: ['deployments.apps', 'daemonsets.apps'] }),
    ])
    const traefik = findTraefik(crds, workloads)
    const group = groupOf(traefik)
    if (group === undefined) return { state: 'blocked', findings: [missingTraefik(traefik)] }
    const served = servedBy(spec, familyFor(spec.release, chart))
    const wanted = ingressObjects(served, group)
    const [live, ours] = await Promise.all([reader.get(wanted.map(refOf)), ofBothGroups(spec, reader)])
    return checked([...objectChanges(wanted, live, spec.ignore), ...stale(ours, wanted)], [`IngressRoute in ${group} for ${spec.host}${spec.path}`])
  },

  apply: makeChanges,

  async verify(spec, reader) {
    const [address, release] = await Promise.all([addressOf(spec, reader), reader.release(spec.release.name, spec.namespace)])
    if (address === undefined) return unproven(spec, `${spec.host} does not resolve here`)
    const { healthPath } = release === undefined ? families[0] : familyOfRelease(release)
    try {
      const look = judgeAnswer({ ...spec, healthPath }, await reader.https(healthUrl({ ...spec, healthPath }), address), reader.now())
      if (look.state !== 'done') return look
      const page = await reader.https(`https://${spec.host}${spec.path}/`, address)
      return { ...look, warnings: [...(look.warnings ?? []), ...judgeRedirect(spec, page)] }
    } catch (error) {
      return unreached(spec, address, error instanceof Error ? error.message : String(error))
    }
  },

  async takedown(spec, reader) {
    const live = await ofBothGroups(spec, reader)
    // The route first: one that names a Middleware that is gone is an error in Traefik's log.
    const goes = live.filter(hasOurLabel).reverse().map((object): Change => ({ op: 'delete', live: object, why: `it leads https://${spec.host}${spec.path} to Airflow` }))
    const stays = live.filter((object) => !hasOurLabel(object)).map((object) => ({ object: nameOf(object), why: 'airstrip did not make it' }))
    return { state: 'ready', goes, stays, leaving: leavingOf(live) }
  },
}

/** Route and Middleware in whatever group and for whatever prefix they were once written. */
async function ofBothGroups(spec: Spec, reader: Reader): Promise<KubernetesObject[]> {
  const everywhere = traefikGroups.flatMap((one) => ingressObjects({ ...servedBy(spec, families[0]), prefix: 'strip' }, one))
  return (await reader.get(everywhere.map(refOf))).filter((object) => object !== undefined)
}

function servedBy(spec: Spec, { web, keepsPrefix }: Family): IngressSpec {
  return { ...spec, service: `${spec.release.name}-${web}`, prefix: keepsPrefix ? 'mount' : spec.prefix }
}

/** Objects of ours that are not wanted any more: of the group that is not read, or of the other way to handle the prefix. */
function stale(live: readonly KubernetesObject[], wanted: readonly KubernetesObject[]): Change[] {
  return live.filter(hasOurLabel).flatMap((object): Change[] => {
    const kept = wanted.some((want) => want.kind === object.kind && want.apiVersion === object.apiVersion)
    return kept ? [] : [{ op: 'delete', live: object, why: 'it is airstrip\'s own and no longer wanted' }]
  })
}

/** An address that the person wrote down must answer; one that was only guessed proves nothing. */
function unreached(spec: Spec, address: string, reason: string): Look {
  if (spec.address === undefined) return unproven(spec, reason)
  return { state: 'waiting', on: [{ object: `https://${spec.host}${spec.path} at ${address}`, reason }] }
}

/** From inside, a home line's own name often leads nowhere: unknown is said, and is not a failure. */
function unproven({ host, path }: Spec, reason: string): Look {
  const finding: Finding = {
    id: 'ingress-unproven',
    severity: 'warning',
    title: `https://${host}${path} could not be asked from here`,
    evidence: [reason],
    why: 'The route is written, but no request reached it from this machine; many routers do not lead their own public name back inside.',
    fix: [`Open https://${host}${path} from outside, or write ingress.address: IP:PORT of Traefik so that airstrip can ask it.`],
  }
  return { state: 'done', evidence: ['route written, not proven'], warnings: [finding] }
}
