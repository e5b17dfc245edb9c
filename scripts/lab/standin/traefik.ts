const GROUP = 'traefik.containo.us'
const LABELS = { 'app.kubernetes.io/name': 'traefik', 'app.kubernetes.io/instance': 'traefik' }
const IN_TRAEFIK = { name: 'traefik', namespace: 'traefik', labels: LABELS }

/** Traefik watches all of these kinds and complains of each that is not there. */
const KINDS = [
  'IngressRoute', 'IngressRouteTCP', 'IngressRouteUDP', 'Middleware', 'MiddlewareTCP',
  'ServersTransport', 'TLSOption', 'TLSStore', 'TraefikService',
]

const ARGS = [
  '--entrypoints.web.address=:80',
  '--entrypoints.websecure.address=:443',
  '--entrypoints.websecure.http.tls=true',
  '--providers.kubernetescrd',
  '--certificatesresolvers.letsencrypt.acme.email=lab@airflow.lab.test',
  '--certificatesresolvers.letsencrypt.acme.storage=/data/acme.json',
  '--certificatesresolvers.letsencrypt.acme.tlschallenge=true',
]

const plural = (kind: string): string => `${kind.toLowerCase()}s`

function definition(kind: string): object {
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural(kind)}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural: plural(kind), singular: kind.toLowerCase() },
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  }
}

/** A file's worth of kinds is enough for routes to be written; nothing reads them until Traefik runs. */
export function traefikDefinitions(): object[] {
  return KINDS.map(definition)
}

/** Traefik 2.9 as a person has it: on the node's own ports 80 and 443, with one certificate resolver. */
export function traefik(): object[] {
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'traefik', labels: LABELS },
    rules: [
      { apiGroups: [''], resources: ['services', 'endpoints', 'secrets'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [GROUP, 'traefik.io'], resources: KINDS.map(plural), verbs: ['get', 'list', 'watch'] },
    ],
  }
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'traefik', labels: LABELS },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'traefik' },
    subjects: [{ kind: 'ServiceAccount', name: 'traefik', namespace: 'traefik' }],
  }
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'traefik' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: IN_TRAEFIK },
    role,
    binding,
    deployment(),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: IN_TRAEFIK,
      spec: {
        type: 'NodePort',
        selector: LABELS,
        ports: [
          { name: 'web', port: 80, targetPort: 'web', protocol: 'TCP' },
          { name: 'websecure', port: 443, targetPort: 'websecure', protocol: 'TCP' },
        ],
      },
    },
  ]
}

function deployment(): object {
  const container = {
    name: 'traefik',
    image: 'docker.io/library/traefik:v2.9.10',
    imagePullPolicy: 'IfNotPresent',
    args: ARGS,
    ports: [
      { name: 'web', containerPort: 80, protocol: 'TCP' },
      { name: 'websecure', containerPort: 443, protocol: 'TCP' },
    ],
    readinessProbe: { tcpSocket: { port: 'websecure' }, periodSeconds: 2 },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: IN_TRAEFIK,
    spec: {
      replicas: 1,
      selector: { matchLabels: LABELS },
      // Two at a time would quarrel over the node's port 443.
      strategy: { type: 'Recreate' },
      template: {
        metadata: { labels: LABELS },
        spec: { serviceAccountName: 'traefik', hostNetwork: true, containers: [container], volumes: [{ name: 'data', emptyDir: {} }] },
      },
    },
  }
}
