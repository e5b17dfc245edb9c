import { readFileSync } from 'node:fs'
import { z } from 'zod'
import writeFileAtomic from 'write-file-atomic'
import { ownerOnly } from './files.ts'

const recordSchema = z.object({ at: z.iso.datetime().transform((text) => new Date(text)), exitCode: z.number().int() })

/** When cron's last run began and how it ended: cron itself remembers neither. */
export type ScheduleRecord = z.output<typeof recordSchema>

/** Undefined where there is none, or none that can be read: then the next run is due. */
export function readRecord(state: string): ScheduleRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(readFileSync(placeOf(state), 'utf8'))).data
  } catch {
    return undefined
  }
}

export async function writeRecord(state: string, record: ScheduleRecord): Promise<void> {
  await writeFileAtomic(placeOf(state), `${JSON.stringify(record)}\n`, { mode: ownerOnly })
}

/** Beside the state file and named after it, as its lock is: another state file has another. */
function placeOf(state: string): string {
  return `${state}.schedule`
}
