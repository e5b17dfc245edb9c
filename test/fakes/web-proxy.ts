/** A proxy on loopback, as companies have them: it forwards what has no TLS, tunnels what has, and tells what it was asked. */
import { createServer, request as ask } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface FakeProxy {
  /** `127.0.0.1:PORT` */
  host: string
  /** `GET http://charts.example.org/index.yaml`, `CONNECT charts.example.org:443`, in their order. */
  asked: string[]
  logins: (string | undefined)[]
}

/** All hosts are those of one port of this machine. `refuses`: the status that it answers instead. */
export async function webProxy(test: Test, port: number, refuses?: number): Promise<FakeProxy> {
  const asked: string[] = []
  const logins: (string | undefined)[] = []
  const server = createServer((request, answer) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`)
    logins.push(request.headers['proxy-authorization'])
    if (refuses !== undefined) return void answer.writeHead(refuses).end()
    const { pathname, search } = new URL(request.url ?? '')
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => name !== 'proxy-authorization'))
    ask({ host: '127.0.0.1', port, path: `${pathname}${search}`, method: request.method, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers)
      given.pipe(answer)
    }).end()
  })
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`)
    logins.push(request.headers['proxy-authorization'])
    if (refuses !== undefined) return void socket.end(`HTTP/1.1 ${refuses} Refused\r\n\r\n`)
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    for (const end of [socket, onward]) end.on('error', () => { onward.destroy() })
    test.teardown(() => { onward.destroy() })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, logins }
}
