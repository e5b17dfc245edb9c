import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import type { Engine } from './binaries.ts'
import type { Network } from './network.ts'
import type { Instance } from './paths.ts'
import type { ProcessId } from './process.ts'

/** What `up` leaves for later commands. It is written when the node is ready, so it also means "whole". */
export interface LabRecord {
  engine: Engine
  version: string
  net: Network
  daemons: { name: string; id: ProcessId }[]
}

function file(instance: Instance): string {
  return join(instance.run, 'lab.json')
}

export function readRecord(instance: Instance): LabRecord | undefined {
  if (!existsSync(file(instance))) return undefined
  return JSON.parse(readFileSync(file(instance), 'utf8')) as LabRecord
}

export async function writeRecord(instance: Instance, record: LabRecord): Promise<void> {
  mkdirSync(dirname(file(instance)), { recursive: true })
  await writeFileAtomic(file(instance), JSON.stringify(record, null, 2))
}
