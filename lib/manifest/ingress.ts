import type { KubernetesObject } from '../access.ts'
import { edited, loadManifest, pick } from './load.ts'

export interface IngressSpec {
  namespace: string
  /** The name of our objects. */
  route: string
  /** The Service of what serves the web page. */
  service: string
  host: string
  path: string
  prefix: 'strip' | 'mount'
  certResolver: string
  entryPoint: string
  address?: string | undefined
}

/** The same whatever serves the page, so that the route of Airflow 2 becomes that of Airflow 3. */
export function routeName(release: string): string {
  return `${release}-webserver`
}

/** Host and path were validated where they entered: neither can hold a backtick. */
export function ingressObjects(spec: IngressSpec, group: string): KubernetesObject[] {
  const { namespace, route: name, service, host, path, prefix, certResolver, entryPoint } = spec
  const objects = loadManifest('ingress')
  const apiVersion = `${group}/v1alpha1`
  const metadata = { name, namespace }
  const middleware = edited(pick(objects, 'Middleware'), { apiVersion, metadata, spec: { stripPrefix: { prefixes: [path] } } })
  const route = edited(pick(objects, 'IngressRoute'), {
    apiVersion,
    metadata,
    spec: {
      entryPoints: [entryPoint],
      routes: [{
        kind: 'Rule',
        match: `Host(\`${host}\`) && PathPrefix(\`${path}\`)`,
        // Said in either case: a route that still names a Middleware that is gone is not loaded at all.
        middlewares: prefix === 'strip' ? [{ name }] : [],
        services: [{ name: service, port: 8080 }],
      }],
      tls: { certResolver },
    },
  })
  return prefix === 'strip' ? [middleware, route] : [route]
}
