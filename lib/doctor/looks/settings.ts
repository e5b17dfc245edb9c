/** A secret as the value of a setting: of a file, an environment, JSON, YAML, XML or an object that was printed. */
import { amongPairs, chance, is, key, mixed, noSentence, noValue, otherKey, pairKey, passwordKey, passwordWord, speaking, twoWords, untaken, word } from './words.ts'

const quote = '\\\\*["\']'
/** b'…' of Python, Some("…") of Rust, SecretStr('…'). */
const wrapped = '(?:[a-z][\\w.]{0,30}\\(|ConvertTo-SecureString\\s)?[bruf]{0,2}'
/** A quote with a backslash before it closes nothing, nor do two in a row. */
const quoted = '(?:\\k<quote>\\k<quote>(?=[^\\s"\',:;)}\\]])|(?!(?<!\\\\)\\k<quote>)[^\\n]){1,2000}(?<after>\\k<quote>)'
/** How a line of a log begins, of Airflow's and of others'. */
const beginning = '(?:\\[\\d{4}-[^\\n\\]]{6,40}\\] \\{[^}\\n]{1,100}\\} [A-Z]{4,8} -|\\d{4}-\\d\\d-\\d\\d[T ][^\\s]{6,30}(?: [A-Z]{4,8}:?)?(?: -)?)'

/** A block, a list and an object are no value, but a password may begin with their bracket. */
const opening = '(?![\\s"\'\\\\]|<<|-\\s|[{[](?!(?=[a-z!@#$%^&*?+.-]{0,60}\\d)(?=[\\d!@#$%^&*?+.-]{0,60}[a-z])[\\w!@#$%^&*?+.-]{6,60}[}\\])]?(?:\\s|$)))'
/** A value without quotes may hold one, may hold a blank where the next setting follows, and stands behind its anchor or tag in YAML. */
const unquoted = `(?:[&!][^\\s"']{0,200}[ \\t]{1,3}(?=[^\\s"']*\\d)[^\\s"']+|[^\\s"']+(?:["'][\\w!@#$%^&*+-][^\\s"']*){0,20}(?: (?=[^\\s"'=]{0,100}\\d)[^\\s"'=:,]{4,100}(?=\\s\\w{1,40}=))?)`

export const settings: readonly RegExp[] = [
  // A line of an INI or YAML file or of an environment: to its end, for the value may hold blanks.
  new RegExp(`(?<before>^[ \\t-]{0,40}(?:export )?["']?[\\w.-]{0,60}${passwordKey}["']?[ \\t]{0,3}[=:][ \\t]{1,3})${untaken}${noValue}(?!["'|>{\\[<\\\\])[^\\n]+`, 'gim'),
  // Among other settings it is one, whatever it says.
  new RegExp(`(?<before>^${amongPairs}[ \\t-]{0,40}["']?[\\w.-]{0,60}${pairKey}["']?:[ \\t]{1,3})${untaken}${noValue}(?!["'|>{\\[<\\\\])[^\\n]+`, 'gim'),
  // A sentence about a token has no token in it.
  new RegExp(`(?<before>^[ \\t-]{0,40}(?:export )?["']?[\\w.-]{0,60}${otherKey}["']?[ \\t]{0,3}[=:][ \\t]{1,3})${untaken}${noValue}(?!["'|>{\\[&*<\\\\])(?:${noSentence}|${twoWords}|(?=[^\\n]{0,300}(?<![^\\s])(?=[a-z!@#$%^&*?]{0,40}\\d)(?=[\\d!@#$%^&*?]{0,40}[a-z])[\\w!@#$%^&*?+=]{8,}(?!\\S)))[^\\n]+`, 'gim'),
  // A passphrase is of some words; what follows it may be the next setting.
  new RegExp(`(?<before>${passwordWord}["']?[ \\t]{0,3}[=:][ \\t]{0,3})${untaken}${speaking}${noValue}(?:[a-z]{3,16} ){2,10}[a-z]{3,16}(?=["']?\\s{0,3}$|\\s+\\w{1,30}=)`, 'gim'),
  new RegExp(`(?<before>${key}["']?:[ \\t]{0,3}[|>][+-]?\\n)(?<indent>[ \\t]{1,40})${untaken}[^\\n]+(?:\\n\\k<indent>[^\\n]+)*`, 'gi'),
  new RegExp(`(?<before>${key}\\s{0,3}=\\s{0,3}<<[-~]?["']?(?<end>[A-Z]{2,20})["']?\\n)${untaken}[^]{1,4000}?(?<after>\\n\\s{0,40}\\k<end>\\b)`, 'gi'),
  // "password": "…", AIRFLOW__CORE__FERNET_KEY='…', also in a string within a string, and in the next line.
  new RegExp(`(?<before>${key}${quote.replace('["\']', '["\']?')}${is}\\s{0,24}${wrapped}(?<quote>${quote}))${untaken}${quoted}`, 'gi'),
  // "passwords": ["X", "Y"], and the same as lines.
  new RegExp(`(?<before>(?:${passwordWord}|token|api[_-]?key)s?${quote}\\s?:\\s?\\[)${untaken}(?=\\s?${quote})[^\\]\\n]{1,2000}(?<after>\\])`, 'gi'),
  new RegExp(`(?<before>(?:${passwordWord}|token|api[_-]?key)s?["']?:[ \\t]{0,3}\\n[ \\t]{0,40}- )${untaken}(?![\\w-]+:(?:\\s|$))[^\\n]+(?:\\n[ \\t]{0,40}- [^\\n]+){0,100}`, 'gi'),
  // Not: MountVolume.SetUp failed for volume "default-token-x" : failed to sync secret cache
  new RegExp(`(?<before>${passwordKey}(?:\\\\*["'](?!\\s+:\\s+\\D))?${is}["']?)${untaken}${noValue}${opening}${unquoted}`, 'gi'),
  new RegExp(`(?<before>${otherKey}(?:\\\\*["'](?!\\s+:\\s+\\D))?${is}["']?)${untaken}${noValue}${noSentence}${opening}${unquoted}`, 'gi'),
  // In the next line, after a backslash, or after the beginning that a log gives each line.
  new RegExp(`(?<before>${key}[=:][ \\t]{0,3}\\\\?\\n(?:[ \\t]{1,40}|(?:${beginning})\\s{1,20})?)${untaken}${mixed}(?![\\w-]+:)[^\\s"'{\\[|>-][^\\s"']{3,}`, 'gi'),
  new RegExp(`(?<before>(?<![\\w-])${key}\\n[ \\t]{1,20}[^\\n]{1,300}\\b(?:input_)?value=)${untaken}[^\\s"']+`, 'gim'),
  // ('password', 'X'), define('DB_PASSWORD', 'X'), Variable.set("api_token", "X")
  new RegExp(`(?<before>\\(\\s?["'][\\w.-]{0,60}${key}["'],\\s?[bruf]{0,2}(?<quote>${quote}))${untaken}${speaking}${mixed}(?![a-z]{2}-[a-z]{2,10}-\\d["'])[^\\s"']{1,300}(?<after>\\k<quote>)`, 'gi'),
  new RegExp(`(?<before>\\bpwd\\s?=\\s?\\{)${untaken}[^}\\n]{1,300}(?<after>\\})`, 'gi'),
  /(?<before>\b(?:otp|totp|pin)\\*["']?\s{0,2}[=:]\s{0,2}["']?)\d{4,10}\b(?![.:\w])/gi,
  // An object of a name and a value, in either order.
  new RegExp(`(?<before>\\b(?:name|key|id|property|field)\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?[\\w.-]{0,60}${key}\\\\*["']?[\\s,]{1,20}-?\\s{0,3}\\\\*["']?value\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?)${untaken}[^\\s"'}]+`, 'gi'),
  new RegExp(`(?<before>\\bvalue\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?)${untaken}[^\\s"'}{]{1,500}(?<after>\\\\*["']?[\\s,]{1,20}\\\\*["']?(?:name|key)\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?[\\w.-]{0,60}${key}\\\\*["'\\s])`, 'gi'),
  new RegExp(`(?<before><name>[\\w.-]{0,100}${key}</name>\\s{0,20}<value>)${untaken}[^<\\n]{1,500}(?<after><)`, 'gi'),
  new RegExp(`(?<before><input\\b[^>\\n]{0,200}\\btype=["']?password\\b[^>\\n]{0,200}\\bvalue=["']?)${untaken}[^\\s"'>]{1,200}`, 'gi'),
  // Of a registry: user and password in base64.
  new RegExp(`(?<before>\\bauth${quote}\\s{0,3}:\\s{0,3}${quote})${untaken}(?=[^"'\\\\]*[A-Z0-9])[A-Za-z0-9+/]{12,}={0,2}`, 'g'),
  // BASIC_AUTH=user:X, NEO4J_AUTH=neo4j/X, SMTP_LOGIN=app/X
  new RegExp(`(?<before>(?:\\b[A-Z0-9_]{0,40}(?:AUTH|LOGIN)|\\b(?:basic|http)[_-]auth)["']?[=:]\\s?["']?[\\w.@-]{1,60}[:/])${untaken}[^\\s"'/][^\\s"']{3,}`, 'g'),
  // STRIPE_KEY, HASH_SALT: a key may be the name of something, so it has to look made by chance.
  new RegExp(`(?<before>\\b[A-Z][A-Z0-9_]{0,60}_(?:KEY|SALT)["']?\\s{0,2}[=:]\\s{0,2}["']?)${untaken}(?=[^\\s"']{0,200}\\d)(?=[^\\s"']{0,200}[A-Za-z])[\\w+=-]{16,}`, 'g'),
  // What the API server quotes of a Secret that it cannot read, from anywhere within.
  new RegExp(`(?<before>cannot be handled as a Secret: [^|\\n]{0,300}\\|)${untaken}[^\\n]{1,8000}`, 'g'),
  // A row of INSERT and what SQLAlchemy and PostgreSQL show of one; every value, since none has its name beside it.
  new RegExp(`(?<before>\\([^()\\n]{0,500}${key}[^()\\n]{0,500}\\)\\s{1,3}VALUES\\s?\\()${untaken}(?![%?$:])[^\\n]{1,2000}?(?<after>\\))`, 'gi'),
  new RegExp(`(?<before>\\[parameters: )${untaken}[^\\n]{1,8000}(?<after>\\])`, 'g'),
  new RegExp(`(?<before>Failing row contains \\()${untaken}[^\\n]{1,8000}(?<after>\\))`, 'g'),
  new RegExp(`(?<before>\\b(?:USER|ROLE|GRANT|DATABASE|LINK)\\b[^\\n]{1,300}?\\bIDENTIFIED\\s(?:WITH\\s\\S{1,40}\\s)?BY\\s(?:PASSWORD\\s)?["'])${untaken}[^"'\\n]{1,200}`, 'gi'),
  // .netrc and .pgpass
  new RegExp(`(?<before>\\blogin\\s{1,3}(?!(?:and|or)\\s)\\S{1,100}\\s{1,3}password\\s{1,3})${untaken}[^\\s"']+`, 'gi'),
  new RegExp(`(?<before>(?<![\\w:/.-])(?:[\\w-]{1,60}\\.[\\w.-]{1,100}(?<!\\.(?:py|go|js|ts|java))|\\*|localhost):(?:\\d{4,5}|\\*):[\\w*-]{1,60}:[\\w.*@-]{1,60}:)${untaken}[^\\s:"']{4,}`, 'g'),
  // '''X''' of TOML, in lines of their own.
  new RegExp(`(?<before>${key}\\s{0,3}=\\s{0,3}(?<end>'{3}|"{3})\\n)${untaken}[^]{1,4000}?(?<after>\\n?\\k<end>)`, 'gi'),
  // sessionid=X, and the cookie that a log shows; not session=<sqlalchemy.orm.session.Session …>
  new RegExp(`(?<before>\\b(?:\\w{0,20}sess(?:ion)?_?(?:id)?|(?:connect\\.)?sid)=["']?)${untaken}(?=[^\\s"';,]{0,100}\\d)(?=[^\\s"';,]{0,100}[a-z])[\\w.%+/=~-]{8,}`, 'gi'),
  new RegExp(`(?<before>\\bX-(?:[\\w-]{0,40}-)?(?:Auth|Key|Secret)${quote.replace('["\']', '["\']?')}\\s{0,2}[:=]\\s{0,2}${quote.replace('["\']', '["\']?')})${untaken}${mixed}[^\\s"'\\\\]{6,}`, 'gi'),
  // Headers(`X-Auth-Token`, `X`) of Traefik's rules
  new RegExp(`(?<before>\\b(?:Headers?|Query)(?:Regexp)?\\(\\s?\`[\\w-]{0,60}(?:auth|key|${word})[\\w-]{0,20}[\`]\\s?,\\s?\`)${untaken}[^\`\\n]{1,500}(?<after>\`)`, 'gi'),
  new RegExp(`(?<before>\\bSAML(?:Request|Response|art)=)${untaken}[^&\\s"']{6,}`, 'gi'),
  // jdbc:oracle:thin:joe/X@db, joe/X@//db, joe:X@db:5432, //joe:X@host/share and postgresql://DOMAIN/joe:X@db
  new RegExp(`(?<before>\\bjdbc:oracle:\\w{1,10}:[^\\s/:@"']{1,60}/)${untaken}[^\\s"'@]{1,200}(?<after>@)`, 'gi'),
  new RegExp(`(?<before>(?<![\\w/.$#-])[\\w$#]{1,30}/)${untaken}[^\\s"'@/]{1,200}(?<after>@//)`, 'g'),
  new RegExp(`(?<before>(?<![\\w:/.@-])[\\w.-]{1,60}:)${untaken}${mixed}[^\\s"'@/:]{4,100}(?<after>@[\\w-]{1,63}(?:\\.[\\w-]{1,63}){0,5}:\\d{2,5}\\b)`, 'gi'),
  new RegExp(`(?<before>(?<![:\\w/])//[\\w.-]{1,60}:)${untaken}[^\\s"'@/]{1,200}(?<after>@[\\w.-]{1,100}/)`, 'g'),
  new RegExp(`(?<before>\\b(?:postgres\\w*|mysql|mssql|mariadb|oracle|mongodb|rediss?|amqps?|ldaps?|smb|s?ftp)(?:\\+\\w{1,30})?://[\\w.-]{1,60}[/\\\\]{1,4}[\\w.@-]{1,60}:)${untaken}[^\\s"'@]{1,200}(?<after>@)`, 'gi'),
  // /hook/X of whoever takes hooks: with nothing but chance at its end.
  new RegExp(`(?<before>/(?:web)?hooks?/(?:[\\w-]{1,40}/){0,3})${untaken}${chance}`, 'g'),
]
