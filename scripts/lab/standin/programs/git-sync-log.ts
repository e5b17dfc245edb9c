/** How git-sync writes: version 3 as glog does, from version 4 on JSON. Both in one line, whatever git's words are. */
export type Fields = Record<string, string | number>

export interface Said {
  isError: boolean
  msg: string
  fields: Fields
}

const LINE_OF_MAIN = { file: 'main.go', line: 1 }

export function logLine(generation: number, { isError, msg, fields }: Said, at: Date): string {
  if (generation < 4) {
    const said = { ...(isError ? {} : { level: 0 }), msg, ...fields }
    return `${glogHead(isError, at)} ${Object.entries(said).map(([key, value]) => `"${key}"=${typeof value === 'string' ? `"${value}"` : value}`).join(' ')}`
  }
  const ts = at.toISOString().replace('T', ' ').replace(/Z$/, '000')
  return JSON.stringify({ logger: '', ts, caller: LINE_OF_MAIN, ...(isError ? {} : { level: 0 }), msg, ...fields })
}

/** `E0802 10:29:40.123000      13 main.go:543]` */
function glogHead(isError: boolean, at: Date): string {
  const [day = '', time = ''] = at.toISOString().slice(5).split('T')
  return `${isError ? 'E' : 'I'}${day.replace('-', '')} ${time.replace(/Z$/, '000')} ${String(process.pid).padStart(7)} ${LINE_OF_MAIN.file}:${LINE_OF_MAIN.line}]`
}

/** What it says of a program that failed: the command, why it ended, and both streams as Go quotes them. */
export function runError(args: readonly string[], end: string, stdout: string, stderr: string): Error {
  const command = args.map(word => (/\s/.test(word) ? JSON.stringify(word) : word)).join(' ')
  return new Error(`Run(git ${command}): ${end}: { stdout: ${JSON.stringify(stdout.trim())}, stderr: ${JSON.stringify(stderr.trim())} }`)
}
