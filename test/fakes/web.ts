/** A web server on loopback that answers as it is told; what nobody foresaw is 404. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface Web {
  /** `http://127.0.0.1:PORT` */
  url: string
  host: string
  /** `GET /index.yaml`, in their order. */
  asked: string[]
}

export type Handler = (request: IncomingMessage, answer: ServerResponse) => void

export async function web(test: Test, handlers: Record<string, Handler>): Promise<Web> {
  const asked: string[] = []
  const server = createServer((request, answer) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`)
    const handler = handlers[path]
    if (handler === undefined) answer.writeHead(404).end()
    else handler(request, answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url: `http://${host}`, host, asked }
}
