import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

/** What a TLS server of node takes. */
export interface Pair {
  key: string
  cert: string
}

export interface Authority {
  name: string
  key: KeyObject
  publicKey: KeyObject
}

// The little of DER that a certificate needs. Node can read certificates but not make one, and the image
// has no openssl.
const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const size = body.length < 128
    ? Buffer.from([body.length])
    : body.length < 256 ? Buffer.from([0x81, body.length]) : Buffer.from([0x82, body.length >> 8, body.length & 0xff])
  return Buffer.concat([Buffer.from([tag]), size, body])
}
const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text))
const octets = (content: Buffer): Buffer => der(0x04, content)

const COMMON_NAME = oid('550403')
const SUBJECT_ALT_NAME = oid('551d11')
const BASIC_CONSTRAINTS = oid('551d13')
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))
const LIFE_MS = 90 * 86_400_000

const nameOf = (text: string): Buffer => sequence(der(0x31, sequence(COMMON_NAME, utf8(text))))

/** UTCTime, which is good until 2049. */
const time = (date: Date): Buffer => der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))

function newKey(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

export function authority(name: string): Authority {
  const { privateKey, publicKey } = newKey()
  return { name, key: privateKey, publicKey }
}

/** A certificate for a host, from the lab's own authority, where the real one would ask Let's Encrypt; `until` may be over. */
export function certificateFor(host: string, issuer: Authority, until?: Date): Pair {
  const { privateKey, publicKey } = newKey()
  return issue(host, { privateKey, publicKey }, issuer, until)
}

export function selfSigned(name: string): Pair {
  const keys = newKey()
  return issue(name, keys, { name, key: keys.privateKey, publicKey: keys.publicKey })
}

function issue(name: string, keys: { privateKey: KeyObject; publicKey: KeyObject }, issuer: Authority, until = new Date(Date.now() + LIFE_MS - 60_000)): Pair {
  const from = new Date(until.getTime() - LIFE_MS)
  // A leading zero bit, or the serial number would be negative.
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)])
  const extensions = [sequence(BASIC_CONSTRAINTS, octets(sequence())), ...(name.includes(' ') ? [] : [sequence(SUBJECT_ALT_NAME, octets(sequence(der(0x82, Buffer.from(name)))))])]
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ECDSA_SHA256,
    nameOf(issuer.name),
    sequence(time(from), time(until)),
    nameOf(name),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, issuer.key)
  const certificate = sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature))
  return {
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${(certificate.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`,
  }
}
