import { AirstripError } from '../errors.ts'
import type { Reader } from '../access.ts'

/** A cluster is known by the UID of its kube-system; one that may not be read cannot be told apart. */
export async function clusterId(reader: Pick<Reader, 'get'>): Promise<string | undefined> {
  try {
    const [system] = await reader.get([{ apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' }])
    return system?.metadata.uid
  } catch (error) {
    // A refused call tells nothing here; everything else (no cluster, no kubectl) is the caller's.
    if (error instanceof AirstripError && error.code === 'CALL_FAILED') return undefined
    throw error
  }
}
