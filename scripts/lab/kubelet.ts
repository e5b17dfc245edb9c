import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { CLUSTER_DNS } from './network.ts'
import type { Instance } from './paths.ts'

export function writeKubeletConfig(instance: Instance, pki: string): string {
  const file = join(instance.data, 'kubelet.yaml')
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: join(pki, 'ca.crt') } },
    authorization: { mode: 'Webhook' },
    healthzBindAddress: '0.0.0.0',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: instance.cgroup,
    failSwapOn: false,
    // Without one every pod gets a MissingClusterDNS event, whether a DNS is there or not.
    clusterDNS: [CLUSTER_DNS],
    clusterDomain: 'cluster.local',
    resolvConf: resolvConf(instance),
    volumePluginDir: join(instance.data, 'kubelet/volume-plugins'),
    maxPods: 110,
    serializeImagePulls: false,
    // Those of Kubernetes 1.27; before it five questions a second held up every start of several pods.
    kubeAPIQPS: 50,
    kubeAPIBurst: 100,
    // A watch that is not there yet costs a new pod seconds and a FailedMount for each of its Secrets.
    configMapAndSecretChangeDetectionStrategy: 'Get',
    // Imported images cannot be pulled again, and a developer's disk is often nearly full.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'nodefs.inodesFree': '1%', 'imagefs.available': '1%' },
    evictionPressureTransitionPeriod: '10s',
    nodeStatusUpdateFrequency: '2s',
    syncFrequency: '10s',
    // A person's machine reports its own logs elsewhere; ten files of a megabyte are plenty here.
    containerLogMaxSize: '1Mi',
    containerLogMaxFiles: 10,
  }
  writeFileSync(file, stringify(config))
  return file
}

function resolvConf(instance: Instance): string {
  return join(instance.data, 'resolv.conf')
}

/** systemd's stub listens on the host's loopback, which neither the node nor a pod can reach. */
export function writeResolvConf(instance: Instance): void {
  mkdirSync(instance.data, { recursive: true })
  const source = ['/run/systemd/resolve/resolv.conf', '/etc/resolv.conf'].find(path => existsSync(path))
  if (source === undefined) writeFileSync(resolvConf(instance), '')
  else copyFileSync(source, resolvConf(instance))
}
