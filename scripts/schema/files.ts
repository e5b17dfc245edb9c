import { z } from 'zod'
import { schemaText } from '../../lib/config/json-schema.ts'
import { dumpRecord } from '../../lib/database/record.ts'
import { lineSchema } from '../../lib/engine/events.ts'
import { historyEntry } from '../../lib/engine/history.ts'
import { stateSchema } from '../../lib/engine/state.ts'
import { storedSchema } from '../../lib/report/bundle.ts'
import { chartsSchema } from '../../lib/report/charts.ts'
import { diagnosisSchema } from '../../lib/report/diagnosis.ts'
import { statusSchema } from '../../lib/report/status.ts'

/** The JSON Schemas of what airstrip reads and writes, by their place: each beside what it describes. */
export const schemaFiles: Record<string, () => string> = {
  'airstrip.schema.json': schemaText,
  'lib/engine/events.schema.json': () => described(lineSchema, 'events.schema.json', 'airstrip events', 'A line of --json, and of a transcript in state/runs.'),
  'lib/engine/state.schema.json': () => described(stateSchema, 'state.schema.json', 'airstrip state', 'state/state.json: what happened here. The cluster is the truth.'),
  'lib/engine/history.schema.json': () => described(historyEntry, 'history.schema.json', 'airstrip history', 'A line of state/history.ndjson: one run.'),
  'lib/database/dump.schema.json': () => described(dumpRecord, 'dump.schema.json', 'airstrip dump', 'state/backups/*.dump.json: what is known of a dump of the metadata database.'),
  'lib/report/status.schema.json': () => described(statusSchema, 'status.schema.json', 'airstrip status', 'What status --json prints.'),
  'lib/report/charts.schema.json': () => described(chartsSchema, 'charts.schema.json', 'airstrip charts', 'What charts --json prints.'),
  'lib/report/doctor.schema.json': () => described(diagnosisSchema, 'doctor.schema.json', 'airstrip doctor', 'What doctor --json prints, and findings.json of a bundle.'),
  'lib/report/evidence.schema.json': () => described(storedSchema, 'evidence.schema.json', 'airstrip evidence', 'evidence.json of a bundle: what doctor collected, and judges again with --from.'),
}

function described(schema: z.ZodType, $id: string, title: string, description: string): string {
  // As input, which may have more keys than are known today: what comes to be added breaks no reader.
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' })
  return `${JSON.stringify({ $schema, $id, title, description, ...rest }, undefined, 2)}\n`
}
