/** What the address of Airflow answers, and the folders on the node where that is this machine. */
import type { Reader } from '../../access.ts'
import { addressOf } from '../../observe/address.ts'
import type { Scope, Found } from './collector.ts'

export async function askAddress(reader: Reader, { wanted }: Scope): Promise<Found> {
  if (wanted === undefined) return {}
  const url = `https://${wanted.host}${wanted.path}/health`
  const address = await addressOf(wanted, reader)
  if (address === undefined) return { answered: { url, reason: `${wanted.host} does not resolve here` } }
  try {
    const answer = await reader.https(url, address)
    return { answered: { url, answer: { ...answer, body: answer.body.slice(0, 400) } }, looked: [`${url}: ${answer.status}`] }
  } catch (error) {
    return { answered: { url, reason: error instanceof Error ? error.message : String(error) } }
  }
}

export async function collectFolders(reader: Reader, { wanted }: Scope): Promise<Found> {
  if (wanted === undefined) return {}
  const nodes = await reader.list({ resources: ['nodes'] })
  const found = await Promise.all(nodes.flatMap((node) => ['dags', 'logs'].map(async (name) => {
    const path = `${wanted.storagePath}/${name}`
    const facts = await reader.folder(path, node)
    return facts === undefined ? [] : [{ path, ...facts }]
  })))
  return { folders: found.flat() }
}
