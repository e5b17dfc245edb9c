import { readFileSync } from 'node:fs'

/** Of this airstrip, as its package says. */
export function ownVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version
}
