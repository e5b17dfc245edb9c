/** Objects as `kubectl get -o json` prints them on Kubernetes 1.20 to 1.22, cut to what matters. */
import type { Context } from '../../../lib/observe/observation.ts'
import type { KubernetesObject, Release } from '../../../lib/access.ts'

export const now = new Date('2023-08-02T10:30:00Z')
const made = '2023-08-02T10:00:00Z'

type Fields = Record<string, unknown>

export function context(parts: Partial<Context> = {}): Context {
  return { events: [], pods: [], claims: [], classes: [], volumes: [], nodes: [node()], now, ...parts }
}

export function claim(spec: Fields = {}, status: Fields = { phase: 'Pending' }, name = 'data-airflow-postgresql-0'): KubernetesObject {
  return {
    apiVersion: 'v1', kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'airflow', uid: `uid-${name}`, creationTimestamp: made },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '8Gi' } }, volumeMode: 'Filesystem', ...spec },
    status,
  }
}

export function storageClass(name: string, fields: Fields = {}, isDefault = false): KubernetesObject {
  return {
    apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass',
    metadata: { name, uid: `uid-${name}`, creationTimestamp: made, annotations: isDefault ? { 'storageclass.kubernetes.io/is-default-class': 'true' } : {} },
    provisioner: 'rancher.io/local-path', reclaimPolicy: 'Delete', volumeBindingMode: 'WaitForFirstConsumer', ...fields,
  }
}

export const airflowStorage = storageClass('airflow-storage', { provisioner: 'kubernetes.io/no-provisioner' })

export function volume(spec: Fields = {}, phase = 'Available', name = 'airflow-local-logs-pv'): KubernetesObject {
  return {
    apiVersion: 'v1', kind: 'PersistentVolume',
    metadata: { name, uid: `uid-${name}`, creationTimestamp: made, labels: { type: 'airflow-logs' } },
    spec: {
      accessModes: ['ReadWriteMany'], capacity: { storage: '10Gi' }, hostPath: { path: '/srv/airflow/logs', type: 'Directory' },
      persistentVolumeReclaimPolicy: 'Retain', storageClassName: 'airflow-storage', volumeMode: 'Filesystem', ...spec,
    },
    status: { phase },
  }
}

export function logsClaim(spec: Fields = {}): KubernetesObject {
  return claim({
    accessModes: ['ReadWriteMany'], resources: { requests: { storage: '10Gi' } },
    selector: { matchLabels: { type: 'airflow-logs' } }, storageClassName: 'airflow-storage', ...spec,
  }, { phase: 'Pending' }, 'airflow-local-logs-folder')
}

export function node(fields: { taints?: Fields[]; allocatable?: Fields; labels?: Record<string, string>; conditions?: Fields[]; unschedulable?: boolean } = {}, name = 'home'): KubernetesObject {
  const { taints, unschedulable } = fields
  return {
    apiVersion: 'v1', kind: 'Node',
    metadata: { name, uid: `uid-${name}`, creationTimestamp: made, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...fields.labels } },
    spec: { podCIDR: '10.244.0.0/24', ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
    status: {
      allocatable: { cpu: '4', memory: '16318120Ki', 'ephemeral-storage': '94796880Ki', pods: '110', ...fields.allocatable },
      conditions: fields.conditions ?? [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }],
    },
  }
}

export const masterTaint = { key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' }

interface PodFields {
  name?: string
  owner?: { kind: string; name: string; uid?: string }
  labels?: Record<string, string>
  spec?: Fields
  status?: Fields
}

export function pod({ name = 'airflow-scheduler-6d5b9c7f9-x2x4z', owner = { kind: 'ReplicaSet', name: 'airflow-scheduler-6d5b9c7f9' }, labels = { 'pod-template-hash': '6d5b9c7f9' }, spec = {}, status = {} }: PodFields = {}): KubernetesObject {
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      name, namespace: 'airflow', uid: `uid-${name}`, creationTimestamp: made, labels,
      ownerReferences: [{ apiVersion: 'apps/v1', controller: true, blockOwnerDeletion: true, uid: `uid-${owner.name}`, ...owner }],
    },
    spec: { containers: [{ name: 'scheduler', image: 'apache/airflow:2.6.2', resources: {} }], nodeName: 'home', restartPolicy: 'Always', ...spec },
    status: { phase: 'Running', ...placed, ...status },
  }
}

export const placed = { conditions: [{ type: 'PodScheduled', status: 'True' }, { type: 'Ready', status: 'False', reason: 'ContainersNotReady' }] }
export const ready = { phase: 'Running', conditions: [{ type: 'PodScheduled', status: 'True' }, { type: 'Ready', status: 'True' }] }

export function unplaced(message: string): Fields {
  return { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] }
}

export function container(fields: Fields = {}): Fields {
  return { name: 'scheduler', image: 'docker.io/apache/airflow:2.6.2', imageID: '', ready: false, restartCount: 0, started: false, state: { waiting: { reason: 'ContainerCreating' } }, lastState: {}, ...fields }
}

/** A container in back-off after its run ended. */
export function crashed(restartCount: number, terminated: Fields, fields: Fields = {}): Fields {
  return container({
    restartCount,
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 2m40s restarting failed container' } },
    lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: '2023-08-02T10:29:30Z', finishedAt: '2023-08-02T10:29:42Z', ...terminated } },
    ...fields,
  })
}

let count = 0

export function event(about: KubernetesObject, reason: string, message: string, fields: Fields = {}): KubernetesObject {
  count += 1
  return {
    apiVersion: 'v1', kind: 'Event',
    metadata: { name: `${about.metadata.name}.${count}`, namespace: 'airflow' },
    involvedObject: { kind: about.kind, name: about.metadata.name, namespace: about.metadata.namespace, uid: about.metadata.uid },
    reason, message, type: 'Warning', count: 3,
    firstTimestamp: '2023-08-02T10:20:00Z', lastTimestamp: new Date(now.getTime() - 30_000 + count).toISOString(), ...fields,
  }
}

export function workload(kind: 'Deployment' | 'StatefulSet' | 'DaemonSet', name: string, status: Fields, spec: Fields = {}): KubernetesObject {
  return {
    apiVersion: 'apps/v1', kind,
    metadata: { name, namespace: 'airflow', uid: `uid-${name}`, generation: 1, creationTimestamp: made, labels: {} },
    spec: { replicas: 1, ...spec },
    status: { observedGeneration: 1, ...status },
  }
}

export function deployment(name: string, available: number, conditions: Fields[] = []): KubernetesObject {
  return workload('Deployment', name, { replicas: 1, updatedReplicas: 1, readyReplicas: available, availableReplicas: available, conditions })
}

export function statefulSet(name: string, readyReplicas: number): KubernetesObject {
  const revision = `${name}-7c4f8d`
  return workload('StatefulSet', name, { replicas: 1, currentReplicas: 1, updatedReplicas: 1, readyReplicas, currentRevision: revision, updateRevision: revision })
}

export function job(status: Fields, name = 'airflow-run-airflow-migrations'): KubernetesObject {
  return {
    apiVersion: 'batch/v1', kind: 'Job',
    metadata: { name, namespace: 'airflow', uid: `uid-${name}`, creationTimestamp: made, labels: { component: 'run-airflow-migrations' } },
    spec: { backoffLimit: 6, completions: 1, parallelism: 1 },
    status,
  }
}

export function release(fields: Partial<Release> = {}): Release {
  return {
    name: 'airflow', namespace: 'airflow', revision: 1, status: 'deployed', description: 'Install complete', updatedAt: made,
    chart: { name: 'airflow', version: '1.10.0', appVersion: '2.6.2' }, values: {}, objects: [], hooks: [],
    record: { apiVersion: 'v1', kind: 'Secret', name: 'sh.helm.release.v1.airflow.v1', namespace: 'airflow' }, ...fields,
  }
}

/** As a manifest has it: Helm leaves the namespace out. */
export function inManifest(object: KubernetesObject): KubernetesObject {
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: { name: object.metadata.name } }
}
