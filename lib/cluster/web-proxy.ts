/**
 * Which proxy the environment names for an address, by the rules that Helm and kubectl keep (those of Go): an
 * answer of another kind here would be a chart that Helm can download and airstrip cannot find.
 */
import { BlockList, isIP } from 'node:net'

export interface WebProxy {
  /** Without the login. */
  address: string
  /** As the header has it. */
  login?: string | undefined
  /** The name of the variable, for what has to be said of it. */
  variable: string
}

/** Undefined where the way is the direct one. */
export function proxyFor({ protocol, hostname, port }: URL, env: NodeJS.ProcessEnv): WebProxy | undefined {
  const variable = inUse(protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY', env)
  if (variable === undefined) return undefined
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const spared = env[inUse('NO_PROXY', env) ?? ''] ?? ''
  if (isLoopback(host) || spares(spared, host, port || (protocol === 'https:' ? '443' : '80'))) return undefined
  return parsed(variable, env[variable] ?? '')
}

/** In capitals or not; an empty one counts as none. */
function inUse(name: string, env: NodeJS.ProcessEnv): string | undefined {
  return [name, name.toLowerCase()].find((one) => env[one])
}

/** What is on this machine no proxy could reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && isIP(host) === 4)
}

/** `.example.org` is what lies below it, `example.org` that and itself, `10.0.0.0/8` addresses; any of them for one port. */
function spares(list: string, host: string, port: string): boolean {
  return list.toLowerCase().split(/[\s,]+/).filter((word) => word !== '').some((word) => {
    if (word === '*') return true
    const [, network, prefix] = /^([\d.]+|[\da-f:.]+)\/(\d{1,3})$/.exec(word) ?? []
    if (network !== undefined) return inNetwork(host, network, Number(prefix))
    const [, bare = word, only] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(word) ?? []
    if (only !== undefined && only !== port) return false
    const name = bare.replace(/^\[|\]$/g, '').replace(/^\*\./, '.')
    return name.startsWith('.') ? host.endsWith(name) : host === name || (isIP(name) === 0 && host.endsWith(`.${name}`))
  })
}

function inNetwork(host: string, network: string, prefix: number): boolean {
  const [family, itsFamily] = [isIP(network), isIP(host)]
  if (family === 0 || itsFamily === 0 || prefix > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(network, prefix, family === 4 ? 'ipv4' : 'ipv6')
  return list.check(host, itsFamily === 4 ? 'ipv4' : 'ipv6')
}

/** An address that cannot be used is told by the variable alone: there may be a password in it. */
function parsed(variable: string, value: string): WebProxy {
  const url = parsedUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`)
  if (url === undefined) throw new Error(`${variable} is no address of a proxy`)
  if (!/^https?:$/.test(url.protocol)) throw new Error(`${variable} names a proxy of the kind ${url.protocol.replace(':', '')}, which only kubectl and helm can use`)
  return { address: url.origin, variable, login: loginIn(url) }
}

function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

/** What stands before the host of an address, as the header has it. */
export function loginIn({ username, password }: URL): string | undefined {
  return username === '' ? undefined : `Basic ${Buffer.from(`${plain(username)}:${plain(password)}`).toString('base64')}`
}

/** A percent sign that begins no code is one. */
function plain(word: string): string {
  try {
    return decodeURIComponent(word)
  } catch {
    return word
  }
}
