/**
 * What may differ on a live object without anybody having to do anything about it. Data, each line
 * with its reason; a person adds lines of the same shape under `diff.ignore`.
 */
export interface IgnoreRule {
  /** Left out: any. */
  kind?: string | undefined
  namespace?: string | undefined
  name?: string | undefined
  /**
   * A JSON pointer (RFC 6901) in which a list item may be named by its `name`, `*` is any one
   * segment and `**` any number of them; what lies below the place is ignored with it. Left out:
   * everything of the object.
   */
  path?: string | undefined
  /** Only this value: what a server fills in is noise, and the same field set by hand is not. */
  value?: unknown
  /** Only what this field manager added. */
  manager?: string | undefined
  reason: string
}

const labels = '/metadata/labels'
const annotations = '/metadata/annotations'
const pod = '/**/spec'

/** Fields that only ever matter where somebody added them: a declared one that differs is shown. */
export const additions: readonly IgnoreRule[] = [
  { manager: 'helm', reason: 'Helm wrote the object; what it wrote beyond the chart is what the server filled in' },
  { manager: 'Helm', reason: 'the same, as Helm before 3.7 called itself' },
  { manager: 'airstrip', reason: 'airstrip wrote it' },
  { manager: 'kube-controller-manager', reason: 'the controllers keep their books on the objects they watch' },
  { manager: 'kube-scheduler', reason: 'the scheduler binds' },
  { manager: 'kube-apiserver', reason: 'the API server fills in' },
  { manager: 'kubelet', reason: 'the kubelet reports' },
  { manager: 'cloud-controller-manager', reason: 'the cloud reports its load balancers' },
  { manager: 'k3s', reason: 'K3s is all of these in one process' },
  { manager: 'local-path-provisioner', reason: 'it binds claims to the volumes it makes' },
  { manager: 'before-first-apply', reason: 'who wrote an object before its first server-side apply is not known' },

  { path: `${annotations}/kubectl.kubernetes.io~1last-applied-configuration`, reason: 'kubectl apply keeps its own copy here' },
  { path: `/**${annotations}/kubectl.kubernetes.io~1restartedAt`, reason: 'kubectl rollout restart; to take it away would restart once more' },
  { path: `${annotations}/deployment.kubernetes.io~1revision`, reason: 'counted by the Deployment controller' },
  { path: `${annotations}/deprecated.daemonset.template.generation`, reason: 'counted by the DaemonSet controller' },
  { path: `${annotations}/pv.kubernetes.io~1bind-completed`, reason: 'the volume controller binds a claim' },
  { path: `${annotations}/pv.kubernetes.io~1bound-by-controller`, reason: 'the volume controller binds a claim' },
  { path: `${annotations}/volume.kubernetes.io~1selected-node`, reason: 'the scheduler chose where a volume is made' },
  { path: `${annotations}/volume.beta.kubernetes.io~1storage-provisioner`, reason: 'the volume controller asks a provisioner' },
  { path: `${annotations}/volume.kubernetes.io~1storage-provisioner`, reason: 'the same, since 1.23' },
  { path: `${annotations}/autoscaling.alpha.kubernetes.io~1conditions`, reason: 'the autoscaler reports' },
  { path: `${labels}/kubernetes.io~1metadata.name`, reason: 'the API server names a namespace in its labels, since 1.21' },
  { kind: 'Namespace', path: labels, reason: 'policies of the cluster are told to a namespace by its labels' },
  { kind: 'Namespace', path: annotations, reason: 'and so is what a cluster\'s own tools keep of it' },
  { kind: 'Namespace', path: '/spec/finalizers', reason: 'the API server empties a namespace before it goes' },

  { kind: 'PersistentVolume', path: '/spec/claimRef', reason: 'a volume that is bound names its claim' },
  { kind: 'PersistentVolume', path: '/spec/volumeMode', value: 'Filesystem', reason: 'default' },
  { kind: 'PersistentVolumeClaim', path: '/spec/volumeName', reason: 'a claim that is bound names its volume' },
  { kind: 'PersistentVolumeClaim', path: '/spec/volumeMode', value: 'Filesystem', reason: 'default' },
  { kind: 'PersistentVolumeClaim', path: '/spec/storageClassName', reason: 'a claim without a class is given the default one' },
  { kind: 'StorageClass', path: '/reclaimPolicy', value: 'Delete', reason: 'default' },
  { kind: 'StorageClass', path: '/volumeBindingMode', value: 'Immediate', reason: 'default' },
  { kind: 'ServiceAccount', path: '/secrets', reason: 'the token controller made one, before 1.24' },
  { kind: 'Job', path: '/spec/selector', reason: 'made by the API server for its pods' },
  { kind: 'Job', path: '/spec/template/metadata/labels', reason: 'made by the API server for its pods' },
  { kind: 'Job', path: '/spec/completions', value: 1, reason: 'default' },
  { kind: 'Job', path: '/spec/parallelism', value: 1, reason: 'default' },
  { kind: 'Job', path: '/spec/completionMode', value: 'NonIndexed', reason: 'default' },
  { kind: 'Job', path: '/spec/suspend', value: false, reason: 'default' },
  { kind: 'Service', path: '/spec/clusterIP', reason: 'given by the API server' },
  { kind: 'Service', path: '/spec/clusterIPs', reason: 'given by the API server' },
  { kind: 'Service', path: '/spec/ipFamilies', reason: 'given by the API server' },
  { kind: 'Service', path: '/spec/ipFamilyPolicy', reason: 'given by the API server' },
  { kind: 'Service', path: '/spec/internalTrafficPolicy', value: 'Cluster', reason: 'default' },
  { kind: 'Service', path: '/spec/sessionAffinity', value: 'None', reason: 'default' },
  { kind: 'Service', path: '/spec/type', value: 'ClusterIP', reason: 'default' },
  { kind: 'Service', path: '/spec/ports/*/protocol', value: 'TCP', reason: 'default' },
  { kind: 'Service', path: '/spec/ports/*/nodePort', reason: 'given by the API server' },
  { kind: 'Service', path: '/spec/ports/*/targetPort', reason: 'the port itself where none is said' },
  { kind: 'Deployment', path: '/spec/progressDeadlineSeconds', value: 600, reason: 'default' },
  { kind: 'Deployment', path: '/spec/strategy', value: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } }, reason: 'default' },
  { kind: 'Deployment', path: '/spec/strategy/type', value: 'RollingUpdate', reason: 'default, where the strategy has several writers' },
  { kind: 'Deployment', path: '/spec/strategy/rollingUpdate', value: { maxSurge: '25%', maxUnavailable: '25%' }, reason: 'default' },
  { kind: 'Deployment', path: '/spec/strategy/rollingUpdate/maxSurge', value: '25%', reason: 'default' },
  { kind: 'Deployment', path: '/spec/strategy/rollingUpdate/maxUnavailable', value: '25%', reason: 'default' },
  { kind: 'StatefulSet', path: '/spec/podManagementPolicy', value: 'OrderedReady', reason: 'default' },
  { kind: 'StatefulSet', path: '/spec/updateStrategy', value: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }, reason: 'default' },
  { kind: 'StatefulSet', path: '/spec/updateStrategy/type', value: 'RollingUpdate', reason: 'default' },
  { kind: 'StatefulSet', path: '/spec/updateStrategy/rollingUpdate', value: { partition: 0 }, reason: 'default' },
  { kind: 'StatefulSet', path: '/spec/updateStrategy/rollingUpdate/partition', value: 0, reason: 'default' },
  { kind: 'StatefulSet', path: '/spec/persistentVolumeClaimRetentionPolicy', reason: 'default, since 1.27' },
  { kind: 'StatefulSet', path: '/spec/volumeClaimTemplates/*/kind', reason: 'filled in by the API server' },
  { kind: 'StatefulSet', path: '/spec/volumeClaimTemplates/*/apiVersion', reason: 'filled in by the API server' },
  { kind: 'StatefulSet', path: '/spec/volumeClaimTemplates/*/status', reason: 'a template has a status like any claim' },
  { kind: 'StatefulSet', path: '/spec/volumeClaimTemplates/*/spec/volumeMode', value: 'Filesystem', reason: 'default' },
  { path: '/spec/revisionHistoryLimit', value: 10, reason: 'default' },
  { path: '/spec/replicas', value: 1, reason: 'default' },

  { path: '/**/template/metadata/creationTimestamp', reason: 'a template has none' },
  { path: `${pod}/restartPolicy`, value: 'Always', reason: 'default' },
  { path: `${pod}/dnsPolicy`, value: 'ClusterFirst', reason: 'default' },
  { path: `${pod}/schedulerName`, value: 'default-scheduler', reason: 'default' },
  { path: `${pod}/terminationGracePeriodSeconds`, value: 30, reason: 'default' },
  { path: `${pod}/serviceAccount`, reason: 'the old name of serviceAccountName, filled in beside it' },
  { path: '/**/terminationMessagePath', value: '/dev/termination-log', reason: 'default' },
  { path: '/**/terminationMessagePolicy', value: 'File', reason: 'default' },
  { path: '/**/imagePullPolicy', reason: 'told by the tag where it is not said' },
  { path: '/**/ports/*/protocol', value: 'TCP', reason: 'default' },
  { path: '/**/timeoutSeconds', value: 1, reason: 'default of a probe' },
  { path: '/**/periodSeconds', value: 10, reason: 'default of a probe' },
  { path: '/**/successThreshold', value: 1, reason: 'default of a probe' },
  { path: '/**/failureThreshold', value: 3, reason: 'default of a probe' },
  { path: '/**/httpGet/scheme', value: 'HTTP', reason: 'default of a probe' },
  { path: '/**/defaultMode', value: 420, reason: 'default of a volume (0644)' },
  { path: '/**/hostPath/type', value: '', reason: 'default of a volume' },
  { path: '/**/fieldRef/apiVersion', value: 'v1', reason: 'default of a variable' },
]
