/** The words by which a secret is known, as the looks share them: pieces of patterns. */

/** Where a secret was taken out already. */
export const untaken = '(?!\\s*•)'
const password = 'pass(?:word|wd|phrase|code)|requirepass|masterauth|\\bpg?pass|[_.-]pass(?![a-z])|"pass(?=\\\\*")|\\bpass(?=\\s{0,3}[=:])|pwd(?!\\\\*["\']?\\s{0,3}[=:]\\s{0,3}["\']?\\/)|(?<![a-z])pw(?=\\\\*["\']?\\s{0,3}[=:])|(?:store|src|dest)pass'
/** As people write it: a hook or a colleague's program may speak their language. */
const elsewhere = 'passwort|kennwort|geheimnis|mot[ _-]?de[ _-]?passe|clé[ _-]secrète|contrase[ñn]a|(?<![a-z])senha|parola d\'ordine|wachtwoord|(?<![a-z])has[łl]o(?![a-z])|пароль|パスワード|密[码碼]|비밀번호'
const others = 'secret|token|credential|fernet|(?:api|access|private|encryption|signing|client|account|shared|ssh|storage|auth|master|session|flask|jwt|hmac|user|licen[cs]e)[_-]?key|sql_alchemy_conn|broker_?url|result_backend|dsn|(?<![a-z])conn(?=[_"\'=:\\s])|conn(?:ection)?_?str(?:ing)?|odbc_connect|signature|jwt|(?<![a-z])(?:wpa_?)?psk(?=\\s{0,3}=)|snmp[ _-]?community|(?:rediscli|npm|(?<![a-z]))_auth(?=\\s{0,3}=)'
export const word = `(?:${password}|${elsewhere}|${others})`
/** `fernetKeySecretName: airflow-fernet-key` tells where a secret is, and is none. */
const noReference = '(?<!(?:names?|refs?|file|path|mount|provider|seconds|policy|class))'
export const key = `${word}[\\w.-]{0,40}${noReference}`
/** Of a word for a password alone, for what would say too little of a token or a Secret. */
export const passwordWord = `(?:pass(?:word|wd|phrase|code)|${elsewhere})`
/** `=`, `:`, `:=`, `->`, also of the wide characters of East Asia, and after a row of dots. */
export const is = '\\s{0,3}(?:\\.{2,40}\\s{0,3})?(?::=|==?>?|:(?!:)|(?<=\\s)(?:->|→)(?=\\s)(?!\\s(?:see|expired|invalid|rotated|unchanged)\\b)|[：＝])\\s{0,3}'
/** Settings that say that there is none, what kubectl writes in its place, where a token is to be had, and what a schema has against it. */
export const noValue = '(?!(?:Invalid type\\b|got (?:null|number|string|object|array|boolean|integer)\\b|Does not match\\b|Must (?:be|validate|not)\\b|String length\\b|additional propert)|https?:\\/\\/[^\\s"\'@?]{1,300}(?:[\\s"\']|$)|(?:null|none|nil|true|false|undefined)\\b|\\*{3}|<(?:set|redacted|none|nil|unset|hidden)\\b)'
/** `password is required` speaks of one. */
export const speaking = '(?!(?:required|incorrect|invalid|missing|not|empty|wrong|expired|too|set|unset|being|no|an?|the|in|needed|stored|null|none|disabled|enabled|valid|correct|ok|now|used|about|read|generated|already|only|more|less|weak|short|deprecated|unknown|unsupported|rejected|malformed|ignored|never|still|also|written|kept|mounted|given|available|longer|from|at|optional|supported|different|stale|revoked|denied|refused|managed|created|found|unchanged|one|that|this|must|should|cannot|field|value|authentication|login|permission|error|failed|please|has|have|does|did|was|were|is|are|will|check|for|and|or|but|with|nicht|falsch|ungültig|abgelaufen|leer|fehlt|zu)\\b)'
/** A letter and a digit or a sign: no word, number, name of an object or file. */
export const mixed = '(?=[^\\s"\'`,]*[a-z])(?=[^\\s"\'`,]*[\\d!@#$%^&*?])'
/** Between the words of a command, also of one that is printed as a list, or goes on in the next line. */
export const gap = '(?:\\s{1,3}|\\\\*["\'],\\s{0,3}\\\\*["\']|\\s?\\\\\\n\\s{0,20})'
