import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'

/** The parts of an event of the API server's audit log that are read here (audit.k8s.io/v1, level Metadata). */
interface AuditEvent {
  verb: string
  user: { username: string }
  requestURI: string
  objectRef?: { resource?: string }
}

export interface ApiCalls {
  all: number
  /** Of them, what kubectl and others ask to learn which kinds there are. */
  discovery: number
  writes: number
  /** `list secrets` and how often. */
  by: Record<string, number>
}

/** The lab's owner: the bench is the only one who asks in that name, one contender at a time. */
const OWNER = 'lab-admin'

export function countCalls(log: string, user = OWNER): ApiCalls {
  const calls: ApiCalls = { all: 0, discovery: 0, writes: 0, by: {} }
  for (const line of log.split('\n')) {
    if (line === '') continue
    const event = JSON.parse(line) as AuditEvent
    if (event.user.username === user) count(calls, event)
  }
  return calls
}

function count(calls: ApiCalls, { verb, requestURI, objectRef }: AuditEvent): void {
  const resource = objectRef?.resource
  calls.all += 1
  if (resource === undefined && /^\/(apis?|openapi)\b/.test(requestURI)) calls.discovery += 1
  if (isWrite(verb, resource)) calls.writes += 1
  const what = `${verb} ${resource ?? requestURI.split('?')[0] ?? ''}`
  calls.by[what] = (calls.by[what] ?? 0) + 1
}

/** A review is a question that is asked by creating; nothing of it is kept. */
function isWrite(verb: string, resource: string | undefined): boolean {
  return !['get', 'list', 'watch'].includes(verb) && !/^selfsubject(access|rules)reviews$/.test(resource ?? '')
}

/** What is added to the log while `work` runs. An event is written before its answer is sent, so none comes late. */
export async function callsOf(logFile: string, work: () => Promise<unknown>): Promise<ApiCalls> {
  const from = statSync(logFile).size
  await work()
  return countCalls(readFrom(logFile, from))
}

function readFrom(file: string, from: number): string {
  const fd = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(fstatSync(fd).size - from)
    readSync(fd, bytes, 0, bytes.length, from)
    return bytes.toString()
  } finally {
    closeSync(fd)
  }
}
