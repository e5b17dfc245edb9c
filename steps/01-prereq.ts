import { blockedBy } from '../lib/check.ts'
import type { Config } from '../lib/config/schema.ts'
import { judgeClasses } from '../lib/preflight/classes.ts'
import { warning, type Requirements } from '../lib/preflight/facts.ts'
import { judgeNodes } from '../lib/preflight/nodes.ts'
import { judgePermissions } from '../lib/preflight/permissions.ts'
import { distributionOf, judgeDistribution, judgeRuntime } from '../lib/preflight/runtime.ts'
import { findTraefik, judgeTraefik } from '../lib/preflight/traefik.ts'
import { judgeVersions } from '../lib/preflight/versions.ts'
import type { Reader, Versions } from '../lib/access.ts'
import type { Finding, Step } from '../lib/step.ts'

interface Spec {
  namespace: string
  chartVersion: string
  host: string
  storagePath: string
  certResolver: string
  require: Requirements
}

/** Looks at the machine and the cluster and changes nothing; what a later step would stumble over is told now. */
export const prereq: Step<Pick<Config, 'airflow' | 'storage' | 'ingress' | 'require'>, Spec> = {
  name: 'prereq',
  number: 1,
  title: 'what must hold before anything is changed',
  about: 'versions, permissions, nodes, runtime, Traefik and name resolution; changes nothing',
  needs: [],
  timeoutMs: 30_000,

  spec: ({ airflow, storage, ingress, require }) => ({
    namespace: airflow.namespace,
    chartVersion: airflow.version,
    host: ingress.host,
    storagePath: storage.path,
    certResolver: ingress.certResolver,
    require,
  }),

  async check(spec, reader) {
    // Side by side; what a look without permission says counts for nothing.
    const [allowed, seen] = await Promise.all([
      reader.permissions(spec.namespace).then(judgePermissions),
      look(spec, reader).catch((error: unknown) => ({ error })),
    ])
    const denied = blockedBy(allowed).blocked
    if (denied !== undefined) return denied
    if ('error' in seen) throw seen.error
    const { findings, evidence } = seen
    const { blocked, warnings } = blockedBy([...allowed, ...findings])
    return blocked ?? { state: 'satisfied', evidence, warnings }
  },

  apply: () => Promise.reject(new Error('prereq changes nothing')),

  verify: () => Promise.resolve({ state: 'done', evidence: [] }),
}

async function look(spec: Spec, reader: Reader): Promise<{ findings: Finding[]; evidence: string[] }> {
  const [versions, nodes, classes, crds, workloads, addresses] = await Promise.all([
    reader.versions(),
    reader.list({ resources: ['nodes'] }),
    reader.list({ resources: ['storageclasses.storage.k8s.io'] }),
    reader.list({ resources: ['customresourcedefinitions.apiextensions.k8s.io'] }),
    reader.list({ resources: ['deployments.apps', 'daemonsets.apps'] }),
    reader.resolve(spec.host),
  ])
  const findings = [
    ...judgeVersions(versions, spec.chartVersion, spec.require),
    ...judgeNodes(nodes, spec.require, reader.now()),
    ...judgeRuntime(nodes),
    ...judgeDistribution(nodes, spec.storagePath),
    ...judgeClasses(classes),
    ...judgeTraefik(findTraefik(crds, workloads), spec.certResolver),
    ...(addresses.length === 0 ? [unresolved(spec.host)] : []),
  ]
  return { findings, evidence: [evidenceOf(versions), `${distributionOf(nodes)}, ${nodes.length} node${nodes.length === 1 ? '' : 's'}`] }
}

function evidenceOf({ server, kubectl, helm }: Versions): string {
  return `Kubernetes ${server}, kubectl ${kubectl}, Helm ${helm}`
}

function unresolved(host: string): Finding {
  return warning('host-unresolved', {
    title: `${host} does not resolve on this machine`,
    evidence: [`the resolver gives no address for ${host}`],
    why: 'People reach Airflow by that name, and the certificate is issued for it.',
    fix: [`Point ${host} at your line (dynamic DNS), or check the spelling of ingress.host.`],
  })
}
