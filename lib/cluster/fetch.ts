/** What a server said of a text when it gave it, to be asked with whether it has changed. */
export interface Validators {
  etag?: string | undefined
  lastModified?: string | undefined
}

export interface FetchOptions {
  /** Of the text that is here: where it is still the same, it does not come again. */
  known?: Validators | undefined
  /** A longer text is not read to its end. */
  mostBytes?: number | undefined
}

/** Without a text it is the one that is known. */
export type Fetched = Validators & { text?: string | undefined }

export type Fetch = (url: string, options?: FetchOptions) => Promise<Fetched>

const patienceMs = 30_000
/** More than any index or manifest that is known. */
const mostBytes = 16_000_000

/** One GET. Anything but an answer with a text of bearable length is an error with a sentence. */
export async function fetchText(url: string, { known = {}, mostBytes: most = mostBytes }: FetchOptions = {}): Promise<Fetched> {
  const headers = { ...(known.etag === undefined ? {} : { 'if-none-match': known.etag }), ...(known.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }) }
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(patienceMs) }).catch((error: unknown) => {
    throw new Error(reasonOf(error), { cause: error })
  })
  const validators = { etag: answer.headers.get('etag') ?? undefined, lastModified: answer.headers.get('last-modified') ?? undefined }
  if (answer.status === 304) return { ...known, ...validators.etag === undefined ? {} : validators }
  if (!answer.ok) {
    await answer.body?.cancel()
    throw new Error(`${answer.status} ${answer.statusText}`.trim())
  }
  return { text: await bounded(answer, most), ...validators }
}

/** As it comes, so that a text without end, packed or not, takes no more memory than is allowed. */
async function bounded(answer: Response, most: number): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of answer.body ?? []) {
    size += (part as Uint8Array).length
    if (size > most) throw new Error(`it is longer than ${Math.round(most / 1e6)} MB`)
    parts.push(part as Uint8Array)
  }
  return Buffer.concat(parts).toString()
}

/** fetch itself says only "fetch failed"; what did is its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error))
  const { code, errors } = (cause ?? {}) as { code?: string; errors?: Error[] }
  const inner = cause instanceof Error ? cause.message || (errors?.[0]?.message ?? code ?? '') : ''
  return inner === '' ? message : inner
}
