import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { endOnTerm, sleep } from './ends.ts'
import { api, list, type Meta } from './kube.ts'
import { runHelper } from './provisioner-helper.ts'
import { folderOf, isReleased, nodeOf, refusal, volumeFor, wants, type Claim, type StorageClass, type Volume } from './volumes.ts'

const { values } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: { config: { type: 'string' }, 'provisioner-name': { type: 'string' }, debug: { type: 'boolean' } },
})
const provisioner = String(values['provisioner-name'] ?? 'rancher.io/local-path')
const config = JSON.parse(readFileSync(String(values.config ?? '/etc/config/config.json'), 'utf8')) as {
  nodePathMap: { node: string; paths: string[] }[]
}

/** A claim or volume that failed is left alone for a while, longer each time, like the real one's queue. */
const pauses = new Map<string, { until: number; ms: number }>()
const busy = new Set<string>()

function attempt(key: string, work: () => Promise<void>): void {
  if (busy.has(key) || (pauses.get(key)?.until ?? 0) > Date.now()) return
  busy.add(key)
  work().then(() => pauses.delete(key), (error: unknown) => {
    const ms = Math.min((pauses.get(key)?.ms ?? 1000) * 2, 60_000)
    pauses.set(key, { until: Date.now() + ms, ms })
    console.error(`level=error msg=${JSON.stringify(error instanceof Error ? error.message : String(error))}`)
  }).finally(() => { busy.delete(key) })
}

function pathOn(node: string): string {
  const named = config.nodePathMap.find(entry => entry.node === node)
  const entry = named ?? config.nodePathMap.find(({ node: name }) => name === 'DEFAULT_PATH_FOR_NON_LISTED_NODES')
  if (entry === undefined) throw new Error(`config doesn't contain node ${node}, and no DEFAULT_PATH_FOR_NON_LISTED_NODES available`)
  const [path] = entry.paths
  if (path === undefined) throw new Error(`no local path available on node ${node}`)
  return path
}

async function provision(claim: Claim, storageClass: StorageClass): Promise<void> {
  const name = `pvc-${claim.metadata.uid}`
  await tell(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${claim.metadata.namespace}/${claim.metadata.name}"`)
  try {
    const why = refusal(claim)
    if (why !== undefined) throw new Error(why)
    const node = nodeOf(claim) ?? ''
    const path = `${pathOn(node)}/${name}_${claim.metadata.namespace}_${claim.metadata.name}`
    await runHelper('create', { name, path, node, size: claim.spec.resources?.requests?.storage ?? '0', mode: claim.spec.volumeMode ?? 'Filesystem' })
    const { metadata } = (await api('GET', `/api/v1/nodes/${node}`)) as { metadata: Meta }
    await api('POST', '/api/v1/persistentvolumes', volumeFor(claim, storageClass, { name, path, hostname: metadata.labels?.['kubernetes.io/hostname'] ?? node }))
    await tell(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    await tell(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${message}`)
    throw error
  }
}

async function remove(volume: Volume): Promise<void> {
  const { path, node } = folderOf(volume)
  await runHelper('delete', { name: volume.metadata.name, path, node, size: volume.spec.capacity.storage, mode: volume.spec.volumeMode })
  await api('DELETE', `/api/v1/persistentvolumes/${volume.metadata.name}`)
}

async function tell(claim: Claim, type: 'Normal' | 'Warning', reason: string, message: string): Promise<void> {
  const { name, namespace, uid, resourceVersion } = claim.metadata
  const now = new Date().toISOString()
  console.log(`level=info msg=${JSON.stringify(`${reason}: ${message}`)}`)
  await api('POST', `/api/v1/namespaces/${namespace}/events`, {
    metadata: { name: `${name}.${Date.now().toString(16)}${Math.random().toString(16).slice(2, 8)}`, namespace },
    involvedObject: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', name, namespace, uid, resourceVersion },
    type, reason, message, count: 1, firstTimestamp: now, lastTimestamp: now,
    source: { component: `${provisioner}_${process.env.HOSTNAME ?? ''}` },
  })
}

async function look(): Promise<void> {
  const classes = (await list('/apis/storage.k8s.io/v1/storageclasses')) as StorageClass[]
  const volumes = (await list('/api/v1/persistentvolumes')) as Volume[]
  const existing = new Set(volumes.map(volume => volume.metadata.name))
  for (const claim of (await list('/api/v1/persistentvolumeclaims')) as Claim[]) {
    const storageClass = wants(claim, classes, provisioner)
    if (storageClass === undefined || existing.has(`pvc-${claim.metadata.uid}`)) continue
    attempt(claim.metadata.uid, () => provision(claim, storageClass))
  }
  for (const volume of volumes.filter(candidate => isReleased(candidate, provisioner))) {
    attempt(volume.metadata.name, () => remove(volume))
  }
}

endOnTerm()
console.log(`level=debug msg="Provisioner started (the lab's stand-in): ${provisioner}"`)
for (;;) {
  await look().catch((error: unknown) => { console.error(`level=error msg=${JSON.stringify(String(error))}`) })
  await sleep(1000)
}
