/** What is a secret by its shape alone, whatever stands around it. */

const keyBlock = '(?:[a-z0-9]+ )*PRIVATE KEY(?: BLOCK)? ?-{4,5}'
const sign = '[A-Za-z0-9+/=]'
/** How a program ends a line that it prints: with a quote and a comma, escaped, or as HTML. */
const lineEnd = '(?:\\\\{1,4}[nr]|<br ?/?>){0,2}[ \\t\\r"\',+\\\\]{0,5}(?=\\n|$(?![^]))'
/** What a log puts before each line: times, levels and names in brackets, and no word of a sentence. */
const prefix = '(?:(?:(?![[({])(?=\\S{0,60}\\d)\\S{1,120}|[[({][^\\n\\])}]{0,100}[\\])}]|info|debug|warn(?:ing)?|error|fatal|critical|stdout|stderr|[a-z]|[-|>])[ \\t]{1,3}){1,8}'
/** A line of a key, as it is or after what a log puts before each (where a path has no digit), and its headers. */
const bodyLine = `(?:[ \\t>|+-]{0,40}["']?${sign}{1,100}|[^\\n]{0,120}?(?:${sign}{32,100}|(?=[a-z+/=]{0,23}\\d)${sign}{24,31})|${prefix}${sign}{16,100}|[ \\t>|+-]{0,40}(?:Proc-Type|DEK-Info|Version|Comment|Subject|X-[\\w-]{1,30}): [^\\n]{1,200})?${lineEnd}`
/** The last one is shorter: the only word after what a log puts before it, or known by its end. */
const lastLine = `(?<=${sign}{16}["', \\t\\r+]{0,5})\\n(?:${prefix}${sign}{1,100}|[^\\n]{0,120}?[A-Za-z0-9+/]{1,100}={1,2})${lineEnd}`
/** The same within one line: escaped, as a list, as HTML, or with blanks for the ends of lines. */
const bodyInLine = `(?:\\\\{1,4}[nr](?:[A-Z][\\w-]{1,20}: [^\\\\\\n]{1,100})?${sign}{0,5000}|["'], ?["'](?:${sign}{16,5000}|(?<=${sign}{16}(?:\\\\{1,4}[nr])?["'], ?["'])${sign}{1,100})|<br ?/?>${sign}{0,5000}|\\s{1,2}${sign}{32,5000}(?: ${sign}{16,100}| [A-Za-z0-9+/]{1,100}=){0,200})`

export const keyBlocks: readonly RegExp[] = [
  // Without an end (a log that stops, a sentence that only names the line) what follows counts as far as it looks like a key.
  new RegExp(`-{4,5} ?BEGIN ${keyBlock}(?:(?:(?!-{4,5} ?BEGIN )[^]){0,20000}?-{4,5} ?END ${keyBlock}|${bodyInLine}{0,500}(?:["', \\t\\r+]{0,5}(?:\\n${bodyLine}){1,500}(?:${lastLine})?)?)`, 'gi'),
  // Where a log begins within one.
  new RegExp(`(?:[^\\n•]{0,120}\\n)?[^\\n•]{0,120}-{4,5} ?END ${keyBlock}`, 'gi'),
  /(?<before>\bPrivate-Lines: \d{1,4}\r?\n)(?:[^\n]{0,219}[A-Za-z0-9+/=]\r?(?:\n|$(?![^]))){1,200}?(?=[^\n]{0,120}Private-MAC|$(?![^]))/g,
]

export const shapes: readonly RegExp[] = [
  // AWS, GitHub, GitLab, Slack, Google, Stripe, Vault, SendGrid, PyPI and the like mark theirs.
  /\b(?:A[KS]IA|AROA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{15,}|\bxox[a-z]-[\w-]{10,}|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\b[sr]k_(?:live|test)_\w{10,}|\bsk-[\w-]{20,}|\bhv[sb]\.[\w-]{20,}|\bSG\.[\w-]{10,}\.[\w-]{10,}|\bpypi-[\w-]{20,}|\bnpm_\w{30,}|\bdapi[a-f0-9]{32}\b/g,
  /\bgl[a-z]{2,5}-[\w-]{20,}|\bxapp-\d-[\w-]{20,}|\bdo[opr]_v1_[a-f0-9]{40,}|\bs\.(?=[A-Za-z]{0,23}\d)(?=[a-z0-9]{0,23}[A-Z])[A-Za-z0-9]{24}\b|\bNRAK-[A-Z0-9]{20,}|\bkey-[a-f0-9]{32}\b|\bshp(?:at|ss|ca|pa)_[a-fA-F0-9]{20,}|\bAGE-SECRET-KEY-1[A-Z0-9]{20,}|\bwhsec_[\w+/=]{20,}|\bhf_[A-Za-z]{30,}|\bGOCSPX-[\w-]{20,}|\bPMAK-[\w-]{30,}|\blin_api_\w{30,}|\bsntrys_[\w+/=-]{30,}/g,
  // JSON Web Tokens, Fernet's keys and its tokens, hashes of passwords.
  /\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g,
  /(?<![\w-])[\w-]{43}=(?![\w=-])/g,
  /\bgAAAAA[\w-]{40,}=*/g,
  /\$(?:2[abxy]|apr1|[156y]|argon2\w{0,3})\$[^\s"':,]{8,}|\b(?:pbkdf2|scrypt):[\w:]{1,40}\$[^\s"']+/g,
]

/** Long, and mixed as only chance mixes. */
const long = /(?<![\w+/=-])[\w+/-]{32,}={0,2}/g
/** `id` as a word of its own or the end of a name: an `invalid` token is one nevertheless. */
const digest = /(?:sha(?:256|512)[:-]|:\/\/|(?:\b(?:pod)?(?:sandbox|container|task|shim|layer)(?:[_-]?id)?|(?:image|pod|machine|boot|snapshot)-?id|\bid|_id|commit|revision|checkout|HEAD is now at)[ :="\\]{1,4})$/i
const camelId = /[a-z]I[dD][ :="\\]{1,4}$/

export function randomIn(text: string, put: (token: string) => string): string {
  return text.replace(long, (token: string, offset: number) => {
    const before = text.slice(Math.max(0, offset - 18), offset)
    return !digest.test(before) && !camelId.test(before) && isRandom(token) ? put(token) : token
  })
}

/** Hexadecimal or base64, not `airflow-scheduler-6d5b9c7f9-x2x4z`, a path, or a name in CamelCase. */
function isRandom(token: string): boolean {
  if (/^(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{32,}$|^(?=[A-Z]*\d)(?=\d*[A-Z])[A-F0-9]{32,}$/.test(token)) return changes(token) > 0.25
  return /[a-z]/.test(token) && /[A-Z]/.test(token) && /\d/.test(token) && changes(token.replaceAll(/[-_/+=]/g, '')) > 0.45
}

/** How often a small letter, a capital and a digit follow each other instead of their like; by chance six times in ten. */
function changes(token: string): number {
  const kinds = Array.from(token, (sign) => (sign >= 'a' ? 0 : sign >= 'A' ? 1 : 2))
  return kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length / (kinds.length - 1)
}
