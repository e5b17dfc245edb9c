import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { answerTo, nameTable, type ServiceAddress } from './dns-names.ts'
import { endOnTerm, sleep } from './ends.ts'
import { list } from './kube.ts'
import type { Endpoints } from './route-table.ts'

let names = new Map<string, string[]>()
let ready = false

async function refresh(): Promise<void> {
  const services = (await list('/api/v1/services')) as ServiceAddress[]
  const endpoints = (await list('/api/v1/endpoints')) as Endpoints[]
  names = nameTable(services, endpoints)
  ready = true
}

endOnTerm()
const socket = createSocket('udp4')
socket.on('message', (question, from) => {
  const answer = answerTo(question, names)
  if (answer !== undefined) socket.send(answer, from.port, from.address)
})
socket.bind(53)
// CoreDNS tells its probes on two ports: alive on one, ready on the other.
createServer((_, response) => response.end('OK')).listen(8080)
createServer((_, response) => response.writeHead(ready ? 200 : 503).end()).listen(8181)
for (;;) {
  await refresh().catch((error: unknown) => { console.error(`[ERROR] plugin/kubernetes: ${String(error)}`) })
  await sleep(1000)
}
