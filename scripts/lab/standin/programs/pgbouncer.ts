import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { endOnTerm } from './ends.ts'
import { endpoint, withAddress } from './settings.ts'

/** Pools nothing: it hands every connection on to the server that its configuration names. */
const [, host = '', port = '5432'] = /host=(\S+) port=(\d+)/.exec(readFileSync(process.argv[2] ?? '', 'utf8')) ?? []
const server = endpoint(`postgresql://${host}:${port}/`, 5432)

endOnTerm()
createServer(client => {
  withAddress(server, there => new Promise<void>((resolve, reject) => {
    const onward = connect(there.port, there.host, () => {
      onward.pipe(client).pipe(onward)
      resolve()
    })
    onward.on('error', error => {
      reject(error)
      client.destroy()
    })
    client.on('error', () => onward.destroy())
  })).catch((error: unknown) => {
    console.error(`WARNING server conn failed: ${String(error)}`)
    client.destroy()
  })
}).listen(6432, () => { console.log("LOG process up: the lab's stand-in for PgBouncer, listening on 6432") })
