/** What the address of Airflow answers, and the folders on the node where that is this machine. */
import type { HttpsAnswer, Reader } from '../../access.ts'
import { addressOf } from '../../observe/address.ts'
import type { Scope, Found } from './collector.ts'

/** An address that swallows packets must not hold up everything else that there is to say. */
const timeoutMs = 4000

export async function askAddress(reader: Reader, { wanted }: Scope): Promise<Found> {
  if (wanted === undefined) return {}
  const url = `https://${wanted.host}${wanted.path}/health`
  const address = await addressOf(wanted, reader)
  if (address === undefined) return { answered: { url, reason: `${wanted.host} does not resolve here` } }
  try {
    const [answer, page] = await Promise.all([
      reader.https(url, address, timeoutMs),
      reader.https(`https://${wanted.host}${wanted.path}/`, address, timeoutMs).catch(() => undefined),
    ])
    return { answered: { url, answer: begun(answer), page: page === undefined ? undefined : begun(page) }, looked: [`${url}: ${answer.status}`] }
  } catch (error) {
    return { answered: { url, reason: error instanceof Error ? error.message : String(error) } }
  }
}

/** What tells one answer from another, without cookies. */
function begun({ headers: { location, server }, body, ...rest }: HttpsAnswer): HttpsAnswer {
  return { ...rest, headers: { ...(location === undefined ? {} : { location }), ...(server === undefined ? {} : { server }) }, body: body.slice(0, 400) }
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
