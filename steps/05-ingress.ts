import { makeChanges, objectChanges, refOf } from '../lib/changes.ts'
import { checked } from '../lib/check.ts'
import type { Config } from '../lib/config/schema.ts'
import type { IgnoreRule } from '../lib/diff/noise.ts'
import { ingressObjects, type IngressSpec } from '../lib/manifest/ingress.ts'
import { addressOf } from '../lib/observe/address.ts'
import { judgeAnswer, judgeRedirect } from '../lib/observe/answer.ts'
import { findTraefik, groupOf, missingTraefik, traefikGroups } from '../lib/preflight/traefik.ts'
import type { KubernetesObject } from '../lib/access.ts'
import type { Change, Finding, Look, Step } from '../lib/step.ts'

interface Spec extends IngressSpec {
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

  spec: ({ airflow, ingress: { host, path, prefix, certResolver, entryPoint, address }, diff: { ignore } }) => ({
    namespace: airflow.namespace,
    service: `${airflow.release}-webserver`,
    host, path, prefix, certResolver, entryPoint, address, ignore,
  }),

  async check(spec, reader) {
    const [crds, workloads] = await Promise.all([
      reader.list({ resources: ['customresourcedefinitions.apiextensions.k8s.io'] }),
      reader.list({ resources: ['deployments.apps', 'daemonsets.apps'] }),
    ])
    const traefik = findTraefik(crds, workloads)
    const group = groupOf(traefik)
    if (group === undefined) return { state: 'blocked', findings: [missingTraefik(traefik)] }
    const wanted = ingressObjects(spec, group)
    const everywhere = traefikGroups.flatMap((one) => ingressObjects({ ...spec, prefix: 'strip' }, one))
    const [live, ours] = await Promise.all([reader.get(wanted.map(refOf)), reader.get(everywhere.map(refOf))])
    return checked([...objectChanges(wanted, live, spec.ignore), ...stale(ours, wanted)], [`IngressRoute in ${group} for ${spec.host}${spec.path}`])
  },

  apply: makeChanges,

  async verify(spec, reader) {
    const address = await addressOf(spec, reader)
    if (address === undefined) return unproven(spec, `${spec.host} does not resolve here`)
    try {
      const look = judgeAnswer(spec, await reader.https(`https://${spec.host}${spec.path}/health`, address), reader.now())
      if (look.state !== 'done') return look
      const page = await reader.https(`https://${spec.host}${spec.path}/`, address)
      return { ...look, warnings: [...(look.warnings ?? []), ...judgeRedirect(spec, page)] }
    } catch (error) {
      return unreached(spec, address, error instanceof Error ? error.message : String(error))
    }
  },
}

/** Objects of ours that are not wanted any more: of the group that is not read, or of the other way to handle the prefix. */
function stale(live: readonly (KubernetesObject | undefined)[], wanted: readonly KubernetesObject[]): Change[] {
  return live.flatMap((object): Change[] => {
    if (object?.metadata.labels?.['app.kubernetes.io/managed-by'] !== 'airstrip') return []
    const kept = wanted.some((want) => want.kind === object.kind && want.apiVersion === object.apiVersion)
    return kept ? [] : [{ op: 'delete', live: object, why: 'it is airstrip\'s own and no longer wanted' }]
  })
}

/** An address that the person wrote down must answer; one that was only guessed proves nothing. */
function unreached(spec: IngressSpec, address: string, reason: string): Look {
  if (spec.address === undefined) return unproven(spec, reason)
  return { state: 'waiting', on: [{ object: `https://${spec.host}${spec.path} at ${address}`, reason }] }
}

/** From inside, a home line's own name often leads nowhere: unknown is said, and is not a failure. */
function unproven({ host, path }: IngressSpec, reason: string): Look {
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
