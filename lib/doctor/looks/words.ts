/** The words by which a secret is known, as the looks share them: pieces of patterns. */

/** Where a secret was taken out already; one bullet alone may begin a password. */
export const untaken = '(?!\\s*•{6})'
const password = 'pass(?:word|wd|phrase|code)|requirepass|masterauth|\\bpg?pass|[_.-]pass(?![a-z])|"pass(?=\\\\*")|\\bpass(?=\\s{0,3}[=:])|pwd(?!\\\\*["\']?\\s{0,3}[=:]\\s{0,3}["\']?\\/)|(?<![a-z])pw(?=\\\\*["\']?\\s{0,3}[=:])|(?:store|src|dest)pass|(?:bind|root)pw'
/** As people write it: a hook or a colleague's program may speak their language. */
const elsewhere = 'passwort|kennwort|geheimnis|mot[ _-]?de[ _-]?passe|clé[ _-]secrète|contrase[ñn]a|(?<![a-z])senha|parola d\'ordine|wachtwoord|(?<![a-z])has[łl]o(?![a-z])|пароль|パスワード|密[码碼]|비밀번호'
const others = 'secret|token|credential|fernet|(?:api|access|private|encryption|signing|client|account|shared|ssh|storage|auth|master|session|flask|jwt|hmac|user|licen[cs]e)[_-]?key|sql_alchemy_conn|broker_?url|result_backend|dsn|(?<![a-z])conn(?=[_"\'=:\\s])|conn(?:ection)?_?str(?:ing)?|odbc_connect|signature|jwt|(?<![a-z])(?:wpa_?)?psk(?=\\s{0,3}=)|snmp[ _-]?community|(?:rediscli|npm|(?<![a-z]))_auth(?=\\s{0,3}=)'
export const word = `(?:${password}|${elsewhere}|${others})`
/** `fernetKeySecretName: airflow-fernet-key` tells where a secret is, and is none; nor is what follows the name of an exception. */
const noReference = '(?<!(?:names?|refs?|file|path|mount|provider|seconds|policy|class|(?:error|exception|warning)s?))'
/** A place in a file (`fernetkey-secret.yaml:20:4`), or a sentence about it; a setting may be named like a file and have one word as its value. */
const noPlace = '(?!(?<=\\.(?:ya?ml|py|go|json|tpl|svc)):(?:\\d{1,6}(?!\\w)|[ \\t]{1,3}(?:[^\\s"\'|>]\\S{0,80}[ \\t]{1,3}){2}\\S))'
const after = `[\\w.-]{0,40}${noReference}${noPlace}`
export const key = `${word}${after}`
/** At the beginning of a line of YAML, where no place in a file stands. */
export const pairKey = `${word}[\\w.-]{0,40}${noReference}`
export const passwordKey = `(?:${password}|${elsewhere})${after}`
/** Kubernetes has a kind of that name. */
export const otherKey = `(?<!\\*v\\d\\w{0,8}\\.|\\bkind )(?:${others})${after}`
const named = new RegExp(`(?:${key}|(?:^|[_.-])(?:auth|pw))=`, 'i')

/** Of a setting, a variable or a flag. */
export function namesSecret(name: string): boolean {
  return named.test(`${name}=`)
}

/** Of a word for a password alone, for what would say too little of a token or a Secret. */
export const passwordWord = `(?:pass(?:word|wd|phrase|code)|${elsewhere})`
/** `=`, `:`, `:=`, `->`, also of the wide characters of East Asia, and after a row of dots. */
export const is = '\\s{0,3}(?:\\.{2,40}\\s{0,3})?(?::=|==?>?|:(?!:)|(?<=\\s)(?:->|→)(?=\\s)(?!\\s(?:see|expired|invalid|rotated|unchanged)\\b)|[：＝])\\s{0,3}'
/** Where a value ends. */
export const end = '(?=[\\s"\',;)}\\]\\\\]|$)'
/** What a schema, the kubelet, Helm or a client of Go says after a colon. */
const complaint = 'Invalid type\\b|got (?:null|number|string|object|array|boolean|integer)\\b|Does not match\\b|Must (?:be|validate|not)\\b|String length\\b|additional propert|(?:exec|x509|tls|http2): |(?:Get|Head|Patch|Post|Put) \\\\*"|dial (?:tcp|udp|unix)\\b|(?:open|l?stat|read) /|no such |context deadline|unexpected (?:status|EOF|end|response)|failed to |could not |connection re(?:fused|set)|permission denied|executable |admission webhook|(?:configmap|secret) \\\\*"|(?:[a-z_]\\w{0,40}\\.){1,8}(?:\\w{0,60}(?:error|exception|warning)|InvalidToken)\\b'
/** Nothing, what kubectl writes in place of a value, and where a token is to be had; a password may only begin like one. */
const nothing = `(?:null|none|nil|true|false|undefined|yes|no|on|off|\\*{3,})${end}|<(?:set(?: to)?|redacted|none|nil|unset|hidden)[> ]|https?:\\/\\/(?!(?=\\D{0,100}\\d)[\\w!@#$%^&*+-]{1,100}(?:[\\s"']|$))[^\\s"'@?]{1,300}(?:[\\s"']|$)`
export const noValue = `(?!${complaint}|${nothing})`
/** `password is required` speaks of one. */
const spoken = 'required|incorrect|invalid|missing|not|empty|wrong|expired|too|set|unset|being|no|an?|the|in|needed|stored|null|none|disabled|enabled|valid|correct|ok|now|used|about|read|generated|already|only|more|less|weak|short|deprecated|unknown|unsupported|rejected|malformed|ignored|never|still|also|written|mounted|given|available|longer|from|at|optional|supported|different|stale|revoked|denied|refused|managed|created|found|unchanged|one|that|this|gone|even|made|changed|told|taken|fetched|kept|younger|older|must|should|cannot|field|value|authentication|login|permission|error|failed|please|has|have|does|did|was|were|is|are|will|check|for|and|or|but|with|nicht|falsch|ungültig|abgelaufen|leer|fehlt|zu'
export const speaking = `(?!(?:${spoken})\\b)`
/** A letter and a digit or a sign: no word, number, name of an object or file. */
export const mixed = '(?=[^\\s"\'`,]{0,300}[a-z])(?=[^\\s"\'`,]{0,300}[\\d!@#$%^&*?])'
/** In a pattern that tells capitals: all three kinds, or many of two, as a token has them and a word or a name has not. */
export const chance = '(?:(?=[a-zA-Z]{0,40}\\d)(?=[A-Z0-9]{0,40}[a-z])(?=[a-z0-9]{0,40}[A-Z])[\\w+=~-]{10,}|(?=[a-f]{0,40}\\d)(?=\\d{0,40}[a-f])[a-f0-9]{20,})'
/** `token: X`, where no sentence goes on after the colon: made by chance, a list of settings, or the last word. */
export const noSentence = `(?:(?<!:[ \\t]{1,3})|${mixed}|(?=[^\\s"']{0,300}[=;])|(?=\\d{5}|[a-z+/=]{20,500}${end})|(?!(?:${spoken}|unauthorized|forbidden|mismatch)[.!]?${end})(?=[^\\s"']{1,300}(?:["'\\\\]|(?<=[,;)}\\]])\\s|\\s{0,3}(?:\\n|$)|\\s{1,3}(?:#|[\\w.-]{1,40}=|(?:user|host|port|login|database|db)\\w{0,10}["']?:))))`
const pair = '(?![\\w.]{0,80}(?:error|exception|warning|fatal|info|debug)s?:)[ \\t-]{0,40}["\']?[\\w./-]{1,100}["\']?:(?:[ \\t][^\\n]{0,500})?\\r?'
/** At the beginning of a line of YAML: its neighbour is one too. */
export const amongPairs = `(?:(?<=^${pair}\\n)|(?=[^\\n]{1,500}\\n${pair}(?:\\n|$(?![^]))))`
/** How a state is told in two words, by which a value of two words is no sentence; of one word alone these may be a password. */
const state = 'unauthorized|forbidden|mismatch|timeout|timed|closed|reset|exists|conflict|internal|eof|match|matched|rotated|updated|configured|deleted|patched|synced|ready|pending|verified|attempts|bad request'
/** Two words and the line ends, and neither is of a sentence; alone in its line no third can tell. */
export const twoWords = `(?=[^\\s"']{1,300}[ \\t][^\\s"']{1,300}[ \\t\\r]{0,3}$)(?![^\\n]{0,600}\\b(?:${spoken}|${state})\\b)`
/** Between the words of a command, also of one that is printed as a list, or goes on in the next line. */
export const gap = '(?:\\s{1,3}|\\\\*["\'],\\s{0,3}\\\\*["\']|\\s?\\\\\\n\\s{0,20})'
