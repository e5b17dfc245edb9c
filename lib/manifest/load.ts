import { readdirSync, readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import type { KubernetesObject } from '../access.ts'

const folder = new URL('../../manifests/', import.meta.url)

/** The objects of `manifests/NAME.yaml`: our own files, as they stand, with the reference's values. */
export function loadManifest(name: string): KubernetesObject[] {
  return parseAllDocuments(readFileSync(new URL(`${name}.yaml`, folder), 'utf8')).map((document) => document.toJS() as KubernetesObject)
}

/** Changes with every change of our own files: what they make of the same configuration may then be something else. */
export function manifestsText(): string {
  return readdirSync(folder).sort().map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n')
}

/** A value with the same shape, every field optional, at any depth. */
export type Edit = Record<string, unknown>

/**
 * A copy with fields replaced. Objects are merged, anything else (a list too) is replaced whole, so
 * what the configuration says can never be read as YAML.
 */
export function edited<T>(value: T, edit: Edit): T {
  const merged: Record<string, unknown> = { ...(value as Record<string, unknown>) }
  for (const [field, change] of Object.entries(edit)) {
    const current = merged[field]
    merged[field] = isRecord(change) && isRecord(current) ? edited(current, change) : change
  }
  return merged as T
}

/** The one object of that kind, whose name may be given where there are several. */
export function pick(objects: readonly KubernetesObject[], kind: string, name?: string): KubernetesObject {
  const found = objects.find((object) => object.kind === kind && (name === undefined || object.metadata.name === name))
  if (found === undefined) throw new Error(`manifests/ has no ${kind} ${name ?? ''}`)
  return found
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
