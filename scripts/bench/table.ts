/** Rows of words as columns; whatever begins with a digit stands to the right, below its unit. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)))
  const numeric = widths.map((_, column) => column > 0 && rows.slice(1).every(row => /^([\d–]|$)/.test(row[column] ?? '')))
  const cell = (text: string, column: number): string => {
    const width = widths[column] ?? 0
    return numeric[column] === true ? text.padStart(width) : text.padEnd(width)
  }
  return rows.map(row => row.map(cell).join('  ').trimEnd()).join('\n')
}
