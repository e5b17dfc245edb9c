import { fullName } from '../airflow/images.ts'
import type { ImageAnswer } from '../access.ts'

/** For all images together: whoever waits for them waits no longer than this. */
const patienceMs = 5000

const kinds = [
  'application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

export interface Registries {
  /** Where a registry's API is; a test says where. */
  addressOf: (host: string) => string | undefined
  patienceMs?: number
}

/**
 * Docker Hub's API has another name than its images. A registry on the loopback is the node's own, and
 * another one than this machine's.
 */
const real: Registries = {
  addressOf: (host) => (/^(localhost|127\.|\[::1\])/.test(host) ? undefined : `https://${host === 'docker.io' ? 'registry-1.docker.io' : host}`),
}

/** Asks each image's registry for it, side by side, as anybody may: without a login, and pulling nothing. */
export function askRegistries(images: readonly string[], registries: Registries = real, stop?: AbortSignal): Promise<ImageAnswer[]> {
  const limit = AbortSignal.timeout(registries.patienceMs ?? patienceMs)
  const signal = stop === undefined ? limit : AbortSignal.any([limit, stop])
  return Promise.all(images.map((image) => askOne(image, registries, signal)))
}

async function askOne(image: string, { addressOf }: Registries, signal: AbortSignal): Promise<ImageAnswer> {
  const [, host = '', repository = '', tag, digest] = /^([^/]+)\/(.+?)(?::([\w][\w.-]*))?(?:@(sha256:[0-9a-f]+))?$/.exec(fullName(image)) ?? []
  const address = addressOf(host)
  const reference = digest ?? tag
  if (address === undefined || reference === undefined) return { image, state: 'unknown', reason: `${host || image} cannot be asked from here` }
  try {
    return { image, ...(await judged(`${address}/v2/${repository}/manifests/${reference}`, host, signal)) }
  } catch (error) {
    return { image, state: 'unknown', reason: signal.aborted ? `${host} did not answer in time` : `${host} could not be asked: ${causeOf(error)}` }
  }
}

/** A proxy or a captive portal answers 404 as well: only the registry's own words for it count. */
async function judged(url: string, host: string, signal: AbortSignal): Promise<Omit<ImageAnswer, 'image'>> {
  const first = await asked(url, 'HEAD', signal)
  const token = first.status === 401 ? await tokenFor(first.headers.get('www-authenticate'), signal) : undefined
  const { status } = token === undefined ? first : await asked(url, 'HEAD', signal, token)
  if (status === 200) return { state: 'there', reason: `${host} has it` }
  if (status !== 404) return { state: 'unknown', reason: `${host} answers ${status}` }
  const said = await (await asked(url, 'GET', signal, token)).text()
  const [, code] = /"code"\s*:\s*"(MANIFEST_UNKNOWN|NAME_UNKNOWN|NOT_FOUND)"/.exec(said.slice(0, 10_000)) ?? []
  return code === undefined ? { state: 'unknown', reason: `${host} answers 404, but not as a registry does` } : { state: 'absent', reason: `${host} answers 404: ${code}` }
}

function asked(url: string, method: string, signal: AbortSignal, token?: string): Promise<Response> {
  return fetch(url, { method, signal, headers: { accept: kinds, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) } })
}

/** `Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/redis:pull"` */
async function tokenFor(challenge: string | null, signal: AbortSignal): Promise<string | undefined> {
  const words = Object.fromEntries([...(challenge ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value])) as Record<string, string | undefined>
  if (!/^bearer /i.test(challenge ?? '') || words.realm === undefined) return undefined
  const realm = new URL(words.realm)
  for (const name of ['service', 'scope']) if (words[name] !== undefined) realm.searchParams.set(name, words[name])
  const answer = await fetch(realm, { signal })
  if (!answer.ok) return undefined
  const { token, access_token: other } = (await answer.json()) as { token?: string; access_token?: string }
  return token ?? other
}

function causeOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  return cause instanceof Error && cause.message !== '' ? cause.message : message
}
