/** The way to the web, for what is asked of others than the cluster: through the proxy that the environment names, where it names one. */
import { proxyFor, type WebProxy } from './web-proxy.ts'

/** `fetch`, but that it follows redirects by its own rules, and that what fails says why in a sentence. */
export type Web = (url: string | URL, init?: WebRequest) => Promise<Response>

export interface WebRequest {
  method?: 'GET' | 'HEAD'
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** An answer did not come, or not whole. */
export class WebError extends Error {
  override readonly name = 'WebError'
  /** What to do, where it is known what is in the way. */
  readonly next: string | undefined

  constructor(sentence: string, { cause, next }: { cause?: unknown; next?: string | undefined } = {}) {
    super(sentence, { cause })
    this.next = next
  }
}

/** What to do about what kept an answer away; undefined where nothing is known of it. */
export function adviceOn(error: unknown): string | undefined {
  return error instanceof WebError ? error.next : undefined
}

const mostRedirects = 5

export function createWeb(env: NodeJS.ProcessEnv): Web {
  const ways = new Map<string, Promise<typeof fetch>>()
  const wayTo = async (url: URL): Promise<{ way: typeof fetch; proxy?: WebProxy }> => {
    const proxy = proxyFor(url, env)
    if (proxy === undefined) return { way: fetch }
    const key = JSON.stringify(proxy)
    const opened = ways.get(key) ?? openWay(proxy)
    ways.set(key, opened)
    return { way: await opened, proxy }
  }
  return async (url, { headers = {}, ...rest } = {}) => {
    let at = new URL(url)
    let sent = headers
    for (let count = 0; count <= mostRedirects; count += 1) {
      const { way, proxy } = await wayTo(at)
      const answer = await way(at, { ...rest, headers: sent, redirect: 'manual' }).catch((error: unknown) => {
        throw told(error, proxy)
      })
      const next = await redirectOf(answer, at)
      if (next === undefined) return answer
      // Whoever is pointed at has not been trusted with anything.
      if (next.origin !== at.origin) sent = Object.fromEntries(Object.entries(sent).filter(([name]) => name.toLowerCase() !== 'authorization'))
      at = next
    }
    throw new WebError(`${new URL(url).host} redirects without end`)
  }
}

async function redirectOf({ status, headers, body }: Response, from: URL): Promise<URL | undefined> {
  const location = [301, 302, 303, 307, 308].includes(status) ? headers.get('location') : null
  if (location === null) return undefined
  await body?.cancel()
  if (!URL.canParse(location, from.href)) throw new WebError(`${from.host} redirects to what is no address`)
  const next = new URL(location, from)
  if (!/^https?:$/.test(next.protocol)) throw new WebError(`${from.host} redirects to what is no address of the web`)
  next.username = next.password = ''
  return next
}

/** Read only where it is needed: it is as large as all the rest. What has no TLS is forwarded, since many proxies tunnel to port 443 alone. */
async function openWay({ address, login }: WebProxy): Promise<typeof fetch> {
  const { fetch: through, ProxyAgent } = await import('undici')
  const dispatcher = new ProxyAgent({ uri: address, proxyTunnel: false, ...(login === undefined ? {} : { token: login }) })
  return ((url: URL, init: object) => through(url, { ...init, dispatcher })) as unknown as typeof fetch
}

/** Those of a server whose authority this machine's Node does not know. */
const unknownAuthority = /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/

function told(error: unknown, proxy?: WebProxy): WebError {
  const reason = reasonOf(error)
  const sentence = proxy === undefined ? reason : `${reason}, through the proxy ${new URL(proxy.address).host} of ${proxy.variable}`
  if (codesOf(error).some((code) => unknownAuthority.test(code))) return new WebError(sentence, { cause: error, next: 'Where a company\'s own authority has signed that certificate: export NODE_EXTRA_CA_CERTS=FILE, its certificate in PEM, and run again.' })
  return new WebError(sentence, { cause: error, next: proxy === undefined ? undefined : `Check ${proxy.variable}, or name the host in NO_PROXY where it is to be asked directly.` })
}

function codesOf(error: unknown): string[] {
  const { code, cause, errors = [] } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: unknown[] }
  return [...(typeof code === 'string' ? [code] : []), ...(cause === undefined ? [] : codesOf(cause)), ...errors.flatMap(codesOf)]
}

/** fetch itself says only "fetch failed"; what did is its cause, or the cause of that. */
function reasonOf(error: unknown): string {
  const { message, cause, errors, code } = (error instanceof Error ? error : new Error(String(error))) as Error & { errors?: unknown[]; code?: string }
  const inner = cause ?? errors?.[0]
  if (inner instanceof Error) return reasonOf(inner)
  const [, status] = /^Proxy response \((\d+)\)/.exec(message) ?? []
  return status === undefined ? message || (code ?? 'no answer') : `the answer was ${status}`
}

/** As it comes, so that a text without end, packed or not, takes no more memory than is allowed. */
export async function textOf({ body }: Response, mostBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of body ?? []) {
      size += (part as Uint8Array).length
      if (size > mostBytes) break
      parts.push(part as Uint8Array)
    }
  } catch (error) {
    throw told(error)
  }
  if (size > mostBytes) throw new WebError(`it is longer than ${mostBytes < 1e6 ? `${Math.round(mostBytes / 1e3)} KB` : `${Math.round(mostBytes / 1e6)} MB`}`)
  return Buffer.concat(parts).toString()
}
