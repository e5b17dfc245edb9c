/** As a shell takes it, so that a line can be copied. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,.\/-]+$/.test(text) ? text : `'${text.replaceAll('\'', String.raw`'\''`)}'`
}
