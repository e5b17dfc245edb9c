import type { KubernetesObject } from '../access.ts'
import { edited, loadManifest, pick } from './load.ts'

export interface IngressSpec {
  namespace: string
  /** The webserver's Service, and the name of our objects. */
  service: string
  host: string
  path: string
  prefix: 'strip' | 'mount'
  certResolver: string
  entryPoint: string
  address?: string | undefined
}

/** Host and path were validated where they entered: neither can hold a backtick. */
export function ingressObjects(spec: IngressSpec, group: string): KubernetesObject[] {
  const { namespace, service, host, path, prefix, certResolver, entryPoint } = spec
  const objects = loadManifest('ingress')
  const apiVersion = `${group}/v1alpha1`
  const metadata = { name: service, namespace }
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
        middlewares: prefix === 'strip' ? [{ name: service }] : [],
        services: [{ name: service, port: 8080 }],
      }],
      tls: { certResolver },
    },
  })
  return prefix === 'strip' ? [middleware, route] : [route]
}
