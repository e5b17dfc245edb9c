/** The versions of a chart in a registry: its tags, and what Helm pushed with each as the chart's own metadata. */
import { createHash } from 'node:crypto'
import semver from 'semver'
import { z } from 'zod'
import type { ChartFacts, ChartList } from '../access.ts'
import { parsedJson } from '../json.ts'
import { chartFields, defined, keptList, newestFirst, type Asked, type Kept } from './kept-list.ts'
import { openRegistry, registryAddress, type Registry } from './registry.ts'
import { loginFor } from './registry-login.ts'
import { textOf, WebError, type Web } from './web.ts'

/** For all that is asked of a registry together. */
const mostPatienceMs = 30_000
/** So many are looked into, each with two requests: the official chart has not had more in its life. */
const mostVersions = 50
const atOnce = 6
/** A list of tags comes in pages, in the order of the alphabet: the newest may be on the last. */
const mostPages = 50
const mostPageBytes = 2_000_000
const mostTags = 50_000
const mostManifestBytes = 1_000_000
const mostConfigBytes = 1_000_000

const manifestKind = 'application/vnd.oci.image.manifest.v1+json'
const configKind = 'application/vnd.cncf.helm.config.v1+json'

const tagsSchema = z.object({ tags: z.array(z.string()).nullable() })
const manifestSchema = z.object({ config: z.object({ mediaType: z.literal(configKind), digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) }) })

/** Chart.yaml as JSON. */
const configSchema = z.object({ ...chartFields, deprecated: z.boolean().optional().catch(undefined) })

export interface RegistrySources {
  cacheFolder: string
  web: Web
  env: NodeJS.ProcessEnv
  now: () => Date
  signal?: AbortSignal | undefined
  patienceMs?: number
}

/** Rejects with a sentence where the registry does not say; Helm may know more then. */
export async function readRegistry({ cacheFolder, web, env, now, signal, patienceMs = mostPatienceMs }: RegistrySources, reference: string): Promise<ChartList> {
  const [, host = '', name = ''] = /^oci:\/\/([^/]+)\/(.+)$/.exec(reference) ?? []
  const address = registryAddress(host)
  const limit = AbortSignal.timeout(patienceMs)
  // What is still under way when one of them has failed would be asked in vain.
  const end = new AbortController()
  const { basic, elsewhere } = loginFor(host, env)
  const registry = openRegistry({ web, address, login: basic, signal: AbortSignal.any([limit, end.signal, ...(signal === undefined ? [] : [signal])]) })
  try {
    return await keptList(cacheFolder, now(), { address: `${address}/v2/${name}/tags/list`, name, reference }, (kept) => listed(registry, name, kept).catch((error: unknown) => {
      throw explained(error, { host, late: limit.aborted ? patienceMs : undefined, elsewhere })
    }))
  } finally {
    end.abort()
  }
}

/** An answer that is a refusal. */
class Refusal extends WebError {}

function explained(error: unknown, { host, late, elsewhere }: { host: string; late: number | undefined; elsewhere: string | undefined }): WebError {
  if (late !== undefined) return new WebError(`${host} did not answer within ${late / 1000} s`, { cause: error })
  const { message, next } = error instanceof WebError ? error : new WebError(String(error))
  return new WebError(`${host}: ${message}${error instanceof Refusal && elsewhere !== undefined ? `, and ${elsewhere}` : ''}`, { cause: error, next })
}

async function listed(registry: Registry, name: string, kept: Kept | undefined): Promise<Asked> {
  const all = newestFirst((await tagsOf(registry, name)).flatMap(versionOf))
  const looked = await inTurns(all.slice(0, mostVersions), (one) => entryOf(registry, name, one, kept))
  const found = looked.filter((one) => one !== undefined)
  const charts = found.flatMap(({ chart }) => (chart === undefined ? [] : [chart]))
  if (charts.length === 0) throw new WebError(`${name} holds no chart with a version`)
  const older = all.length - mostVersions
  return {
    charts,
    manifests: Object.fromEntries(found.map(({ version, manifest }) => [version, manifest])),
    ...(older > 0 ? { note: `of the versions in the registry the newest ${mostVersions} were looked into, and not the ${older} older ones` } : {}),
  }
}

/** Page by page, as the Link header leads: to the same list and to nothing else. */
async function tagsOf(registry: Registry, name: string): Promise<string[]> {
  const list = `/v2/${name}/tags/list`
  const tags: string[] = []
  let path: string | undefined = `${list}?n=1000`
  for (let page = 0; path !== undefined; page += 1) {
    if (page === mostPages) throw new WebError(`its list of tags has more than ${mostPages} pages`)
    const answer: Response = await given(registry, path)
    const { data } = tagsSchema.safeParse(parsedJson(await textOf(answer, mostPageBytes)))
    if (data === undefined) throw new WebError('what it gave is no list of tags')
    tags.push(...data.tags ?? [])
    if (tags.length > mostTags) throw new WebError(`it has more than ${mostTags} tags`)
    path = nextPage(answer, list)
  }
  return tags
}

/** `</v2/NAME/tags/list?n=1000&last=1.9.0>; rel="next"` */
function nextPage({ headers, url }: Response, list: string): string | undefined {
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next\b/i.exec(headers.get('link') ?? '') ?? []
  if (target === undefined) return undefined
  const next = URL.canParse(target, url) ? new URL(target, url) : undefined
  if (next?.origin !== new URL(url).origin || next.pathname !== list) throw new WebError('its list of tags goes on elsewhere')
  return `${list}${next.search}`
}

async function given(registry: Registry, path: string, accept = 'application/json'): Promise<Response> {
  const answer = await registry.ask(path, { accept })
  if (answer.ok) return answer
  await answer.body?.cancel()
  throw new Refusal(`the answer was ${answer.status}`)
}

interface Tagged { tag: string; version: string }

/** A tag may not have the `+` of a version, so Helm writes `_`. Helm takes no other tag for a version than what is one as it stands. */
function versionOf(tag: string): Tagged[] {
  const version = tag.replace('_', '+')
  return tag.length < 200 && /^\d/.test(tag) && semver.valid(version) !== null ? [{ tag, version }] : []
}

/** Without a chart where the tag is that of something else, such as an image. */
interface Entry { version: string; manifest: string; chart?: ChartFacts | undefined }

/** A manifest that has not changed is not asked for: registries count those, and Docker Hub gives a hundred in six hours. */
async function entryOf(registry: Registry, name: string, { tag, version }: Tagged, kept: Kept | undefined): Promise<Entry | undefined> {
  const path = `/v2/${name}/manifests/${tag}`
  const known = kept?.manifests?.[version]
  if (known !== undefined) {
    const { headers, ok } = await registry.ask(path, { method: 'HEAD', accept: manifestKind })
    if (ok && headers.get('docker-content-digest') === known) return { version, manifest: known, chart: kept?.charts.find((one) => one.version === version) }
  }
  const answer = await registry.ask(path, { accept: manifestKind })
  // Taken away since the list was made.
  if (answer.status === 404) return void answer.body?.cancel()
  if (!answer.ok) throw new Refusal(`the answer was ${answer.status}`)
  const text = await textOf(answer, mostManifestBytes)
  const { data } = manifestSchema.safeParse(parsedJson(text))
  return { version, manifest: digestOf(text), chart: data === undefined ? undefined : await chartOf(registry, name, version, data.config.digest) }
}

/** Undefined where it is not what was promised: Helm would pull something else than what was chosen. */
async function chartOf(registry: Registry, name: string, version: string, digest: string): Promise<ChartFacts | undefined> {
  const text = await textOf(await given(registry, `/v2/${name}/blobs/${digest}`, '*/*'), mostConfigBytes)
  if (digestOf(text) !== digest) throw new WebError(`what it gave for ${version} has another digest than its manifest says`)
  const { data } = configSchema.safeParse(parsedJson(text))
  return data?.version === version ? defined(data) : undefined
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

/** A few at a time, each as soon as another is through. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const waiting = items.entries()
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (const [index, item] of waiting) results[index] = await work(item)
  }))
  return results
}
