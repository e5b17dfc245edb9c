/** The distribution API of registries: of images, and of the charts that are kept in the same way. */
import { z } from 'zod'
import { parsedJson } from '../json.ts'
import { isLoopback } from './web-proxy.ts'
import { textOf, WebError, type Web } from './web.ts'

export interface Registry {
  /** Below its address. What it does not answer with 401 is an answer, whatever its status. */
  ask: (path: string, how?: { method?: 'GET' | 'HEAD'; accept?: string }) => Promise<Response>
}

export interface RegistryPlace {
  web: Web
  /** Its scheme and host. */
  address: string
  signal: AbortSignal
  /** As the header has it: `Basic …`. Shown to nobody but the registry and whom it names for its tokens. */
  login?: string | undefined
}

export function hostIsLoopback(host: string): boolean {
  return isLoopback(host.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''))
}

/** Docker Hub's API has another name than its images; on the loopback a registry has no TLS, as for Helm and containerd. */
export function registryAddress(host: string): string {
  return `${hostIsLoopback(host) ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`
}

/** A token is fetched when the registry asks for one, and kept for what is asked after that. */
export function openRegistry({ web, address, signal, login }: RegistryPlace): Registry {
  let authorization: string | undefined
  const asked = (path: string, method: 'GET' | 'HEAD', accept: string): Promise<Response> =>
    web(`${address}${path}`, { method, signal, headers: { accept, ...(authorization === undefined ? {} : { authorization }) } })
  return {
    ask: async (path, { method = 'GET', accept = '*/*' } = {}) => {
      const first = await asked(path, method, accept)
      // Whom the registry points at is not the one whose login this is.
      if (first.status !== 401 || new URL(first.url).origin !== new URL(address).origin) return first
      const renewed = await authorizationFor(first.headers.get('www-authenticate') ?? '', { web, address, signal, login })
      if (renewed === undefined) return first
      await first.body?.cancel()
      authorization = renewed
      return asked(path, method, accept)
    },
  }
}

async function authorizationFor(challenge: string, place: RegistryPlace): Promise<string | undefined> {
  if (/^basic\b/i.test(challenge)) return place.login
  const token = /^bearer\b/i.test(challenge) ? await tokenFor(challenge, place) : undefined
  return token === undefined ? undefined : `Bearer ${token}`
}

const mostTokenBytes = 100_000
/** As RFC 6750 has them; anything else would not go into a header. */
const token = z.string().regex(/^[\w\-.~+/]+=*$/).optional().catch(undefined)
const tokenSchema = z.object({ token, access_token: token })

/** `Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/redis:pull"` */
async function tokenFor(challenge: string, { web, address, signal, login }: RegistryPlace): Promise<string | undefined> {
  const words = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value])) as Record<string, string | undefined>
  if (words.realm === undefined) return undefined
  const realm = realmOf(words.realm)
  for (const name of ['service', 'scope']) if (words[name] !== undefined) realm.searchParams.set(name, words[name])
  if (login !== undefined && !mayBeTold(realm, address)) throw new WebError(`${new URL(address).host} wants the login sent to ${realm.host} without TLS`)
  const answer = await web(realm, { signal, headers: login === undefined ? {} : { authorization: login } })
  if (!answer.ok) {
    await answer.body?.cancel()
    return undefined
  }
  const { data } = tokenSchema.safeParse(parsedJson(await textOf(answer, mostTokenBytes)))
  return data?.token ?? data?.access_token
}

function realmOf(text: string): URL {
  if (!URL.canParse(text)) throw new WebError('it names no address for its tokens')
  const realm = new URL(text)
  realm.username = realm.password = ''
  return realm
}

/** A registry on this machine may have its tokens beside it. */
function mayBeTold({ protocol, host }: URL, address: string): boolean {
  return protocol === 'https:' || (protocol === 'http:' && hostIsLoopback(host) && hostIsLoopback(new URL(address).host))
}
