import type { Meta } from './kube.ts'
import type { Endpoints } from './route-table.ts'

export interface ServiceAddress {
  metadata: Meta & { namespace: string }
  spec: { clusterIP?: string }
}

const TYPE_A = 1
const NXDOMAIN = 3
const TTL_S = 5

/** Every service by its full name; a headless one stands for its pods. */
export function nameTable(services: ServiceAddress[], endpoints: Endpoints[]): Map<string, string[]> {
  return new Map(services.map(({ metadata, spec }) => {
    const { name, namespace } = metadata
    const pods = endpoints.find(other => other.metadata.name === name && other.metadata.namespace === namespace)
    const own = spec.clusterIP === undefined || spec.clusterIP === 'None'
      ? (pods?.subsets ?? []).flatMap(subset => (subset.addresses ?? []).map(({ ip }) => ip))
      : [spec.clusterIP]
    return [`${name}.${namespace}.svc.cluster.local`, own]
  }))
}

/** The answer to one DNS packet; nothing for one that is not a question. */
export function answerTo(question: Buffer, names: Map<string, string[]>): Buffer | undefined {
  if (question.length < 17) return undefined
  const labels: string[] = []
  let at = 12
  for (let length = question[at] ?? 0; length > 0 && at < question.length; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += 1 + length
  }
  const end = at + 5
  if (end > question.length) return undefined
  const known = names.get(labels.join('.'))
  const records = question.readUInt16BE(at + 1) === TYPE_A ? (known ?? []) : []
  const header = Buffer.from(question.subarray(0, 12))
  // Answer, authoritative, recursion available; another type of a known name is no error, or IPv6 lookups would fail the name.
  header.writeUInt16BE(0x8480 | (question.readUInt16BE(2) & 0x0100) | (known === undefined ? NXDOMAIN : 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, question.subarray(12, end), ...records.map(record)])
}

function record(ip: string): Buffer {
  const fixed = Buffer.alloc(12)
  // The name is a pointer to the one in the question.
  fixed.writeUInt16BE(0xc00c, 0)
  fixed.writeUInt16BE(TYPE_A, 2)
  fixed.writeUInt16BE(1, 4)
  fixed.writeUInt32BE(TTL_S, 6)
  fixed.writeUInt16BE(4, 10)
  return Buffer.concat([fixed, Buffer.from(ip.split('.').map(Number))])
}
