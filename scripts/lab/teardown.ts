import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { removeCgroups } from './cgroups.ts'
import { removeNetwork } from './network.ts'
import { closeOutside } from './outside.ts'
import type { Instance } from './paths.ts'
import { removeFolder } from './remove.ts'
import { closeSandbox } from './sandbox.ts'

/** Ends and removes everything of an instance, whatever state it is in. The binaries stay in the cache. */
export async function clear(instance: Instance): Promise<void> {
  await closeSandbox(instance)
  await removeCgroups(instance)
  await closeOutside(instance)
  await removeNetwork(instance)
  await removeFolder(instance.data)
  await removeFolder(instance.run)
  forgetCluster(instance)
}

/** A record of steps on a cluster that is gone would make airstrip refuse the next one. Its history is kept. */
function forgetCluster(instance: Instance): void {
  rmSync(instance.kubeconfig, { force: true })
  for (const name of ['airstrip.yaml', 'state.json']) rmSync(join(dirname(instance.kubeconfig), name), { force: true })
}
