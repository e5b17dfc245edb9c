import type { Family } from './families.ts'

/** What the values of any chart are made of. */
export interface ValuesSpec {
  release: string
  admin: { username: string; email: string; firstName: string; lastName: string; role: string }
  database: { user: string; name: string; imageTag?: string | undefined; external?: string | undefined; port: number; sslmode: string }
  image: { repository?: string | undefined; tag?: string | undefined }
  claims: { dags: string; logs: string }
  /** `https://HOST`, and the path below it. */
  origin: string
  path: string
  prefix: 'strip' | 'mount'
  /** The person's own values, over all of these. */
  overrides: Record<string, unknown>
}

/**
 * Airflow mounts its pages under the path of its base_url. So the prefix is handled once: either
 * Traefik takes it away and Airflow 2 learns of it from X-Forwarded-Prefix, or Airflow has it.
 */
export function baseUrl({ origin, path, prefix }: ValuesSpec, { keepsPrefix }: Pick<Family, 'keepsPrefix'>): string {
  return keepsPrefix || prefix === 'mount' ? `${origin}${path}` : origin
}

/** What stands at a path like `postgresql.image.tag`. */
export function valueAt(values: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | null | undefined)?.[key], values)
}

export interface Variable {
  name: string
  value?: string
  valueFrom?: { secretKeyRef?: { name?: string; key?: string } }
}

/** Where the community chart takes a key by reference. */
export const keyVariables = { fernetKey: 'AIRFLOW__CORE__FERNET_KEY', webserverSecretKey: 'AIRFLOW__WEBSERVER__SECRET_KEY' } as const

/** Variables of a person's own for the community chart, which come over all of its settings. */
export function extraEnvOf(values: Record<string, unknown>): Variable[] {
  const extraEnv = valueAt(values, 'airflow.extraEnv')
  return Array.isArray(extraEnv) ? (extraEnv as Variable[]) : []
}

/** The Secret that values give the Fernet key by; undefined where the chart makes its own. */
export function fernetSecretOf(values: Record<string, unknown>): string | undefined {
  if (typeof values.fernetKeySecretName === 'string') return values.fernetKeySecretName
  return extraEnvOf(values).find(({ name }) => name === keyVariables.fernetKey)?.valueFrom?.secretKeyRef?.name
}
