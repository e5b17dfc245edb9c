import { X509Certificate } from 'node:crypto'
import { authority, certificateFor, selfSigned, type Pair } from './certificate.ts'
import { api, type Meta } from './kube.ts'
import { logLine, type IngressRoute, type Route } from './route-table.ts'

export interface TlsStore {
  metadata: Meta & { namespace: string }
  spec?: { defaultCertificate?: { secretName: string } }
}

interface Secret { data?: Record<string, string> }

const ca = authority('airstrip lab CA')
const ofTraefik = selfSigned('TRAEFIK DEFAULT CERT')
const issued = new Map<string, Pair>()
const asked = new Set<string>()
let own: Pair[] = []
let byDefault: Pair | undefined

/** A person's own certificates: those that routes name, for the names in them, and the store's for all else. */
export async function readOwn(routes: readonly IngressRoute[], stores: readonly TlsStore[]): Promise<void> {
  const named = routes.flatMap(({ metadata, spec }) => (spec.tls?.secretName === undefined ? [] : [{ namespace: metadata.namespace, name: spec.tls.secretName }]))
  own = (await Promise.all(named.map(pairOf))).filter(pair => pair !== undefined)
  const store = stores.find(({ metadata }) => metadata.name === 'default')
  byDefault = store?.spec?.defaultCertificate === undefined ? undefined : await pairOf({ namespace: store.metadata.namespace, name: store.spec.defaultCertificate.secretName })
}

async function pairOf({ namespace, name }: { namespace: string; name: string }): Promise<Pair | undefined> {
  try {
    const { data = {} } = (await api('GET', `/api/v1/namespaces/${namespace}/secrets/${name}`)) as Secret
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString()
    return { key: text('tls.key'), cert: text('tls.crt') }
  } catch {
    return undefined
  }
}

/** Has certificates issued for hosts of routes that name a resolver; what the authority refuses is said as Traefik says it. */
export function obtain(routes: readonly Route[], authorities: ReadonlyMap<string, string | undefined>): void {
  for (const { hosts, certResolver = '', name } of routes) {
    const resolver = certResolver.toLowerCase()
    if (!authorities.has(resolver)) continue
    for (const host of hosts.filter(one => ofItsOwn(one) === undefined && !asked.has(one))) {
      asked.add(host)
      void ask(authorities.get(resolver), host).then(refusal => {
        if (refusal === undefined) issued.set(host, certificateFor(host, ca))
        else console.error(logLine(`Unable to obtain ACME certificate for domains "${host}": unable to generate a certificate for the domains [${host}]: ${refusal}`, `routerName=${name}@kubernetescrd providerName=${certResolver}.acme`))
      })
    }
  }
}

/** Without an address the lab's own authority issues at once. Another one answers as ACME's do: with a problem (RFC 8555, 6.7), where it does not issue. */
async function ask(address: string | undefined, host: string): Promise<string | undefined> {
  if (address === undefined) return undefined
  const answer = await fetch(address)
  if (answer.ok) return undefined
  const { type, detail } = (await answer.json()) as { type: string; detail: string }
  return `error: one or more domains had a problem:\n[${host}] acme: error: ${answer.status} :: ${type} :: ${detail}\n`
}

export const pairFor = (host: string): Pair => ofItsOwn(host) ?? issued.get(host) ?? byDefault ?? ofTraefik

function ofItsOwn(host: string): Pair | undefined {
  return own.find(({ cert }) => new X509Certificate(cert).checkHost(host) !== undefined)
}
