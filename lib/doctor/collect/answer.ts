/** What the address of Airflow answers, and the folders on the node where that is this machine. */
import type { HttpsAnswer, Reader } from '../../access.ts'
import { addressOf } from '../../observe/address.ts'
import { healthUrl } from '../../observe/answer.ts'
import type { Answered } from '../evidence.ts'
import { type Count, mask, type Redact } from '../redact.ts'
import type { Scope, Found } from './collector.ts'

/** An address that swallows packets must not hold up everything else that there is to say. */
const timeoutMs = 4000

export async function askAddress(reader: Reader, { wanted, count }: Scope): Promise<Found> {
  if (wanted === undefined) return {}
  const url = healthUrl(wanted)
  const address = await addressOf(wanted, reader)
  if (address === undefined) return { answered: { url, reason: `${wanted.host} does not resolve here` } }
  try {
    const [answer, page] = await Promise.all([
      reader.https(url, address, timeoutMs),
      reader.https(`https://${wanted.host}${wanted.path}/`, address, timeoutMs).catch(() => undefined),
    ])
    return { answered: { url, answer: begun(answer, count), page: page === undefined ? undefined : begun(page, count) }, looked: [`${url}: ${answer.status}`] }
  } catch (error) {
    return { answered: { url, reason: error instanceof Error ? error.message : String(error) } }
  }
}

function begun(answer: HttpsAnswer, count: Count | undefined): HttpsAnswer {
  return { ...answer, headers: readableHeaders(answer.headers, count) }
}

/** A page is long. It is cut when all secrets are known and out of it: nobody knows the first half of one. */
export function withoutTail(answered: Answered | undefined, redact: Redact): Answered | undefined {
  if (answered === undefined || !('answer' in answered)) return answered
  const cut = (answer: HttpsAnswer): HttpsAnswer => ({ ...answer, body: redact(answer.body.slice(0, 20_000)).slice(0, 400) })
  const { answer, page } = answered
  return { ...answered, answer: cut(answer), ...(page === undefined ? {} : { page: cut(page) }) }
}

/** What tells who answered and where to; a cookie or a token stays where it was. */
const readable = /^(?:content-(?:type|length)|location|server|date|via|retry-after|allow|strict-transport-security|x-robots-tag)$/i

function readableHeaders(headers: Record<string, string>, count: Count | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => {
    if (readable.test(name)) return [name, value]
    count?.('headers')
    return [name, mask]
  }))
}

export async function collectFolders(reader: Reader, { wanted }: Scope): Promise<Found> {
  if (wanted === undefined) return {}
  const nodes = await reader.list({ resources: ['nodes'] })
  const found = await Promise.all(nodes.flatMap((node) => ['dags', 'logs'].map(async (name) => {
    const path = `${wanted.storagePath}/${name}`
    const facts = await reader.folder(path, node)
    return facts === undefined ? [] : [{ path, ...facts }]
  })))
  const logs = (await Promise.all(nodes.map((node) => reader.dagLogs(`${wanted.storagePath}/logs`, node)))).flatMap((one) => one ?? [])
  const dagEntries = (await Promise.all(nodes.map((node) => reader.dagEntries(`${wanted.storagePath}/dags`, node)))).flatMap((one) => one ?? [])
  return { folders: found.flat(), dagEntries, brokenDags: logs.flatMap(({ broken }) => broken), looked: logs.filter(({ read }) => read > 0).map(({ read }) => `${read} logs of DAG files`) }
}
