import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { SERVICE_CIDR } from './network.ts'
import type { Network } from './network.ts'
import type { Instance } from './paths.ts'

export function auditLog(instance: Instance): string {
  return join(instance.data, 'audit.log')
}

/** Every request of people and pods, without bodies: enough to prove that a command only read. */
function writeAuditPolicy(instance: Instance): string {
  const file = join(instance.data, 'audit-policy.yaml')
  const components = ['system:apiserver', 'system:kube-controller-manager', 'system:kube-scheduler', 'system:kube-proxy']
  writeFileSync(file, stringify({
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      // The components' and controllers' own heartbeats would bury all else.
      { level: 'None', users: components },
      { level: 'None', userGroups: ['system:nodes', 'system:serviceaccounts:kube-system'] },
      { level: 'Metadata' },
    ],
  }))
  return file
}

export function apiServerFlags(instance: Instance, net: Network, pki: string): string[] {
  return [
    '--etcd-servers=http://127.0.0.1:2379',
    `--advertise-address=${net.nodeIP}`,
    '--secure-port=6443',
    `--tls-cert-file=${pki}/apiserver.crt`,
    `--tls-private-key-file=${pki}/apiserver.key`,
    `--token-auth-file=${pki}/tokens.csv`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--service-cluster-ip-range=${SERVICE_CIDR}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki}/sa.pub`,
    `--service-account-signing-key-file=${pki}/sa.key`,
    `--kubelet-client-certificate=${pki}/kubelet-client.crt`,
    `--kubelet-client-key=${pki}/kubelet-client.key`,
    // The node's name is in no DNS.
    '--kubelet-preferred-address-types=InternalIP',
    '--allow-privileged=true',
    `--audit-policy-file=${writeAuditPolicy(instance)}`,
    `--audit-log-path=${auditLog(instance)}`,
  ]
}
