/** Secrets in sentences. */
import { chance, mixed, noValue, passwordWord, speaking, untaken } from './words.ts'

export const prose: readonly RegExp[] = [
  new RegExp(`(?<before>\\b${passwordWord}(?:\\s+for\\s+\\S{1,100})?\\s+(?:is|was)\\s*:?\\s{1,3}["'\`]?)${untaken}${speaking}[^\\s"'\`]+`, 'gi'),
  // The Fernet key was changed by hand: of a key or a token one that is made by chance, or the last word.
  new RegExp(`(?<before>\\b(?:(?:secret|fernet|api|access|encryption|signing|private) key|token|secret)(?:\\s+for\\s+\\S{1,100})?\\s+(?:is|was)\\s*:?\\s{1,3}["'\`]?)${untaken}${speaking}(?:${mixed}|(?=[^\\s"'\`]{1,300}["'\`.]?\\s{0,3}$))[^\\s"'\`]+`, 'gim'),
  new RegExp(`(?<before>\\bpassword\\s{1,3}(?:[ENU]&?)?(?<quote>["'\`]))${untaken}[^\\n"'\`]+(?<after>\\k<quote>)`, 'gi'),
  // Not of a run: manual__2023-08-02T10:29:40
  new RegExp(`(?<before>\\b(?:and|with|using) (?:api |access |secret )?key\\s{1,3})${untaken}(?!\\w+__\\d{4}-)(?=[^\\s"'\`]*\\d)(?=[^\\s"'\`]*[a-z])[^\\s"'\`]{12,}`, 'gi'),
  // password [hunter2], password(hunter2), <password>hunter2</password>
  new RegExp(`(?<before>\\bpass(?:word|wd|phrase)\\s{0,3}[[(])${untaken}${noValue}(?!(?:optional|required|hidden|default|bcrypt|md5|scram|deprecated|base64|plain|empty|again|repeat|masked)\\b)[^\\s)\\]]{4,200}(?<after>[\\])])`, 'gi'),
  new RegExp(`(?<before><(?<tag>[\\w:.-]{0,60}(?:pass(?:word|wd|phrase)|token|secret|api[_-]?key))>)${untaken}[^<\\n]{1,500}(?<after></)`, 'gi'),
  // could not connect with password hunter2; the name of a Secret tells where it is
  new RegExp(`(?<before>\\b(?:with|using) (?:the )?pass(?:word|phrase|code)\\s{1,3})${untaken}${speaking}(?!(?:auth\\w*|based|files?|hash\\w*|for|of|and|or|to|as|is|was|store|protection|support|complexity|change|policy|reset|prompt|login|manager)\\b)(?!["'\`])[^\\s"'\`]{4,}`, 'gi'),
  new RegExp(`(?<before>\\b(?:with|using) (?:the )?(?:token|secret)\\s{1,3})${untaken}(?=[^\\s"'\`/]*\\d)(?=[^\\s"'\`/]*[a-z])(?!["'\`])[^\\s"'\`/]{12,}`, 'gi'),
  // Password for user 'admin': X, A temporary password is generated for root@localhost: X, as Airflow 3, Kerberos and MySQL say it.
  new RegExp(`(?<before>\\b${passwordWord}\\s(?:[\\w ]{0,30} )?for\\s[^\\n:]{1,80}:\\s{1,3}["'\`]?)${untaken}${speaking}(?:[^\\s"'\`]{4,}(?=["'\`.]?\\s{0,3}$)|${mixed}[^\\s"'\`]{6,})`, 'gim'),
  new RegExp(`(?<before>\\b${passwordWord}\\s(?:[\\w ]{0,30} )?(?:set|reset|changed|updated) to:?\\s{1,3}["'\`]?)${untaken}${speaking}${mixed}[^\\s"'\`]{4,}`, 'gi'),
  new RegExp(`(?<before>\\b${passwordWord} (?:lautet|ist|est|es|è|é|is|jest)\\s{1,3}["'\`]?)${untaken}${speaking}${mixed}[^\\s"'\`]{4,}`, 'gi'),
  // pfx password X! wrong
  new RegExp(`(?<before>\\b${passwordWord}\\s)${untaken}(?=[^\\s"']{0,100}[a-z])(?=[^\\s"']{0,100}\\d)(?=[^\\s"']{0,100}[!@#$%^&*])[^\\s"'=:]{8,}`, 'gi'),
  // login app/X refused, credentials app:X, Zugangsdaten: app / X, and the two as a tuple.
  new RegExp(`(?<before>\\b(?:login|credentials?|creds|zugangsdaten)[: ]\\s{0,2}\\(?["']?[\\w@-]{1,60}(?:\\s?[:/]\\s?|["'],\\s?["']))${untaken}(?!/)${mixed}[^\\s"'/:)]{6,}`, 'gi'),
  // auth=('app', 'X'), HTTPBasicAuth('app', 'X'), server.login('app', 'X'), simple_bind_s(dn, 'X')
  new RegExp(`(?<before>\\b\\w{0,30}(?:auth|login|bind\\w{0,3}|credentials?)\\s?(?:=\\s?)?\\(\\s?(?:(?<one>["'])[^"'\\n]{0,200}\\k<one>|[\\w.]{1,60}),\\s?(?<quote>["']))${untaken}(?!\\s)(?:(?!\\k<quote>)[^\\n]){1,300}(?<after>\\k<quote>)`, 'gi'),
  // Client('app', 'X!'), getConnection("jdbc:…", "app", "X!"): others take two words too, so the last has to look like a password.
  new RegExp(`(?<before>\\b(?:\\w{0,30}(?:[Cc]lient|[Cc]onnect(?:ion)?|[Ss]ession))\\(\\s?(?:(?<one>["'])[^"'\\n]{0,200}\\k<one>,\\s?){1,3}(?<quote>["']))${untaken}(?=[^"'\\s]{0,60}[a-z])(?=[^"'\\s]{0,60}[!@#$%^&*]|[^"'\\s]{0,60}[A-Z][^"'\\s]{0,60}\\d)[^"'\\s/]{6,200}(?<after>\\k<quote>\\s?\\))`, 'g'),
  // ApiKey X, Token X, secret key X: the word alone says little, so what follows has to be made by chance.
  new RegExp(`(?<before>\\b(?:[Aa]pi-?[Kk]ey|[Tt]oken|TOKEN|GenieKey|SSWS|(?:[Ss]ecret|[Ff]ernet|[Aa]pi|API|[Aa]ccess|[Ee]ncryption|[Ss]igning) key)(?: ?[:=] ?| ))${untaken}${chance}(?![\\w./-])`, 'g'),
]
