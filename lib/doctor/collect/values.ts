/**
 * A person's chart values without what may be secret: a text stays only where its key says what kind
 * of thing it is. Rules read names, switches and numbers.
 */
const readable = /^(executor|repository|tag|airflowVersion|defaultAirflow\w+|storageClass(Name)?|existingClaim|accessMode|base_url|enable_proxy_fix|type|\w*SecretName|existingSecret|host|path|subPath|protocol|sslmode|pullPolicy|apiVersion|kind|name|branch|rev|size)$/
const never = /pass|token|credential|^secretKey$|privateKey/i

export function readableValues(values: Record<string, unknown>): Record<string, unknown> {
  return of(values, '') as Record<string, unknown>
}

function of(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((one) => of(one, key))
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, of(one, inner)]))
  if (typeof value !== 'string' || value === '') return value
  return readable.test(key) && !never.test(key) ? value : '••••••'
}
