/**
 * Keys and passwords of one release outside of its cluster: what a file of them says, and how they
 * compare with what is there. The file is encrypted where it is written; here it is plain, and so
 * nothing of this file ever prints a value.
 */
import { z } from 'zod'
import { isDeepStrictEqual } from 'node:util'
import type { KubernetesObject, ReleaseName } from '../access.ts'
import { parsedJson } from '../json.ts'

export const keyringVersion = 1

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/)

export const keyringSchema = z.object({
  format: z.literal('airstrip-keys'),
  version: z.literal(keyringVersion),
  madeAt: z.iso.datetime(),
  release: z.string(),
  namespace: z.string(),
  secrets: z.array(z.object({
    name: z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/).max(253),
    /** As Kubernetes has it: base64 of each value. */
    data: z.record(z.string().regex(/^[\w.-]+$/), base64),
  })).min(1),
})

export type Keyring = z.output<typeof keyringSchema>

export function keyringOf({ name, namespace }: ReleaseName, secrets: readonly KubernetesObject[], now: Date): Keyring {
  return {
    format: 'airstrip-keys', version: keyringVersion, madeAt: now.toISOString(), release: name, namespace,
    secrets: secrets.map(({ metadata, data }) => ({ name: metadata.name, data: (data ?? {}) as Record<string, string> })),
  }
}

/** What a text says; a newer version is told from one that is none. */
export function parseKeyring(text: string): Keyring | 'newer' | undefined {
  const value = parsedJson(text)
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown }
  if (format === 'airstrip-keys' && typeof version === 'number' && version > keyringVersion) return 'newer'
  return keyringSchema.safeParse(value).data
}

export interface Compared {
  name: string
  /** Compared with what is there, value by value, and told without any. */
  live: 'absent' | 'same' | 'different'
}

/** `live` in the order of the keyring's Secrets. */
export function compared({ secrets }: Keyring, live: readonly (KubernetesObject | undefined)[]): Compared[] {
  return secrets.map(({ name, data }, index) => {
    const there = live[index]
    return { name, live: there === undefined ? 'absent' : isDeepStrictEqual(data, there.data ?? {}) ? 'same' : 'different' }
  })
}

/** Marked as ours, whatever marks they had: the next apply finds them and makes none anew. */
export function secretsOf({ namespace, release, secrets }: Keyring, names: readonly string[]): KubernetesObject[] {
  const labels = { 'app.kubernetes.io/managed-by': 'airstrip', 'app.kubernetes.io/instance': release }
  return secrets.filter(({ name }) => names.includes(name)).map(({ name, data }) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, type: 'Opaque', data }))
}

/** Where the values of the chart name a Secret: `data.metadataSecretName`. */
export function referencesTo(name: string, values: unknown, path = ''): string[] {
  if (values === name) return [path]
  if (typeof values !== 'object' || values === null) return []
  return Object.entries(values).flatMap(([key, inner]: [string, unknown]) => referencesTo(name, inner, Array.isArray(values) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`))
}
