import type { Release } from '../../access.ts'

/**
 * A person's chart values without what may be secret: a text stays only where its key says what kind
 * of thing it is. Rules read names, switches and numbers.
 */
import { isSecretName, learnSetting } from '../learn.ts'
import { mask } from '../redact.ts'
import type { Scope } from './collector.ts'

const readable = /^(executor|repository|tag|airflowVersion|defaultAirflow\w+|storageClass(Name)?|existingClaim|accessMode|base_url|AIRFLOW__WEBSERVER__BASE_URL|enable_proxy_fix|type|\w*[sS]ecretName|existingSecret|host|path|subPath|protocol|sslmode|pullPolicy|apiVersion|kind|name|branch|rev|size)$/
/** Names a Secret, whatever else the word may mean elsewhere. */
const references = /[sS]ecretName$|^existingSecret$/
/** Of git-sync's login, in the official chart and in the community's; what Kubernetes takes for no name, or is long and hexadecimal, may be the login itself. */
const gitReferences = /^(?:credentials|sshKey|ssh|http)Secret$/
const objectName = /^(?![0-9a-f]{20,}$)[a-z0-9][a-z0-9.-]{0,62}$/
/** Only names are in them. */
const keyReference = /^(secret|configMap)KeyRef$/
/** Where pods may go: keys and values of labels and taints, which nodes and pods have in the open. */
const placement = /^(tolerations|nodeSelector|affinity|topologySpreadConstraints)$/

const reference = ['name', 'key', 'optional']

function isReference(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.entries(value).every(([key, one]) => reference.includes(key) && typeof one !== 'object')
}

export function readableValues(values: Record<string, unknown>, { learn = () => undefined, count }: Pick<Scope, 'learn' | 'count'> = {}): Record<string, unknown> {
  const hidden = (key: string, value: string): string => {
    count?.('values')
    learnSetting(learn, key, value)
    return mask
  }
  const of = (value: unknown, key: string, within?: 'placement' | 'gitSync'): unknown => {
    if (within === undefined && typeof value === 'object' && (placement.test(key) || key === 'gitSync')) return of(value, key, key === 'gitSync' ? key : 'placement')
    if (Array.isArray(value)) return value.map((one) => of(one, key, within))
    if (keyReference.test(key) && isReference(value)) return value
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, of(one, inner === 'value' ? named(value) ?? inner : inner, within)]))
    const secret = isSecretName(key) && !references.test(key)
    if (typeof value === 'number' && secret) return hidden(key, String(value))
    if (typeof value !== 'string' || value === '') return value
    if (within === 'gitSync' && gitReferences.test(key) && objectName.test(value)) return value
    return (readable.test(key) || within === 'placement') && !secret ? value : hidden(key, value)
  }
  return of(values, '') as Record<string, unknown>
}

/** `env` is a list of names with their values: what a value is, its name says. */
function named(value: unknown): string | undefined {
  const name = typeof value === 'object' && value !== null ? (value as { name?: unknown; value?: unknown }).name : undefined
  return typeof name === 'string' && (value as { value?: unknown }).value !== undefined ? name : undefined
}

/** What charts and their documentation put in, and what is guessed first. */
const everybodys = ['admin', 'airflow', 'password', 'postgres', 'changeme', 'redis', 'test', 'secret', '123456']

export function isKnownPassword(value: string): boolean {
  return everybodys.includes(value.trim().toLowerCase())
}

interface LoginValues {
  webserver?: { defaultUser?: { enabled?: boolean; password?: unknown } }
  createUserJob?: { args?: unknown }
  airflow?: { users?: { username?: unknown; password?: unknown }[] }
}

/** Of the people that the chart makes; a chart that is told no password takes its own, `admin`. */
export function knownPasswords({ values, hooks, objects }: Release): string[] {
  const { webserver, createUserJob, airflow } = values as LoginValues
  const { enabled = true, password = 'admin' } = webserver?.defaultUser ?? {}
  const makes = hooks.some(({ ref }) => isCreateUser(ref.kind, ref.name)) || objects.some(({ kind, metadata }) => isCreateUser(kind, metadata.name))
  // Other arguments may take it from elsewhere.
  const official = enabled && makes && createUserJob?.args === undefined && isKnown(password) ? ['webserver.defaultUser.password'] : []
  const users = Array.isArray(airflow?.users) ? airflow.users : []
  return [...official, ...users.flatMap(({ password: one }, index) => (isKnown(one) ? [`airflow.users[${index}].password`] : []))]
}

function isCreateUser(kind: string, name: string): boolean {
  return kind === 'Job' && name.endsWith('create-user')
}

function isKnown(password: unknown): boolean {
  return typeof password === 'string' && isKnownPassword(password)
}
