import { request } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { HttpsAnswer } from '../access.ts'
import { tookTheConnection, tookTheRequest } from '../observe/answer.ts'

const longestBody = 64 * 1024
const longestMs = 10_000

/**
 * One GET as a browser would make it, to an address of our choosing. Any certificate is accepted,
 * because a wrong one is a finding and not the end of the look; it is returned to be judged.
 */
export function getHttps(url: string, address?: string, timeoutMs = longestMs): Promise<HttpsAnswer> {
  const { hostname, pathname, search } = new URL(url)
  const { host, port } = endpointOf(address ?? hostname)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host, port, path: pathname + search, servername: hostname, headers: { host: hostname, 'user-agent': 'airstrip' }, rejectUnauthorized: false, agent: false, timeout: timeoutMs },
      (incoming) => {
        const certificate = certificateOf(incoming.socket)
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size <= longestBody) chunks.push(chunk)
          else incoming.destroy()
        })
        const finish = (): void => {
          resolve({ status: incoming.statusCode ?? 0, headers: flat(incoming.headers), body: Buffer.concat(chunks).toString(), ...(certificate === undefined ? {} : { certificate }) })
        }
        incoming.on('end', finish).on('close', finish).on('error', reject)
      },
    )
    let taken: string | undefined
    outgoing.on('socket', (socket) => socket.once('connect', () => { taken = tookTheConnection }).once('secureConnect', () => { taken = tookTheRequest }))
    outgoing.on('timeout', () => outgoing.destroy(new Error(taken === undefined ? `no answer from ${host}:${port} within ${timeoutMs / 1000} s` : `${host}:${port} ${taken} and gave no answer within ${timeoutMs / 1000} s`)))
    outgoing.on('error', reject).end()
  })
}

/** `IP`, `IP:PORT`, `[IPv6]`, `[IPv6]:PORT` or a name. */
function endpointOf(address: string): { host: string; port: string } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(address) ?? []
  return { host: bracketed ?? plain ?? address, port: port ?? '443' }
}

function certificateOf(socket: Socket): HttpsAnswer['certificate'] {
  if (!(socket instanceof TLSSocket)) return undefined
  const certificate = socket.getPeerCertificate()
  if (certificate.subject === undefined) return undefined
  return {
    subject: String(certificate.subject.CN ?? ''),
    issuer: String(certificate.issuer.CN ?? ''),
    validFrom: new Date(certificate.valid_from).toISOString(),
    validTo: new Date(certificate.valid_to).toISOString(),
    names: (certificate.subjectaltname ?? '').split(', ').map((name) => name.replace(/^DNS:/, '')).filter((name) => name !== ''),
  }
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]))
}
