import { createHash } from 'node:crypto'
import type { Meta } from './kube.ts'
import { hostsIn, rule, type Asked } from './route-rules.ts'

export interface IngressRoute {
  metadata: Meta & { namespace: string }
  spec: {
    entryPoints?: string[]
    routes?: { kind?: string; match?: string; priority?: number; middlewares?: { name: string; namespace?: string }[]; services?: { name: string; namespace?: string; port?: number | string }[] }[]
    tls?: { certResolver?: string; secretName?: string } | null
  }
}

export interface Middleware {
  metadata: Meta & { namespace: string }
  spec?: { stripPrefix?: { prefixes?: string[]; forceSlash?: boolean } }
}

export interface Endpoints {
  metadata: Meta & { namespace: string }
  subsets?: { addresses?: { ip: string }[]; ports?: { name?: string; port: number }[] }[]
}

export interface Service {
  metadata: Meta & { namespace: string }
  spec: { ports?: { name?: string; port: number }[] }
}

export interface Found {
  routes: IngressRoute[]
  middlewares: Middleware[]
  services: Service[]
  endpoints: Endpoints[]
}

export interface Route {
  /** As Traefik's log has it: namespace, name, and a hash of the rule. */
  name: string
  matches: (asked: Asked) => boolean
  priority: number
  entryPoints: string[] | undefined
  tls: boolean
  hosts: string[]
  certResolver: string | undefined
  prefixes: string[]
  servers: { host: string; port: number }[]
}

/** What Traefik finds only when it builds the router; all else is said by the provider that reads the objects. */
class RouterError extends Error {}

/** The table of what is served, longest rule first, and in Traefik's words why each route that is left out is. */
export function routeTable(found: Found, entryPoints: readonly string[]): { routes: Route[]; errors: string[] } {
  const errors: string[] = []
  const routes = found.routes.flatMap(ingress => (ingress.spec.routes ?? []).flatMap(entry => {
    try {
      return [build(ingress, entry, found, entryPoints)]
    } catch (error) {
      const where = error instanceof RouterError
        ? `routerName=${nameOf(ingress, entry.match ?? '')}@kubernetescrd`
        : `ingress=${ingress.metadata.name} namespace=${ingress.metadata.namespace} providerName=kubernetescrd`
      errors.push(logLine(error instanceof Error ? error.message : String(error), where))
      return []
    }
  }))
  return { routes: routes.sort((a, b) => b.priority - a.priority), errors }
}

export function logLine(message: string, where: string): string {
  return `level=error msg=${JSON.stringify(message)} ${where}`
}

function nameOf({ metadata: { namespace, name } }: IngressRoute, match: string): string {
  return `${namespace}-${name}-${createHash('sha256').update(match).digest('hex').slice(0, 20)}`
}

function build(ingress: IngressRoute, entry: NonNullable<IngressRoute['spec']['routes']>[number], found: Found, entryPoints: readonly string[]): Route {
  const match = entry.match ?? ''
  const { namespace } = ingress.metadata
  if (match === '') throw new Error('Empty match rule')
  const [service] = entry.services ?? []
  if (service === undefined) throw new Error('no service')
  const target = servers(service, namespace, found)
  const unknown = (ingress.spec.entryPoints ?? []).filter(name => !entryPoints.includes(name))
  if (unknown.length > 0 && unknown.length === ingress.spec.entryPoints?.length) throw new RouterError(`entryPoint "${unknown.join()}" doesn't exist`)
  return {
    name: nameOf(ingress, match),
    matches: parsed(match),
    priority: entry.priority ?? match.length,
    entryPoints: ingress.spec.entryPoints,
    tls: ingress.spec.tls != null,
    hosts: hostsIn(match),
    certResolver: ingress.spec.tls?.certResolver,
    prefixes: (entry.middlewares ?? []).flatMap(reference => middleware(reference, namespace, found)),
    servers: target,
  }
}

function parsed(match: string): Route['matches'] {
  try {
    return rule(match)
  } catch (error) {
    throw new RouterError(error instanceof Error ? error.message : String(error))
  }
}

/** One middleware that is not there takes its whole route away; so does one of a kind that this stand-in lacks. */
function middleware(reference: { name: string; namespace?: string }, namespace: string, found: Found): string[] {
  if (reference.namespace !== undefined && reference.namespace !== namespace) {
    throw new Error(`middleware ${reference.namespace}/${reference.name} is not in the IngressRoute namespace ${namespace}`)
  }
  const target = found.middlewares.find(({ metadata }) => metadata.namespace === namespace && metadata.name === reference.name)
  if (target === undefined) throw new RouterError(`middleware "${namespace}-${reference.name}@kubernetescrd" does not exist`)
  const prefixes = target.spec?.stripPrefix?.prefixes
  if (prefixes === undefined) throw new RouterError(`invalid middleware "${namespace}-${reference.name}@kubernetescrd" configuration: invalid middleware type or middleware does not exist`)
  return prefixes
}

function servers(service: { name: string; namespace?: string; port?: number | string }, namespace: string, found: Found): Route['servers'] {
  const full = `${namespace}/${service.name}`
  if (service.namespace !== undefined && service.namespace !== namespace) throw new Error(`load balancer service ${service.namespace}/${service.name} is not in the parent resource namespace ${namespace}`)
  const isIt = ({ metadata }: { metadata: Meta }): boolean => metadata.namespace === namespace && metadata.name === service.name
  const definition = found.services.find(isIt)
  if (definition === undefined) throw new Error(`kubernetes service not found: ${full}`)
  const port = definition.spec.ports?.find(candidate => candidate.port === service.port || candidate.name === service.port)
  if (port === undefined) throw new Error(`service port not found: ${String(service.port)}`)
  const subsets = found.endpoints.find(isIt)?.subsets ?? []
  // No pod at all: Traefik makes no router, and says 404. A pod that is not ready yet: 503.
  if (subsets.length === 0) throw new Error(`subset not found for ${full}`)
  return subsets.flatMap(subset => {
    const target = subset.ports?.find(candidate => candidate.name === port.name)?.port
    return target === undefined ? [] : (subset.addresses ?? []).map(({ ip }) => ({ host: ip, port: target }))
  })
}
