import { textOf, WebError, type Web } from './web.ts'

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
  /** As the header has it; whom the server points at does not get it. */
  login?: string | undefined
}

/** Without a text it is the one that is known. */
export type Fetched = Validators & { text?: string | undefined }

export type Fetch = (url: string, options?: FetchOptions) => Promise<Fetched>

const patienceMs = 30_000
/** More than any index or manifest that is known. */
const mostBytes = 16_000_000

/** One GET. Anything but an answer with a text of bearable length is an error with a sentence. */
export function createFetch(web: Web): Fetch {
  return async (url, { known = {}, mostBytes: most = mostBytes, login } = {}) => {
    const headers = { ...(known.etag === undefined ? {} : { 'if-none-match': known.etag }), ...(known.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }), ...(login === undefined ? {} : { authorization: login }) }
    const answer = await web(url, { headers, signal: AbortSignal.timeout(patienceMs) })
    const validators = { etag: answer.headers.get('etag') ?? undefined, lastModified: answer.headers.get('last-modified') ?? undefined }
    if (answer.status === 304) return { ...known, ...validators.etag === undefined ? {} : validators }
    if (!answer.ok) {
      await answer.body?.cancel()
      throw new WebError(`${answer.status} ${answer.statusText}`.trim())
    }
    return { text: await textOf(answer, most), ...validators }
  }
}
