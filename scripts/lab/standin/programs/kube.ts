import { readFileSync } from 'node:fs'
import { request } from 'node:https'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface Meta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  deletionTimestamp?: string
}

export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const mounted = (name: string): string => readFileSync(`${ACCOUNT}/${name}`, 'utf8').trim()

export const ownNamespace = (): string => process.env.POD_NAMESPACE ?? mounted('namespace')

/** One call to the API server, as the pod's own service account; read each time, since tokens are renewed. */
export function api(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
  const sent = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const call = request({
      host: process.env.KUBERNETES_SERVICE_HOST,
      port: process.env.KUBERNETES_SERVICE_PORT,
      path,
      method,
      ca: mounted('ca.crt'),
      timeout: 10_000,
      headers: { authorization: `Bearer ${mounted('token')}`, accept: 'application/json', ...(sent === undefined ? {} : { 'content-type': 'application/json' }) },
    }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => { text += chunk })
      response.on('end', () => { settle(response.statusCode ?? 0, text, resolve, reject) })
    })
    call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer in 10 s`)))
    call.on('error', reject)
    call.end(sent)
  })
}

function settle(status: number, text: string, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  if (status >= 400) reject(new ApiError(status, `(${status}) ${text.trim()}`))
  else resolve(JSON.parse(text))
}

/** The items of a list; none where the kind is not known here, as with a Traefik group that is not installed. */
export async function list(path: string): Promise<unknown[]> {
  try {
    return ((await api('GET', path)) as { items?: unknown[] }).items ?? []
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return []
    throw error
  }
}

/** The one look that the Kubernetes executor takes at its start: may this account list pods here? */
export async function podApi(namespace: string): Promise<void> {
  await api('GET', `/api/v1/namespaces/${namespace}/pods?limit=1`)
}
