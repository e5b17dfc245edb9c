import type { Reader } from '../access.ts'
import { clusterId } from '../observe/cluster-id.ts'
import { refuseForeign, type State } from './state.ts'

/** Who may not read what a cluster is known by cannot be kept from another one's state. */
export async function identify(reader: Reader, state: State, statePath: string): Promise<void> {
  const uid = await clusterId(reader)
  if (uid === undefined) return
  refuseForeign(state, uid, statePath)
  state.cluster = uid
}
