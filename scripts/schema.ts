/** Writes the JSON Schemas: for editors, and for programs that read what airstrip writes. */
import { writeFileSync } from 'node:fs'
import { schemaFiles } from './schema/files.ts'

for (const [path, text] of Object.entries(schemaFiles)) writeFileSync(new URL(`../${path}`, import.meta.url), text())
