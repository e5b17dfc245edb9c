/**
 * Secrets that are known by the structure around them, which no single pattern sees: the document of a Secret,
 * and the rows below a heading `password`.
 */
type Put = (secret: string) => string

/** Every value of data and stringData, where a text holds a Secret, be it YAML or JSON. */
export function inSecretDocuments(text: string, put: Put): string {
  if (!/kind\\*["']?\s{0,3}:\s{0,3}\\*["']?Secret\b(?!["']?\w)/.test(text)) return text
  const inJson = text.replace(/((?:"|\\")(?:data|stringData)\\?"\s{0,3}:\s{0,3}\{)([^{}]{1,100000})(?=\})/g, (_, opening: string, pairs: string) =>
    opening + pairs.replace(/(:\s{0,3}\\?")([^"\\•]{1,100000})/g, (_pair, before: string, value: string) => before + put(value)))
  return inJson.split(/^(?=---)/m).map((document) => (/^[^#\n]{0,300}\bkind:[ \t]{0,3}["']?Secret["']?[ \t\r]{0,3}$/m.test(document) ? inYaml(document, put) : document)).join('')
}

function inYaml(document: string, put: Put): string {
  let depth: number | undefined
  return document.split('\n').map((line) => {
    const indent = line.search(/\S/)
    if (depth !== undefined && indent > depth) return line.replace(/^(\s{0,80}(?:[\w.-]{1,253}:\s{1,3})?["']?)([^\s"'•|>][^"'•]*)/, (_, before: string, value: string) => before + put(value))
    if (indent >= 0) depth = /^\s{0,80}(?:data|stringData):\s{0,3}$/.test(line) ? indent : undefined
    return line
  }).join('\n')
}

const heading = /^(?:\w{1,40}_)?(?:password|passwd|passphrase|pwd|secret_key|api_key|access_token)$/i
const cuts = [/\|/, /,/, /\t|\s{2,}/]

/** A table, by bars, commas or blanks: what stands below the heading of a secret. */
export function inColumns(text: string, put: Put): string {
  if (!text.includes('\n') || !/passw|pwd|passphrase|secret_key|api_key|access_token/i.test(text)) return text
  let table: { cut: RegExp; columns: number[]; width: number } | undefined
  return text.split('\n').map((line) => {
    table = line.length > 2000 ? undefined : (headed(line) ?? table)
    if (table === undefined || headed(line) !== undefined || /^[\s|+=-]*$/.test(line)) return line
    const pieces = line.split(new RegExp(`(${table.cut.source})`))
    if ((pieces.length + 1) / 2 !== table.width) {
      table = undefined
      return line
    }
    for (const column of table.columns) {
      const cell = pieces[column * 2] ?? ''
      if (/[^\s•]/.test(cell) && !/^\s*(?:null|none|-+)?\s*$/i.test(cell)) pieces[column * 2] = cell.replace(/\S(?:.*\S)?/, put)
    }
    return pieces.join('')
  }).join('\n')
}

/** A line of names alone, one of them a secret's. */
function headed(line: string): { cut: RegExp; columns: number[]; width: number } | undefined {
  if (!/passw|pwd|passphrase|secret_key|api_key|access_token/i.test(line)) return undefined
  for (const cut of cuts) {
    const cells = line.split(cut).map((cell) => cell.trim())
    const columns = cells.flatMap((cell, index) => (heading.test(cell) ? [index] : []))
    const names = cells.filter((cell, index) => (index === 0 && cells.length > 2) || /^[\w ]{0,40}$/.test(cell))
    if (columns.length > 0 && cells.length > 1 && names.length === cells.length) return { cut, columns, width: cells.length }
  }
  return undefined
}

/** | password | X |: a row of a name and its value. */
export const rows: readonly RegExp[] = [
  /(?<before>\|\s{0,20}\w{0,40}(?:password|passwd|secret|token)\s{0,20}\|\s{0,20})(?![\s•])(?=[^\s|]*[\d!@#$%^&*])[^\s|]{4,300}(?<after>\s{0,200}\|\s*$)/gim,
]
