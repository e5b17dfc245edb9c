/** A CoreDNS that is well and knows no name of the cluster: of its Corefile the words that lines begin with are kept. */
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { nameOf } from '../../../observe/observation.ts'
import type { Evidence } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'

const block = '    kubernetes cluster.local in-addr.arpa ip6.arpa {\\\\n        pods insecure\\\\n        fallthrough in-addr.arpa ip6.arpa\\\\n    }\\\\n'

/** `told`: what pods say of names. What an import brings in is not known here. */
export function lacksKubernetes(server: KubernetesObject, { system }: Evidence, told: readonly string[]): Finding[] {
  const names = ((server as Deployment).spec?.template.spec?.volumes ?? []).map(({ configMap }) => configMap?.name)
  const map = system.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.namespace === server.metadata.namespace && names.includes(metadata.name))
  const corefile = (map?.data as { Corefile?: string } | undefined)?.Corefile
  if (map === undefined || corefile === undefined) return []
  const plugins = corefile.split('\n')
  if (plugins.length === 0 || plugins.includes('kubernetes') || plugins.includes('import')) return []
  // Without "reload" the one that runs may still have what it was started with.
  const say = told.length > 0 || plugins.includes('reload') ? wrong : doubtful
  const { namespace = 'kube-system', name } = map.metadata
  return [say('cluster-dns-broken', {
    title: 'CoreDNS knows no name of the cluster: its Corefile has no kubernetes plugin',
    evidence: [`${nameOf(map)} has the plugins ${plugins.join(', ')}`, ...told.slice(0, 3)],
    why: 'Airflow finds its database, its broker and its workers by names that only this plugin gives.',
    fix: [`kubectl -n ${namespace} get configmap ${name} -o json | sed '0,/{\\\\n/s//{\\\\n${block}/' | kubectl -n ${namespace} replace -f - && kubectl -n ${namespace} rollout restart deployment ${server.metadata.name}`, `kubectl -n ${namespace} edit configmap ${name}`],
  })]
}
