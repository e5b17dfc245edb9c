import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { AirstripError } from '../errors.ts'
import type { KubernetesObject, ManifestSource } from '../access.ts'
import { adviceOn } from './web.ts'
import { parseKubernetesYaml } from './yaml.ts'

export type Fetch = (url: string) => Promise<string>

/** A file, or the pinned download: from the cache where its checksum is right, else from the network. */
export async function findManifest(cache: string, fetchText: Fetch, source: ManifestSource): Promise<KubernetesObject[]> {
  if (source.file !== undefined) {
    const text = readLocal(source.file)
    if (source.sha256 !== undefined) checkSum(text, source.sha256, source.file)
    return parseManifestText(text, source.file)
  }
  if (source.sha256 === undefined) throw unpinned(source.url)
  const cached = join(cache, 'manifests', `${source.sha256}.yaml`)
  const known = readCached(cached, source.sha256)
  if (known !== undefined) return parseManifestText(known, source.url)
  const text = await download(fetchText, source.url)
  checkSum(text, source.sha256, source.url)
  mkdirSync(join(cache, 'manifests'), { recursive: true })
  await writeFileAtomic(cached, text)
  return parseManifestText(text, source.url)
}

function checkSum(text: string, expected: string, place: string): void {
  const sum = sha256(text)
  if (sum === expected) return
  throw new AirstripError('MANIFEST_UNAVAILABLE', `${place} is not the file that was pinned.`, { place, seen: [`SHA-256 ${sum}, expected ${expected}`] })
}

function unpinned(url: string): AirstripError {
  return new AirstripError('MANIFEST_UNAVAILABLE', `No checksum is known for ${url}.`, {
    place: url,
    next: 'Write provisioner.sha256 after looking at the file, or choose a version that airstrip knows.',
  })
}

function readLocal(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AirstripError('MANIFEST_UNAVAILABLE', `The manifest ${file} cannot be read.`, { place: file, cause })
  }
}

/** Checked again on every use: a cache is a file that anything may have written to. */
function readCached(path: string, sum: string | undefined): string | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    return sha256(text) === sum ? text : undefined
  } catch {
    return undefined
  }
}

async function download(fetchText: Fetch, url: string): Promise<string> {
  try {
    return await fetchText(url)
  } catch (cause) {
    const seen = [cause instanceof Error ? cause.message : String(cause)]
    throw new AirstripError('MANIFEST_UNAVAILABLE', `${url} could not be downloaded.`, { place: url, seen, cause, next: adviceOn(cause) })
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function parseManifestText(text: string, place: string): KubernetesObject[] {
  const documents = parseKubernetesYaml(text)
  const wrong = documents.find((document) => document.errors.length > 0)?.errors[0]
  if (wrong !== undefined) throw new AirstripError('MANIFEST_UNAVAILABLE', `${place} is not YAML: ${wrong.message.split('\n')[0] ?? ''}`, { place })
  const objects = documents.map((document) => document.toJS() as unknown).filter((object) => object !== null)
  if (objects.every(isObject)) return objects
  throw new AirstripError('MANIFEST_UNAVAILABLE', `${place} holds something that is no Kubernetes object.`, { place, seen: ['every document needs apiVersion, kind and metadata.name'] })
}

function isObject(value: unknown): value is KubernetesObject {
  const { apiVersion, kind, metadata } = value as Partial<KubernetesObject>
  return [apiVersion, kind, metadata?.name].every((word) => typeof word === 'string')
}
