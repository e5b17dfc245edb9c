/** Writes airstrip.schema.json, which editors complete and check airstrip.yaml with. */
import { writeFileSync } from 'node:fs'
import { schemaText } from '../lib/config/json-schema.ts'

writeFileSync(new URL('../airstrip.schema.json', import.meta.url), schemaText())
