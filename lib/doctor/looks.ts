/**
 * What looks like a secret in a text, as data: nobody told us of it, so it can only be known by what stands
 * before it or by its shape. `before` and `after` are kept, what lies between them is the secret.
 */

/** Where a secret was taken out already. */
const untaken = '(?!\\s*•)'
const word = '(?:pass(?:word|wd|phrase|code)|requirepass|masterauth|\\bpg?pass|[_.-]pass(?![a-z])|"pass(?=\\\\*")|\\bpass(?=\\s{0,3}[=:])|pwd|secret|token|credential|fernet|(?:api|access|private|encryption|signing|client|account|shared|ssh|storage|auth|master|session|flask|jwt|hmac|user)[_-]?key|sql_alchemy_conn|broker_?url|result_backend|dsn|(?<![a-z])conn(?=[_"\'=:\\s])|conn(?:ection)?_?str(?:ing)?|odbc_connect|signature|jwt)'
/** `fernetKeySecretName: airflow-fernet-key` tells where a secret is, and is none. */
const noReference = '(?<!(?:names?|refs?|file|path|mount|provider|seconds|policy|class))'
const key = `${word}[\\w.-]{0,40}${noReference}`
/** Settings that say that there is none, and what kubectl writes in its place. */
const noValue = '(?!(?:null|none|nil|true|false|undefined)\\b|\\*{3}|<(?:set|redacted|none|nil|unset|hidden)\\b)'
/** `password is required` speaks of one. */
const speaking = '(?!(?:required|incorrect|invalid|missing|not|empty|wrong|expired|too|set|unset|being|no|an?|the|in|needed|stored|null|none|disabled|enabled|valid|correct|ok|now|used|about|read|generated|already|only|more|less|weak|short|deprecated|unknown|unsupported|rejected|malformed|ignored|never|still|also|written|kept|mounted|given|available|longer|from|at|optional|supported|different|stale|revoked|denied|refused|managed|created|found|one|that|this)\\b)'

const keyBlock = '(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----'

/** postgresql://postgres:hunter2@airflow-postgresql:5432/postgres, redis://:hunter2@…; up to the last @, for a password may hold one. */
export const passwordInAddress = new RegExp(`(?<before>\\b[a-z][a-z0-9+.-]{0,30}:\\/\\/[^\\s:/@"'<>]{0,200}:)${untaken}(?!\\d{1,5}\\/)[^\\s"'<>]{1,1000}(?<after>@)(?!sha256:)`, 'gi')

export const looks: readonly RegExp[] = [
  new RegExp(`-----BEGIN ${keyBlock}[^]*?(?:-----END ${keyBlock}|$(?![^]))`, 'g'),
  // Where a log begins within one.
  new RegExp(`(?:[^\\n•]{0,120}\\n)?[^\\n•]{0,120}-----END ${keyBlock}`, 'g'),
  passwordInAddress,
  // https://ghp_…@github.com: a token in the place of a user.
  new RegExp(`(?<before>:\\/\\/)${untaken}[^\\s:/@"'<>]{16,500}(?<after>@)`, 'g'),
  new RegExp(`(?<before>\\b(?:(?:set-)?cookie|(?:proxy-)?authorization)\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?)${untaken}[^\\n"']+`, 'gi'),
  new RegExp(`(?<before>\\b(?:bearer|basic|negotiate)\\s{1,3})${untaken}(?!(?:auth\\w*|tokens?|realm|credentials?|scheme|header|username)\\b)[a-z0-9._~+/-]{8,}=*`, 'gi'),
  // A line of an INI or YAML file or of an environment: to its end, for the value may hold blanks.
  new RegExp(`(?<before>^[ \\t-]{0,40}(?:export )?["']?[\\w.-]{0,60}${key}["']?[ \\t]{0,3}[=:][ \\t]{1,3})${untaken}${noValue}(?!["'|>{\\[&*])[^\\n]+`, 'gim'),
  new RegExp(`(?<before>${key}["']?:[ \\t]{0,3}[|>][+-]?\\n)(?<indent>[ \\t]{1,40})${untaken}[^\\n]+(?:\\n\\k<indent>[^\\n]+)*`, 'gi'),
  // "password": "…", AIRFLOW__CORE__FERNET_KEY='…', also in a string within a string.
  new RegExp(`(?<before>${key}\\\\*["']?\\s{0,3}(?:=>?|:)\\s{0,3}(?<quote>\\\\*["']))${untaken}(?:(?!\\k<quote>)[^\\n]){1,2000}(?<after>\\k<quote>)`, 'gi'),
  // Not: MountVolume.SetUp failed for volume "default-token-x" : failed to sync secret cache
  new RegExp(`(?<before>${key}(?:\\\\*["'](?!\\s+:\\s+\\D))?\\s{0,3}(?:=>?|:)\\s{0,3}["']?)${untaken}${noValue}(?![\\s"'{\\[\\\\])[^\\s"']+`, 'gi'),
  new RegExp(`(?<before>\\bname\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?[\\w.-]{0,60}${key}\\\\*["']?[\\s,]{1,20}-?\\s{0,3}\\\\*["']?value\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?)${untaken}[^\\s"'}]+`, 'gi'),
  // --db-password X, and the same as a list of words.
  new RegExp(`(?<before>(?<![\\w-])--?[\\w-]{0,40}${word}[\\w-]{0,20}["']?[\\s,]{1,3}["']?)${untaken}(?![-\\s"'=:])[^\\s"']+`, 'gi'),
  new RegExp(`(?<before>\\b(?:users\\s+create\\b[^\\n]{0,400}?\\s-p|mysql(?:dump|admin)?\\b[^\\n]{0,400}?\\s-p|sshpass\\s+-p|redis-cli\\b[^\\n]{0,400}?\\s-a)\\s*["']?)${untaken}[^\\s"'-][^\\s"']*`, 'gi'),
  new RegExp(`(?<before>\\s(?:-u|--user)[\\s=]["']?[^\\s:"']{1,100}:)${untaken}[^\\s"'/][^\\s"']*`, 'g'),
  new RegExp(`(?<before>\\b(?:pass(?:word|phrase|code)|(?:secret|fernet|api|access) key|token|secret)(?:\\s+for\\s+\\S{1,100})?\\s+(?:is|was)\\s*:?\\s{1,3}["'\`]?)${untaken}${speaking}[^\\s"'\`]+`, 'gi'),
  new RegExp(`(?<before>\\bpassword\\s{1,3}(?<quote>["'\`]))${untaken}[^\\n"'\`]+(?<after>\\k<quote>)`, 'gi'),
  // Not of a run: manual__2023-08-02T10:29:40
  /(?<before>\b(?:and|with|using) (?:api |access |secret )?key\s{1,3})(?!\s*•)(?!\w+__\d{4}-)(?=[^\s"'`]*\d)(?=[^\s"'`]*[a-z])[^\s"'`]{12,}/gi,
  // password [hunter2], password(hunter2), <password>hunter2</password>
  new RegExp(`(?<before>\\bpass(?:word|wd|phrase)\\s{0,3}[[(])${untaken}${noValue}(?!(?:optional|required|hidden|default|bcrypt|md5|scram|deprecated|base64|plain|empty|again|repeat|masked)\\b)[^\\s)\\]]{4,200}(?<after>[\\])])`, 'gi'),
  /(?<before><(?<tag>pass(?:word|wd|phrase)|token|secret|api[_-]?key)>)(?!\s*•)[^<\n]{1,500}(?<after><\/)/gi,
  // Telegram's bots and Discord's hooks have theirs in the path.
  /(?<before>\/bot\d{5,15}:)[\w-]{20,}/g,
  /(?<before>\bdiscord(?:app)?\.com\/api\/webhooks\/\d{5,25}\/)[\w-]{20,}/gi,
  // could not connect with password hunter2; the name of a Secret tells where it is
  new RegExp(`(?<before>\\b(?:with|using) (?:the )?pass(?:word|phrase|code)\\s{1,3})${untaken}${speaking}(?!(?:auth\\w*|based|files?|hash\\w*|for|of|and|or|to|as|is|was|store|protection|support|complexity|change|policy|reset|prompt|login|manager)\\b)(?!["'\`])[^\\s"'\`]{4,}`, 'gi'),
  new RegExp(`(?<before>\\b(?:with|using) (?:the )?(?:token|secret)\\s{1,3})${untaken}(?=[^\\s"'\`/]*\\d)(?=[^\\s"'\`/]*[a-z])(?!["'\`])[^\\s"'\`/]{12,}`, 'gi'),
  new RegExp(`(?<before>[?&](?:sig|auth|code|key|sas|access|x-amz-[a-z-]{1,30})=)${untaken}[^&\\s"']+`, 'gi'),
  new RegExp(`(?<before>hooks\\.slack\\.com/services/)${untaken}[^\\s"']+`, 'gi'),
  // AWS, GitHub, GitLab, Slack, Google, Stripe, Vault, SendGrid, PyPI and the like mark theirs.
  /\b(?:A[KS]IA|AROA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{15,}|\bxox[a-z]-[\w-]{10,}|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\b[sr]k_(?:live|test)_\w{10,}|\bsk-[\w-]{20,}|\bhv[sb]\.[\w-]{20,}|\bSG\.[\w-]{10,}\.[\w-]{10,}|\bpypi-[\w-]{20,}|\bnpm_\w{30,}|\bdapi[a-f0-9]{32}\b/g,
  // JSON Web Tokens, Fernet's keys and its tokens, hashes of passwords.
  /\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g,
  /(?<![\w-])[\w-]{43}=(?![\w=-])/g,
  /\bgAAAAA[\w-]{40,}=*/g,
  /\$(?:2[abxy]|apr1|[156y]|argon2\w{0,3})\$[^\s"':,]{8,}|\b(?:pbkdf2|scrypt):[\w:]{1,40}\$[^\s"']+/g,
]

/** Long, and mixed as only chance mixes. */
const long = /(?<![\w+/=-])[\w+/-]{32,}={0,2}/g
const digest = /(?:sha(?:256|512)[:-]|:\/\/|(?:sandbox|container|task|shim|layer|id)[ :="]{1,3})$/i

export function randomIn(text: string, put: (token: string) => string): string {
  return text.replace(long, (token: string, offset: number) => {
    const known = digest.test(text.slice(Math.max(0, offset - 14), offset))
    return !known && isRandom(token) ? put(token) : token
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
