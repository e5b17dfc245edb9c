/**
 * A person's chart values without what may be secret: a text stays only where its key says what kind
 * of thing it is. Rules read names, switches and numbers.
 */
import { isSecretName, learnSetting } from '../learn.ts'
import { mask } from '../redact.ts'
import type { Scope } from './collector.ts'

const readable = /^(executor|repository|tag|airflowVersion|defaultAirflow\w+|storageClass(Name)?|existingClaim|accessMode|base_url|enable_proxy_fix|type|\w*SecretName|existingSecret|host|path|subPath|protocol|sslmode|pullPolicy|apiVersion|kind|name|branch|rev|size)$/
/** Names a Secret, whatever else the word may mean elsewhere. */
const references = /SecretName$|^existingSecret$/

export function readableValues(values: Record<string, unknown>, { learn = () => undefined, count }: Pick<Scope, 'learn' | 'count'> = {}): Record<string, unknown> {
  const hidden = (key: string, value: string): string => {
    count?.('values')
    learnSetting(learn, key, value)
    return mask
  }
  const of = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((one) => of(one, key))
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, of(one, inner === 'value' ? named(value) ?? inner : inner)]))
    const secret = isSecretName(key) && !references.test(key)
    if (typeof value === 'number' && secret) return hidden(key, String(value))
    if (typeof value !== 'string' || value === '') return value
    return readable.test(key) && !secret ? value : hidden(key, value)
  }
  return of(values, '') as Record<string, unknown>
}

/** `env` is a list of names with their values: what a value is, its name says. */
function named(value: unknown): string | undefined {
  const name = typeof value === 'object' && value !== null ? (value as { name?: unknown; value?: unknown }).name : undefined
  return typeof name === 'string' && (value as { value?: unknown }).value !== undefined ? name : undefined
}
