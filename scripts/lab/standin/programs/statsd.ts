import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { endOnTerm } from './ends.ts'

let received = 0
endOnTerm()
createSocket('udp4').on('message', () => { received += 1 }).bind(9125)
createServer((request, response) => {
  if (request.url !== '/metrics') {
    response.writeHead(404).end()
    return
  }
  response.setHeader('content-type', 'text/plain; version=0.0.4')
  response.end(`# TYPE statsd_exporter_udp_packets_total counter\nstatsd_exporter_udp_packets_total ${received}\n`)
}).listen(9102)
