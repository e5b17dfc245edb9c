/** For a step's `explain`: collect, and say what is not ready, in lines. */
import type { Reader } from '../access.ts'
import { collectRunning } from './collect/index.ts'
import { describe, unready } from './unready.ts'

/** What could not be read is said too: an explanation must not look whole when it is not. */
export async function explainRelease(release: string, namespace: string, reader: Reader): Promise<string[]> {
  const evidence = await collectRunning(reader, { release, namespace })
  return [...describe(unready(evidence)), ...evidence.unknown]
}
