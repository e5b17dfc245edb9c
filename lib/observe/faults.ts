/**
 * Every fault that a look can end in, in the order of causes: what stands higher explains what
 * stands lower, so findings are sorted by their place here. Where the same fault is in the failure
 * catalogue the id is the catalogue's.
 *
 * `settleMs` is how long it must stay so before a wait is ended for it. It is longer than whatever
 * could still mend it by itself, and a wrongly ended install is worse than a late one. Where the
 * kubelet tries again at growing intervals (crash, pull, mount) and its last try is over a minute old,
 * the wait lasts until after its next one: the cause may have been mended in between.
 */
export const faults = {
  'node-not-ready': { settleMs: 60_000, rule: 'A node says Ready False or Unknown.' },
  'node-pressure-evicted': { settleMs: 60_000, rule: 'A node is short of disk, memory or process ids, or has evicted a pod for it.' },
  'node-cordoned': { settleMs: 60_000, rule: 'A node takes no new pods since somebody cordoned it.' },
  'control-plane-taint-single-node': { settleMs: 30_000, rule: 'Every node that the pod could use keeps pods off the control plane, and the pod does not tolerate it.' },
  'helm-pending-lock': { settleMs: 900_000, rule: 'The newest Helm record has been pending for longer than any Helm works.' },
  'two-default-storageclasses': { settleMs: 20_000, rule: 'A claim was refused since several classes are marked as the default.' },
  'pvc-no-usable-storageclass': { settleMs: 10_000, rule: 'A claim names no class and there is no default, or names one that does not exist, and no volume fits it.' },
  'pv-released-not-rebinding': { settleMs: 10_000, rule: 'The volume that a claim needs is Released with reclaim policy Retain, which never binds again by itself.' },
  'static-pv-mismatch': { settleMs: 20_000, rule: 'A claim can only be bound to a volume made by hand, and none fits it.' },
  'local-path-provisioning-failed': { settleMs: 10_000, rule: 'The provisioner refused the claim for what it asks, which no retry changes.' },
  'claim-lost': { settleMs: 60_000, rule: 'A claim was bound to a volume that is gone, or that is bound to another claim.' },
  'claim-missing': { settleMs: 20_000, rule: 'A pod uses a claim that does not exist.' },
  'volume-reclaim-failed': { settleMs: 20_000, rule: 'A volume is in phase Failed: it could not be reclaimed.' },
  'volume-node-affinity-conflict': { settleMs: 30_000, rule: 'A bound volume of the pod can be used on no node of the cluster.' },
  'node-affinity-mismatch': { settleMs: 30_000, rule: 'No node has the labels that the pod asks for.' },
  'untolerated-taint': { settleMs: 30_000, rule: 'Every node that the pod could use has a lasting taint that it does not tolerate.' },
  'insufficient-cpu-or-memory': { settleMs: 30_000, rule: 'No node is big enough for the pod even when empty; or (after 120 s) all are full and nothing of this namespace is about to leave.' },
  'quota-exceeded': { settleMs: 20_000, rule: 'A quota refuses the pod and nothing in the namespace is about to give anything back.' },
  'admission-refused': { settleMs: 20_000, rule: 'A webhook, a policy or a LimitRange said no to the object itself.' },
  'service-account-missing': { settleMs: 20_000, rule: 'The pods\' service account does not exist.' },
  'object-invalid': { settleMs: 20_000, rule: 'The API server called the pod or claim that a controller makes invalid.' },
  'crd-names-conflict': { settleMs: 10_000, rule: 'A custom resource\'s names are taken by another definition.' },
  'bitnami-image-removed': { settleMs: 20_000, rule: 'A versioned image of docker.io/bitnami does not exist (any more).' },
  'wrong-cpu-architecture': { settleMs: 20_000, rule: 'The image has no variant for the CPU of the node.' },
  'image-not-found': { settleMs: 20_000, rule: 'The registry answered that there is no such image, or the node may not pull and does not have it.' },
  'image-registry-unreachable': { settleMs: 60_000, rule: 'The node has not got a connection to the registry for a minute of tries, and does not have the image.' },
  'image-pull-denied': { settleMs: 20_000, rule: 'The registry wants credentials for the image that the pod does not have.' },
  'invalid-image-name': { settleMs: 5_000, rule: 'The image reference cannot be parsed.' },
  'hostpath-not-on-the-node': { settleMs: 20_000, rule: 'The kubelet says that a host path is not there, or not of the wanted type.' },
  'container-config-error': { settleMs: 20_000, rule: 'A container needs a Secret, ConfigMap or key that does not exist, or settings that contradict each other.' },
  'exec-invalid-host-header': { settleMs: 20_000, rule: 'The container runtime cannot run exec probes: its Docker client sends a Host header that its Go refuses.' },
  'oom-killed': { settleMs: 30_000, rule: 'A main container was killed for memory again and again: at least 4 restarts, in back-off.' },
  'crash-loop': { settleMs: 30_000, rule: 'A main container ends by itself with an error soon after its start: at least 4 restarts, in back-off, not killed by a probe or a signal.' },
  'pod-failed': { settleMs: 0, rule: 'A pod that nothing will replace has failed.' },
  'job-failed': { settleMs: 0, rule: 'A Job has its Failed condition: no tries or no time left.' },
  'post-install-hook-timeout': { settleMs: 120_000, rule: 'Helm gave up waiting for a hook; the umbrella over another cause.' },
  'helm-release-failed': { settleMs: 120_000, rule: 'Helm marked the release as failed; the umbrella over another cause.' },
  'release-not-installed': { settleMs: 0, rule: 'Helm has no record of the release.' },
  'not-ready-unexplained': { settleMs: 900_000, rule: 'Something has not become ready for 15 minutes and no rule knows why.' },
} as const satisfies Record<string, { settleMs: number; rule: string }>

export type FaultId = keyof typeof faults

const order = Object.keys(faults)

/** The lower, the nearer to the root; ids from elsewhere come last. */
export function rank(id: string): number {
  const place = order.indexOf(id)
  return place < 0 ? order.length : place
}
