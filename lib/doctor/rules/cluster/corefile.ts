/** A CoreDNS without its Corefile, or with one that knows no name of the cluster: of it the words that lines begin with are kept. */
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { describeEvent } from '../../../observe/events.ts'
import { nameOf } from '../../../observe/observation.ts'
import type { Evidence } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'

const block = '    kubernetes cluster.local in-addr.arpa ip6.arpa {\\\\n        pods insecure\\\\n        fallthrough in-addr.arpa ip6.arpa\\\\n    }\\\\n'

/** As kubeadm writes it. Source: https://coredns.io/manual/toc/, and https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/ */
const plain = '.:53 {\\n    errors\\n    health\\n    ready\\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\\n        pods insecure\\n        fallthrough in-addr.arpa ip6.arpa\\n    }\\n    forward . /etc/resolv.conf\\n    cache 30\\n    loop\\n    reload\\n}\\n'

export const ofK3s = 'sudo systemctl restart k3s # on the server, where it is K3s, which makes its own again'

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

/** MountVolume.SetUp failed for volume "config-volume" : configmap "coredns" not found; in older versions: configmaps "coredns" not found */
const notThere = /MountVolume\.SetUp failed for volume "[^"]+" : configmaps? "coredns" not found/

export interface Corefileless {
  title: string
  seen: string
  fix: NonEmpty<string>
}

/** Of a pod of CoreDNS that the kubelet cannot start: what ran had it in memory. */
export function lacksCorefile(server: KubernetesObject, pods: readonly KubernetesObject[], { system }: Evidence): Corefileless | undefined {
  // What the kubelet missed before it was made is no news.
  if (system.some(({ kind, metadata }) => kind === 'ConfigMap' && metadata.namespace === 'kube-system' && metadata.name === 'coredns')) return undefined
  const names = pods.map(({ metadata }) => metadata.name)
  const event = system.filter(({ kind }) => kind === 'Event').map((one) => one as unknown as Event).findLast(({ involvedObject, message = '' }) => involvedObject.namespace === 'kube-system' && names.includes(involvedObject.name ?? '') && notThere.test(message))
  if (event === undefined) return undefined
  const volumes = (server as Deployment).spec?.template.spec?.volumes ?? []
  // K3s mounts a list of its nodes from it as well, which nobody but K3s can write.
  const isPlain = volumes.every(({ configMap }) => (configMap?.items ?? []).every(({ key }) => key === 'Corefile'))
  const byHand = `printf '${plain}' | kubectl -n kube-system create configmap coredns --from-file=Corefile=/dev/stdin && kubectl -n kube-system rollout restart deployment ${server.metadata.name} # a plain one, for the domain cluster.local`
  return {
    title: 'CoreDNS cannot start: ConfigMap kube-system/coredns does not exist',
    seen: `Pod kube-system/${event.involvedObject.name ?? ''}: ${describeEvent(event)}`,
    fix: isPlain ? [byHand, 'sudo kubeadm init phase addon coredns # or on the control plane of kubeadm, which makes its own again', ofK3s] : [ofK3s, byHand],
  }
}
