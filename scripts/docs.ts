import { readFileSync, writeFileSync } from 'node:fs'
import { filled, pages } from './docs/sections.ts'

// Writes the generated sections of the README and of the doctor's page; a test holds that they are up to date.
for (const [path, names] of Object.entries(pages)) {
  const page = new URL(`../${path}`, import.meta.url)
  writeFileSync(page, filled(readFileSync(page, 'utf8'), names))
}
