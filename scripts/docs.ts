import { readFileSync, writeFileSync } from 'node:fs'
import { filled } from './docs/sections.ts'

// Writes the generated sections of the README; a test holds that they are up to date.
const readme = new URL('../README.md', import.meta.url)
writeFileSync(readme, filled(readFileSync(readme, 'utf8')))
