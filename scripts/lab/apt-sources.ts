import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** One stanza of a deb822 file; the older one-line form is turned into the same. */
export type Stanza = Map<string, string>

const OPTION_NAMES: Record<string, string> = { arch: 'Architectures', lang: 'Languages', target: 'Targets' }

/** `deb [signed-by=/x.gpg arch=amd64] http://… bookworm main contrib` */
export function parseOneLine(text: string): Stanza[] {
  const stanzas: Stanza[] = []
  for (const line of text.split('\n')) {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line)
    if (match === null) continue
    const [, type = '', options = '', uri = '', suite = '', components = ''] = match
    const stanza: Stanza = new Map([['Types', type], ['URIs', uri], ['Suites', suite]])
    stanza.set('Components', components.trim())
    for (const option of options.split(/\s+/).filter(Boolean)) {
      const [name = '', value = ''] = option.split('=')
      stanza.set(fieldName(name), value.replaceAll(',', ' '))
    }
    stanzas.push(stanza)
  }
  return stanzas
}

/** `signed-by` is `Signed-By` in the newer form. */
function fieldName(option: string): string {
  return OPTION_NAMES[option] ?? option.split('-').map(part => part.charAt(0).toUpperCase() + part.slice(1)).join('-')
}

export function parseDeb822(text: string): Stanza[] {
  const stanzas: Stanza[] = []
  const plain = text.split('\n').filter(line => !line.startsWith('#')).join('\n')
  for (const block of plain.split(/\n\s*\n/)) {
    const stanza: Stanza = new Map()
    let field = ''
    for (const line of block.split('\n')) {
      const match = /^([A-Za-z][A-Za-z0-9-]*):\s*(.*)$/.exec(line)
      // A line that starts with a blank continues the field above it, such as a key in `Signed-By`.
      if (match === null) {
        if (field !== '' && line.trim() !== '') stanza.set(field, `${stanza.get(field) ?? ''}\n${line}`)
        continue
      }
      field = match[1] ?? ''
      stanza.set(field, match[2] ?? '')
    }
    if (stanza.size > 0) stanzas.push(stanza)
  }
  return stanzas
}

/**
 * The distribution's own archives, with their sources. Other vendors' entries are left out: they have no part
 * in the lab, and one that is out of order would make `apt-get update` fail.
 */
export function ownArchives(stanzas: Stanza[], codename: string): Stanza[] {
  const suite = new RegExp(`^(${codename}|stable)(-updates|-security|/updates)?$`)
  const kept: Stanza[] = []
  for (const stanza of stanzas) {
    const suites = (stanza.get('Suites') ?? '').split(/\s+/).filter(name => suite.test(name))
    const components = (stanza.get('Components') ?? '').split(/\s+/)
    const isBinary = (stanza.get('Types') ?? '').split(/\s+/).includes('deb')
    if (suites.length === 0 || !isBinary || !components.includes('main') || stanza.get('Enabled') === 'no') continue
    kept.push(new Map([...stanza, ['Types', 'deb deb-src'], ['Suites', suites.join(' ')]]))
  }
  return kept
}

export function formatDeb822(stanzas: Stanza[]): string {
  return stanzas.map(stanza => [...stanza].map(([name, value]) => `${name}: ${value}\n`).join('')).join('\n')
}

/** What this machine has, from both places and in both forms. */
export function systemSources(etc = '/etc/apt'): Stanza[] {
  const parts = join(etc, 'sources.list.d')
  const files = existsSync(parts) ? readdirSync(parts).sort().map(name => join(parts, name)) : []
  return [join(etc, 'sources.list'), ...files].flatMap(file => {
    if (!existsSync(file)) return []
    if (file.endsWith('.list')) return parseOneLine(readFileSync(file, 'utf8'))
    return file.endsWith('.sources') ? parseDeb822(readFileSync(file, 'utf8')) : []
  })
}
