/** Words as unit files and crontabs want them. What neither can say is refused where it enters. */

/** Why a path or name cannot stand in a unit file or a crontab; undefined where it can. */
export function unquotable(text: string, cron: boolean): string | undefined {
  if (/\p{Cc}/u.test(text)) return 'has a line break or another control character in it'
  if (/[\s\\]$/u.test(text)) return 'ends with a space or a backslash'
  // cron's own rules for a backslash before a percent sign differ from one cron to the next.
  return cron && text.includes('\\') ? 'has a backslash in it, which crons read in different ways' : undefined
}

/** One word of ExecStart=, Environment= or a list of paths. `$` is left alone: see units.ts. */
export function unitWord(text: string): string {
  const escaped = specifierFree(text).replace(/[\\"]/g, '\\$&')
  return /^[\w@:,.\/=+%~-]+$/.test(text) ? escaped : `"${escaped}"`
}

/** A value that systemd takes as it stands, but for its specifiers. */
export function specifierFree(text: string): string {
  return text.replaceAll('%', '%%')
}

/** In a crontab an unescaped percent sign ends the command. */
export function cronCommand(command: string): string {
  return command.replaceAll('%', String.raw`\%`)
}
