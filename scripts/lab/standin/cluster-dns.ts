const LABELS = { 'k8s-app': 'kube-dns' }
const IN_SYSTEM = { name: 'coredns', namespace: 'kube-system', labels: LABELS }

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

/** Names for services, which the real images need and a bare cluster lacks: CoreDNS, as kubeadm installs it. */
export function clusterDns(address: string): object[] {
  const rbac = 'rbac.authorization.k8s.io'
  const watched = ['get', 'list', 'watch']
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: IN_SYSTEM },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'system:coredns' },
      rules: [
        { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: watched },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: watched },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'system:coredns' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:coredns' },
      subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace: 'kube-system' }],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: IN_SYSTEM, data: { Corefile: COREFILE } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system', labels: LABELS },
      spec: {
        selector: LABELS,
        clusterIP: address,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        ],
      },
    },
    deployment(),
  ]
}

function deployment(): object {
  const container = {
    name: 'coredns',
    image: 'registry.k8s.io/coredns/coredns:v1.8.4',
    imagePullPolicy: 'IfNotPresent',
    args: ['-conf', '/etc/coredns/Corefile'],
    ports: [{ name: 'dns', containerPort: 53, protocol: 'UDP' }, { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' }],
    livenessProbe: { httpGet: { path: '/health', port: 8080 }, initialDelaySeconds: 10 },
    readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 2 },
    volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: IN_SYSTEM,
    spec: {
      replicas: 1,
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          serviceAccountName: 'coredns',
          // Default: the node's own resolv.conf. With ClusterFirst it would ask itself.
          dnsPolicy: 'Default',
          containers: [container],
          volumes: [{ name: 'config', configMap: { name: 'coredns' } }],
        },
      },
    },
  }
}
