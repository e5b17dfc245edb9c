/** The words by which a secret is known, as the looks share them: pieces of patterns. */

/** Where a secret was taken out already. */
export const untaken = '(?!\\s*•)'
export const word = '(?:pass(?:word|wd|phrase|code)|requirepass|masterauth|\\bpg?pass|[_.-]pass(?![a-z])|"pass(?=\\\\*")|\\bpass(?=\\s{0,3}[=:])|pwd|secret|token|credential|fernet|(?:api|access|private|encryption|signing|client|account|shared|ssh|storage|auth|master|session|flask|jwt|hmac|user)[_-]?key|sql_alchemy_conn|broker_?url|result_backend|dsn|(?<![a-z])conn(?=[_"\'=:\\s])|conn(?:ection)?_?str(?:ing)?|odbc_connect|signature|jwt)'
/** `fernetKeySecretName: airflow-fernet-key` tells where a secret is, and is none. */
const noReference = '(?<!(?:names?|refs?|file|path|mount|provider|seconds|policy|class))'
export const key = `${word}[\\w.-]{0,40}${noReference}`
/** Settings that say that there is none, and what kubectl writes in its place. */
export const noValue = '(?!(?:null|none|nil|true|false|undefined)\\b|\\*{3}|<(?:set|redacted|none|nil|unset|hidden)\\b)'
/** `password is required` speaks of one. */
export const speaking = '(?!(?:required|incorrect|invalid|missing|not|empty|wrong|expired|too|set|unset|being|no|an?|the|in|needed|stored|null|none|disabled|enabled|valid|correct|ok|now|used|about|read|generated|already|only|more|less|weak|short|deprecated|unknown|unsupported|rejected|malformed|ignored|never|still|also|written|kept|mounted|given|available|longer|from|at|optional|supported|different|stale|revoked|denied|refused|managed|created|found|one|that|this)\\b)'
