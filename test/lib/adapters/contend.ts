/** A run that does nothing but take the lock: started several times by lock-race.test.ts. */
import { createInterface } from 'node:readline'
import { lockFile } from '../../../lib/adapters/files.ts'
import { holderAlive, holderOf } from '../../../lib/cluster/machine.ts'
import { takeLock } from '../../../lib/engine/lock.ts'

const [path = ''] = process.argv.slice(2)

process.stdout.write('ready\n')
// The first line is the start; a winner holds the lock until its stdin ends.
for await (const line of createInterface({ input: process.stdin })) {
  try {
    takeLock(lockFile(path), { holder: holderOf(process.pid), since: line, command: 'contend' }, holderAlive, () => undefined)
    process.stdout.write('won\n')
  } catch (error) {
    process.stdout.write(`${(error as { code?: string }).code ?? String(error)}\n`)
  }
}
