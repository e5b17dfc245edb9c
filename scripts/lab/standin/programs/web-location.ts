import type { IncomingHttpHeaders } from 'node:http'

export interface Place {
  /** What stands before the path in every link that Airflow writes. */
  root: string
  /** The path as Airflow's own routes see it. */
  path: string
  origin: string
}

/**
 * Where a request lands. With a path in base_url Airflow answers below that path only. A prefix that a
 * proxy took away comes back through X-Forwarded-Prefix, where the proxy fix is on, and goes in front of
 * that path: handled in both places it is there twice.
 */
export function locate(
  url: string,
  headers: IncomingHttpHeaders,
  { baseUrl, proxyFix }: { baseUrl: string; proxyFix: boolean },
): Place | undefined {
  const header = (name: string): string | undefined => (proxyFix ? headers[`x-forwarded-${name}`]?.toString() : undefined)
  const mount = new URL(baseUrl).pathname.replace(/\/$/, '')
  const path = url.split('?')[0] ?? '/'
  if (mount !== '' && path !== mount && !path.startsWith(`${mount}/`)) return undefined
  const prefix = (header('prefix') ?? '').replace(/\/$/, '')
  return {
    root: prefix + mount,
    path: path.slice(mount.length) || '/',
    origin: `${header('proto') ?? 'http'}://${header('host') ?? headers.host ?? 'localhost'}`,
  }
}
