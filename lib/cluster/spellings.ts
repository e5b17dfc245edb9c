/**
 * The forms in which one secret value turns up: as it is, in base64, in a URL, a string of JSON, Python, SQL or a
 * shell, on a page. Most values are letters and digits, whose forms are few: equal ones are one.
 */
import { visible } from '../doctor/redact.ts'

/** Of more than that a whole is printed as it lies in its Secret, or not whole at all. */
const longest = 8192

export function spellingsOf(value: string): Set<string> {
  const trimmed = value.trim()
  const whole = [value, trimmed, ...linesOf(trimmed), visible(trimmed), inJson(value), ...inBase64(Buffer.from(value))]
  if (value.length > longest) return new Set(whole)
  return new Set([...whole, inJson(inJson(value)), ...inUrl(trimmed), ...escaped(trimmed), ...onPage(trimmed), ...quoted(trimmed), ...withinBase64(trimmed), inHex(trimmed)])
}

/** A log begins anywhere in a private key, and one of its lines says nothing of what it is of. */
function linesOf(text: string): string[] {
  if (!text.includes('\n')) return []
  let inKey = false
  return text.split(/\r?\n/).map((line) => line.trim()).filter((line) => {
    if (line.startsWith('-----')) inKey = line.startsWith('-----BEGIN ')
    return /^[\w+/=-]+$/.test(line) && line.length >= (inKey ? 8 : 32)
  })
}

function inJson(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

/** Once (Secret data) and twice (a Secret in a Helm record). */
function inBase64(bytes: Buffer): string[] {
  const base64 = bytes.toString('base64')
  return [base64, base64.replace(/=+$/, ''), bytes.toString('base64url'), Buffer.from(base64).toString('base64'), encodeURIComponent(base64)]
}

/** Programs disagree on the blank, the slash, the case of digits, and on what RFC 3986 leaves to them. */
function inUrl(value: string): string[] {
  // Half of a pair of surrogates is no text, and encodeURIComponent refuses it.
  const text = Buffer.from(value).toString()
  const encoded = encodeURIComponent(text)
  const strict = encoded.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  return [encoded, strict].flatMap((one) => [one, one.replace(/%../g, (code) => code.toLowerCase()), one.replaceAll('%20', '+'), one.replaceAll('%2F', '/')]).concat(encodeURI(text), encodeURIComponent(encoded))
}

/** Strings of Go's JSON, of Python's JSON and of its bytes; letters with their marks apart. */
function escaped(value: string): string[] {
  const unicode = (text: string, signs: RegExp): string => text.replace(signs, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const ofGo = unicode(inJson(value), /[&<>]/g)
  const ofPython = unicode(inJson(value), /[^\x00-\x7f]/g)
  const bytes = Array.from(Buffer.from(value), (byte) => (byte < 128 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join('')
  return [ofGo, inJson(ofGo), ofPython, inJson(ofPython), bytes, value.normalize('NFD'), value.normalize('NFC')]
}

function onPage(value: string): string[] {
  const basic = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return [basic, ...([['&#34;', '&#39;'], ['&quot;', '&#39;'], ['&quot;', '&#x27;'], ['&quot;', '&apos;']] as const).map(([double, single]) => basic.replaceAll('"', double).replaceAll('\'', single))]
}

/** As SQL and YAML, shells, INI files and Python have it between quotes. */
function quoted(value: string): string[] {
  return [
    value.replaceAll('\'', '\'\''), value.replaceAll('"', '""'), value.replaceAll('\'', '\'\\\'\''), value.replaceAll('%', '%%'),
    value.replaceAll('\\', '\\\\').replaceAll('\'', '\\\''), value.replace(/[^\w@%+=:,./-]/g, '\\$&'), value.replace(/["$`\\]/g, '\\$&'),
  ]
}

/** Of a few letters it is a number as any other. */
function inHex(value: string): string {
  return value.length < 6 ? '' : Buffer.from(value).toString('hex')
}

/** Within something longer, `user:password` for example: the signs that do not depend on the text around it. */
function withinBase64(value: string): string[] {
  const bytes = Buffer.from(value)
  if (bytes.length < 6) return []
  return [0, 1, 2].flatMap((before) => {
    const around = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(2)])
    const [from, to] = [Math.ceil((8 * before) / 6), Math.floor((8 * (before + bytes.length)) / 6)]
    return [around.toString('base64').slice(from, to), around.toString('base64url').slice(from, to)]
  })
}
