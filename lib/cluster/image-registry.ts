import { fullName } from '../airflow/images.ts'
import type { ImageAnswer } from '../access.ts'
import { hostIsLoopback, openRegistry, registryAddress, type RegistryPlace } from './registry.ts'
import { textOf, type Web } from './web.ts'

/** For all images together: whoever waits for them waits no longer than this. */
const patienceMs = 5000

/** Of what a registry says of its refusal. */
const mostSaid = 100_000

const kinds = [
  'application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

export interface Registries {
  web: Web
  /** Where a registry's API is; a test says where. */
  addressOf?: (host: string) => string | undefined
  patienceMs?: number
}

/** A registry on the loopback is the node's own, and another one than this machine's. */
const addressFor = (host: string): string | undefined => (hostIsLoopback(host) ? undefined : registryAddress(host))

/** Asks each image's registry for it, side by side, as anybody may: without a login, and pulling nothing. */
export function askRegistries(images: readonly string[], registries: Registries, stop?: AbortSignal): Promise<ImageAnswer[]> {
  const limit = AbortSignal.timeout(registries.patienceMs ?? patienceMs)
  const signal = stop === undefined ? limit : AbortSignal.any([limit, stop])
  return Promise.all(images.map((image) => askOne(image, registries, signal)))
}

async function askOne(image: string, { web, addressOf = addressFor }: Registries, signal: AbortSignal): Promise<ImageAnswer> {
  const [, host = '', repository = '', tag, digest] = /^([^/]+)\/(.+?)(?::([\w][\w.-]*))?(?:@(sha256:[0-9a-f]+))?$/.exec(fullName(image)) ?? []
  const address = addressOf(host)
  const reference = digest ?? tag
  if (address === undefined || reference === undefined) return { image, state: 'unknown', reason: `${host || image} cannot be asked from here` }
  try {
    return { image, ...(await judged({ web, address, signal }, host, `/v2/${repository}/manifests/${reference}`)) }
  } catch (error) {
    return { image, state: 'unknown', reason: signal.aborted ? `${host} did not answer in time` : `${host} could not be asked: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** A proxy or a captive portal answers 404 as well: only the registry's own words for it count. */
async function judged(place: RegistryPlace, host: string, path: string): Promise<Omit<ImageAnswer, 'image'>> {
  const registry = openRegistry(place)
  const { status } = await registry.ask(path, { method: 'HEAD', accept: kinds })
  if (status === 200) return { state: 'there', reason: `${host} has it` }
  if (status !== 404) return { state: 'unknown', reason: `${host} answers ${status}` }
  const said = await textOf(await registry.ask(path, { accept: kinds }), mostSaid)
  const [, code] = /"code"\s*:\s*"(MANIFEST_UNKNOWN|NAME_UNKNOWN|NOT_FOUND)"/.exec(said) ?? []
  return code === undefined ? { state: 'unknown', reason: `${host} answers 404, but not as a registry does` } : { state: 'absent', reason: `${host} answers 404: ${code}` }
}
