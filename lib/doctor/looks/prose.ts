/** Secrets in sentences. */
import { noValue, speaking, untaken } from './words.ts'

export const prose: readonly RegExp[] = [
  new RegExp(`(?<before>\\b(?:pass(?:word|phrase|code)|(?:secret|fernet|api|access) key|token|secret)(?:\\s+for\\s+\\S{1,100})?\\s+(?:is|was)\\s*:?\\s{1,3}["'\`]?)${untaken}${speaking}[^\\s"'\`]+`, 'gi'),
  new RegExp(`(?<before>\\bpassword\\s{1,3}(?<quote>["'\`]))${untaken}[^\\n"'\`]+(?<after>\\k<quote>)`, 'gi'),
  // Not of a run: manual__2023-08-02T10:29:40
  /(?<before>\b(?:and|with|using) (?:api |access |secret )?key\s{1,3})(?!\s*•)(?!\w+__\d{4}-)(?=[^\s"'`]*\d)(?=[^\s"'`]*[a-z])[^\s"'`]{12,}/gi,
  // password [hunter2], password(hunter2), <password>hunter2</password>
  new RegExp(`(?<before>\\bpass(?:word|wd|phrase)\\s{0,3}[[(])${untaken}${noValue}(?!(?:optional|required|hidden|default|bcrypt|md5|scram|deprecated|base64|plain|empty|again|repeat|masked)\\b)[^\\s)\\]]{4,200}(?<after>[\\])])`, 'gi'),
  /(?<before><(?<tag>pass(?:word|wd|phrase)|token|secret|api[_-]?key)>)(?!\s*•)[^<\n]{1,500}(?<after><\/)/gi,
  // could not connect with password hunter2; the name of a Secret tells where it is
  new RegExp(`(?<before>\\b(?:with|using) (?:the )?pass(?:word|phrase|code)\\s{1,3})${untaken}${speaking}(?!(?:auth\\w*|based|files?|hash\\w*|for|of|and|or|to|as|is|was|store|protection|support|complexity|change|policy|reset|prompt|login|manager)\\b)(?!["'\`])[^\\s"'\`]{4,}`, 'gi'),
  new RegExp(`(?<before>\\b(?:with|using) (?:the )?(?:token|secret)\\s{1,3})${untaken}(?=[^\\s"'\`/]*\\d)(?=[^\\s"'\`/]*[a-z])(?!["'\`])[^\\s"'\`/]{12,}`, 'gi'),
]
