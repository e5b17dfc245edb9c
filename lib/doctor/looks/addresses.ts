/** Secrets in addresses, in the headers that go there, and in the paths of hooks. */
import { mixed, untaken, word } from './words.ts'

/** postgresql://postgres:hunter2@airflow-postgresql:5432/postgres, redis://:hunter2@…; up to the last @, for a password may hold one. */
export const passwordInAddress = new RegExp(`(?<before>\\b[a-z][a-z0-9+.-]{0,30}:\\/\\/[^\\s:/@"'<>]{0,200}:)${untaken}(?!\\d{1,5}\\/)[^\\s"'<>]{1,1000}(?<after>@)(?!sha256:)`, 'gi')

/** joe:X@registry.example.org/airflow:1, with a scheme or without, of an image and nothing else; what stands before a digest is none. */
export const loginInImage = new RegExp(`^(?<before>(?:[a-z][a-z0-9+.-]{0,30}://)?[^/@:\\s]{0,200}:)(?!//)(?<secret>${untaken}\\S{1,1000})(?<after>@)(?!sha\\d{3}:)`, 'i')

export const addresses: readonly RegExp[] = [
  passwordInAddress,
  // https://ghp_…@github.com: a token in the place of a user.
  new RegExp(`(?<before>:\\/\\/)${untaken}[^\\s:/@"'<>]{16,500}(?<after>@)`, 'g'),
  new RegExp(`(?<before>\\b(?:(?:set-)?cookie|(?:proxy-)?authorization)\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?)${untaken}[^\\n"']+`, 'gi'),
  new RegExp(`(?<before>\\b(?:bearer|basic|negotiate)\\s{1,3})${untaken}(?!(?:auth\\w*|tokens?|realm|credentials?|scheme|header|username)\\b)[a-z0-9._~+/-]{8,}=*`, 'gi'),
  new RegExp(`(?<before>[?&](?:sig|auth|code|key|sas|access|x-amz-[a-z-]{1,30})=)${untaken}[^&\\s"']+`, 'gi'),
  new RegExp(`(?<before>hooks\\.slack\\.com/services/)${untaken}[^\\s"']+`, 'gi'),
  // Telegram's bots and Discord's hooks have theirs in the path.
  /(?<before>\/bot\d{5,15}:)[\w-]{20,}/g,
  /(?<before>\bdiscord(?:app)?\.com\/api\/webhooks\/\d{5,25}\/)[\w-]{20,}/gi,
  // Office's, Zapier's and IFTTT's likewise.
  new RegExp(`(?<before>\\b(?:webhook|outlook)\\.office(?:365)?\\.com/webhook(?:b2)?/)${untaken}[^\\s"'<>]{20,}`, 'gi'),
  new RegExp(`(?<before>\\b(?:hooks\\.zapier\\.com/hooks/catch|maker\\.ifttt\\.com/trigger/[^\\s/]{1,80}/(?:json/)?with/key)/)${untaken}[^\\s"'<>]{5,}`, 'gi'),
  // user:X@registry.example.org/image, without a scheme.
  new RegExp(`(?<before>(?<![\\w:/.-])(?:[\\w.-]{1,60}/)?[\\w.-]{1,60}:)${untaken}${mixed}[^\\s"'@/:]{4,100}(?<after>@[\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,5}(?::\\d{1,5})?/)`, 'g'),
  // app:X@tcp(db:3306), of Go's driver for MySQL.
  new RegExp(`(?<before>(?<![\\w.-])[\\w.-]{1,60}:)${untaken}[^\\s"'@]{1,200}(?<after>@(?:tcp|udp|unix)\\()`, 'g'),
  // An address, or JSON, within the query of another, encoded once or twice.
  new RegExp(`(?<before>%3A(?:%2F%2F|//)[\\w.-]{0,60}(?:%3A|:))${untaken}(?!\\d{2,5}%2F)[^\\s"'<>&@]{1,500}(?<after>%40)`, 'gi'),
  new RegExp(`(?<before>${word}(?:%22)?(?:%3A|:)(?:\\+|%20)?%22)${untaken}(?:(?!%22)[^\\s"'&]){1,1000}(?<after>%22)`, 'gi'),
]
