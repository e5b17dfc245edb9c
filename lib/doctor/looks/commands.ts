/** Secrets as arguments of commands. */
import { gap, key, passwordWord, speaking, untaken, word } from './words.ts'

/** What a flag is followed by that may be a port, an address, a folder, an object, a variable or its place in an example. */
const noArgument = '(?!\\d+(?:[\\s"\',;]|$)|[\\d.]*:?\\d+:\\d+|[-/<{[$]|\\w+://|[A-Z_]+(?:[\\s"\']|$))'
const rest = '[^\\n;|&]{0,300}?'

/** A value in quotes keeps its blanks. */
function after(before: string, flags = 'g'): RegExp[] {
  return [
    new RegExp(`(?<before>${before}(?<quote>["']))${untaken}${noArgument}(?!\\s)(?:(?!\\k<quote>)[^\\n]){1,500}(?<after>\\k<quote>)`, flags),
    new RegExp(`(?<before>${before})${untaken}${noArgument}[^\\s"',;|&][^\\s"']*`, flags),
  ]
}

/** Commands with a flag, or a place, that is a password's. */
const flagged = [
  `\\busers${gap}create\\b${rest}${gap}-p${gap}`,
  `\\bmysql(?:dump|admin|import|check|show)?\\b${rest}${gap}-p`,
  `\\bsshpass${gap}-p(?:${gap})?`,
  `\\bredis-cli\\b${rest}${gap}(?:-a|AUTH)${gap}`,
  `\\b(?:docker|podman|nerdctl|buildah|skopeo|helm|oras|crane)${gap}(?:registry${gap})?login\\b${rest}${gap}-p(?:${gap})?`,
  `\\bldap(?:search|add|modify|delete|whoami|passwd|compare)\\b${rest}${gap}-w(?:${gap})?`,
  `\\bldappasswd\\b${rest}${gap}-[sa]${gap}`,
  `\\b(?:sqlcmd|bcp|isql|osql)\\b${rest}${gap}-P(?:${gap})?`,
  `\\b(?:az${gap}login|twine|mongo(?:sh|dump|restore|export|import)?|beeline|ncftpput|ncftpget)\\b${rest}${gap}-p${gap}`,
  `\\b(?:un)?zip\\b${rest}${gap}-P${gap}`,
  `\\b7z[ar]?${gap}${rest}${gap}-p(?=\\S)`,
  `\\bssh-keygen\\b${rest}${gap}-[NP]${gap}`,
  `\\bopenssl\\b${rest}${gap}(?:-k${gap}|-pass(?:in|out)?${gap}pass:)`,
  `\\bhtpasswd${gap}-\\w{0,6}n\\w{0,6}${gap}[^\\s"']{1,60}${gap}`,
  `\\bhtpasswd${gap}-(?!\\w{0,6}n)\\w{0,6}b\\w{0,6}${gap}[^\\s"']{1,200}${gap}[^\\s"']{1,60}${gap}`,
  `\\blftp\\b${rest}${gap}-u${gap}["']?[^\\s,"']{1,60},`,
  `\\bcurl\\b${rest}${gap}(?:-u|-U|--user|--proxy-user)(?:${gap}|=)?["']?[^\\s:"']{1,100}:`,
  `\\bcurl\\b${rest}${gap}(?:-b|--cookie)${gap}["']?[\\w.-]{1,60}=`,
  `\\bcreate${gap}secret${gap}${rest}--from-literal[=\\s]["']?[\\w.-]{1,100}=`,
  `\\bvariables${gap}set${gap}[\\w.-]{0,60}${key}${gap}`,
  `\\brabbitmqctl${gap}(?:[-\\w]{1,30}${gap}){0,3}(?:add_user|change_password|authenticate_user)${gap}[^\\s"']{1,60}${gap}`,
  `\\b(?:sqlplus|expdp|impdp|sqlldr|rman)${gap}(?:-\\w{1,10}${gap}){0,3}["']?[\\w$#]{1,30}/`,
  `\\b(?:smbclient|rpcclient|smbget|net)\\b${rest}${gap}(?:-U|--user)(?:${gap}|=)?["']?[^\\s%"']{1,60}%`,
  `\\b(?:plink|pscp|psftp|putty|winscp)\\b${rest}${gap}-pw${gap}`,
  `--basic[-_]auth(?:${gap}|=)["']?[^\\s:"']{1,60}:`,
]

export const commands: readonly RegExp[] = [
  // --db-password X, and the same as a list of words.
  new RegExp(`(?<before>(?<![\\w-])--?[\\w-]{0,40}${word}(?!-?(?:stdin|file|path)(?![a-z]))[\\w-]{0,20}[=\\s]{1,3}(?<quote>["']))${untaken}(?![-=:\\s])(?:(?!\\k<quote>)[^\\n]){1,500}(?<after>\\k<quote>)`, 'gi'),
  new RegExp(`(?<before>(?<![\\w-])--?[\\w-]{0,40}${word}(?!-?(?:stdin|file|path)(?![a-z]))[\\w-]{0,20}(?:["']?[\\s,]{1,3}["']?|\\s?\\\\\\n\\s{0,20}))${untaken}(?![-\\s"'=:\\\\])[^\\s"']+`, 'gi'),
  ...flagged.flatMap((before) => after(before)),
  // Of any command that was told a user before; not of one that another is given to, as sudo's and docker's.
  ...after(`(?<![\\w-])(?<!\\b(?:sudo|run|exec|runuser|gosu|push|pull|install|kubectl)\\b[^\\n;|&]{0,80})(?:-u|-U|--user(?:name)?)(?:${gap}|=)?[^\\s"']{1,100}(?<!\\.(?:py|sh))${gap}(?:(?!\\b(?:mkdir|cp|mv|ssh|curl)\\b)[^\\n;|&]){0,200}?(?<=[\\s"'])(?:-[pP]|-w${gap})(?:${gap})?`),
  new RegExp(`(?<before>\\s(?:-u|--user)[\\s=]["']?[^\\s:"']{1,100}:)${untaken}[^\\s"'/][^\\s"']*`, 'g'),
  // echo X | sudo -S
  new RegExp(`(?<before>\\b(?:echo|printf)\\s(?:-[neE]{1,3}\\s)?(?<quote>["']?))${untaken}(?![$<-])[^\\n"'|]{1,200}?(?<after>\\k<quote>\\s{0,3}\\|[^\\n|]{0,200}(?:-stdin\\b|\\bsudo\\s[^\\n|]{0,40}-S|\\bkinit\\b|\\bchpasswd\\b|\\bcryptsetup\\b|\\bpasswd\\b|-fd 0))`, 'g'),
  // Redis, as it tells what it was asked (MONITOR), and in its file.
  new RegExp(`(?<before>"AUTH" (?:"[^"\\n]{1,60}" )?")${untaken}[^"\\n]{1,300}(?<after>")`, 'gi'),
  new RegExp(`(?<before>\\b(?:requirepass|masterauth)\\s{1,3}["']?)${untaken}[^\\s"']{4,}`, 'gi'),
  new RegExp(`(?<before>(?:^|[>"'(]|\\d[:\\]]) ?AUTH (?:[\\w-]{1,60} (?=\\S{4}))?)${untaken}(?!SCRAM|CRAM|DIGEST|XOAUTH2|NTLM)(?=[^\\s"']{0,100}[a-zA-Z])(?=[^\\s"']{0,100}[\\d!@#$%^&*?])[^\\s"'<]{6,}`, 'gm'),
  // What > stands before in its list of users; and in the files of LDAP.
  new RegExp(`(?<before>\\b(?:SETUSER|user) \\S{1,60} (?:on|off)\\b[^\\n]{0,100}? >)${untaken}\\S{1,300}`, 'gi'),
  new RegExp(`(?<before>\\b(?:bind|root)pw\\s{1,10}["']?)${untaken}${speaking}[^\\s"']{4,}`, 'gi'),
  // Protocols: FTP, IMAP, and SMTP, whose answer is "Password:" in base64.
  new RegExp(`(?<before>(?:['"]|C: |> )PASS )${untaken}[^\\s"'\\\\]{4,}`, 'g'),
  new RegExp(`(?<before>\\b[A-Za-z]{0,3}\\d{1,5} LOGIN \\S{1,100} ["']?)${untaken}[^\\s"']{4,}`, 'g'),
  /(?<before>334 UGFzc3dvcmQ6[^\n]{0,20}\n[^\n]{0,40}?(?:send: '|C: |> ))[\w+/=]{4,}/g,
  // pfx password X!, and with a tab between.
  new RegExp(`(?<before>\\b${passwordWord}(?:\\t{1,4}|\\s{2,20}))${untaken}(?=[^\\s]*[!@#$%^&*\\d])[^\\s"'|=:]{6,}`, 'gi'),
]
