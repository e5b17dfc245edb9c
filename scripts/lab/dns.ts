import { stringify } from 'yaml'
import { CLUSTER_DNS } from './network.ts'

const IN_SYSTEM = { name: 'coredns', namespace: 'kube-system' }
const LABELS = { 'k8s-app': 'kube-dns' }

const COREFILE = `.:53 {
  errors
  health
  ready
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
  }
  forward . /etc/resolv.conf
  cache 30
}
`

/** CoreDNS as kubeadm 1.22 installs it, in its shortest form. Its image is pulled, so it needs the internet. */
export function clusterDns(): string {
  return objects().map(object => stringify(object)).join('---\n')
}

function objects(): object[] {
  const subject = { kind: 'ServiceAccount', ...IN_SYSTEM }
  const rule = { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] }
  const slices = { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] }
  const rbac = 'rbac.authorization.k8s.io'
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: IN_SYSTEM },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: 'system:coredns' }, rules: [rule, slices] },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'system:coredns' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:coredns' },
      subjects: [subject],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: IN_SYSTEM, data: { Corefile: COREFILE } },
    deployment(),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: {
        clusterIP: CLUSTER_DNS,
        selector: LABELS,
        ports: [{ name: 'dns', port: 53, protocol: 'UDP' }, { name: 'dns-tcp', port: 53, protocol: 'TCP' }],
      },
    },
  ]
}

function deployment(): object {
  const container = {
    name: 'coredns',
    image: 'registry.k8s.io/coredns/coredns:v1.8.4',
    args: ['-conf', '/etc/coredns/Corefile'],
    volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
    readinessProbe: { httpGet: { path: '/ready', port: 8181 } },
  }
  const volume = { name: 'config', configMap: { name: 'coredns' } }
  // "Default" is the node's own resolver: asking the cluster's would ask itself.
  const spec = { serviceAccountName: 'coredns', dnsPolicy: 'Default', containers: [container], volumes: [volume] }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: IN_SYSTEM,
    spec: { replicas: 1, selector: { matchLabels: LABELS }, template: { metadata: { labels: LABELS }, spec } },
  }
}
