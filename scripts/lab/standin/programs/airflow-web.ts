import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { ALIVE_MS, jobs, type Job } from './airflow-commands.ts'
import { isPasswordOf } from './airflow-users.ts'
import { execute, literal, rows } from './database-client.ts'
import { log } from './ends.ts'
import { setting } from './settings.ts'
import { locate, type Place } from './web-location.ts'

export interface Answer {
  code: number
  body: string
  headers: Record<string, string>
}

export async function webserver(): Promise<void> {
  await execute('SELECT 1;')
  const baseUrl = setting('webserver', 'base_url') ?? 'http://localhost:8080'
  const proxyFix = /^true$/i.test(setting('webserver', 'enable_proxy_fix') ?? 'False')
  createServer((request, response) => {
    const place = locate(request.url ?? '/', request.headers, { baseUrl, proxyFix })
    answer(place, request)
      .catch((error: unknown) => failed(place?.path ?? '/', error))
      .then(({ code, headers, body }) => response.writeHead(code, headers).end(body), () => response.destroy())
  }).listen(8080, () => { log('webserver', 'INFO', "Listening at: http://0.0.0.0:8080 (the lab's stand-in)") })
}

async function answer(place: Place | undefined, request: IncomingMessage): Promise<Answer> {
  if (place === undefined) return page(404, 'Apache Airflow is not at this location', 'text/plain')
  const { root, path } = place
  if (path === '/health' || path === '/api/v1/health') return json(await health())
  if (path === '/api/v1/version') return json({ version: process.env.AIRFLOW_VERSION, git_version: null })
  const known = await isKnown(request)
  if (path === '/') return redirect(`${root}/home`)
  if (path === '/login') return redirect(`${root}/login/`)
  if (path === '/login/') return request.method === 'POST' ? login(root, request) : page(200, loginForm(root))
  if (path.startsWith('/static/')) return page(200, '/* the lab has no style */', 'text/css')
  if (path !== '/home') return page(404, '<title>Airflow 404</title><h1>Airflow 404 = lots of circles</h1>')
  if (known) return page(200, `<title>DAGs - Airflow</title><a href="${root}/home">DAGs</a>`)
  return redirect(`${root}/login/?next=${encodeURIComponent(`${place.origin}${root}/home`)}`)
}

export async function health(): Promise<object> {
  try {
    const known = await jobs()
    return { metadatabase: { status: 'healthy' }, scheduler: status(known, 'scheduler'), triggerer: status(known, 'triggerer') }
  } catch {
    return { metadatabase: { status: 'unhealthy' }, scheduler: { latest_scheduler_heartbeat: null, status: 'unhealthy' } }
  }
}

function status(known: Job[], name: 'scheduler' | 'triggerer'): object {
  const type = name === 'scheduler' ? 'SchedulerJob' : 'TriggererJob'
  const beats = known.filter(job => job.job_type === type).map(job => Number(job.beat))
  // No triggerer at all is not an unhealthy one: Airflow says null then.
  if (beats.length === 0) return { [`latest_${name}_heartbeat`]: null, status: name === 'triggerer' ? null : 'unhealthy' }
  const latest = Math.max(...beats)
  const word = Date.now() - latest < ALIVE_MS ? 'healthy' : 'unhealthy'
  return { [`latest_${name}_heartbeat`]: new Date(latest).toISOString().replace('Z', '+00:00'), status: word }
}

async function login(root: string, request: IncomingMessage): Promise<Answer> {
  const form = new URLSearchParams(await text(request))
  if (!(await isPasswordOf(form.get('username') ?? '', form.get('password') ?? ''))) return page(200, `<p>Invalid login. Please try again.</p>${loginForm(root)}`)
  const session = randomBytes(16).toString('hex')
  await execute(`INSERT INTO session (session_id) VALUES (${literal(session)});`)
  const home = redirect(`${root}/home`)
  return { ...home, headers: { ...home.headers, 'set-cookie': `session=${session}; HttpOnly; Path=${root}/; SameSite=Lax` } }
}

/** As Airflow does for every page but its health and its API, a session or none: so a page fails without the table. */
async function isKnown(request: IncomingMessage): Promise<boolean> {
  const session = /session=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
  return (await rows(`SELECT id FROM session WHERE session_id = ${literal(session)}`)).length === 1
}

/** What gunicorn logs of a request that fails before Flask has it, or after. */
function failed(path: string, error: unknown): Answer {
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  console.error(`[${new Date().toISOString().slice(0, 19).replace('T', ' ')} +0000] [7] [ERROR] Error handling request ${path}\nTraceback (most recent call last):\n${said}`)
  return page(500, '<h1>Internal Server Error</h1>')
}

function loginForm(root: string): string {
  return `<!DOCTYPE html><html><head><title>Sign In - Airflow</title><link rel="stylesheet" href="${root}/static/appbuilder/css/bootstrap.min.css"></head>
<body><form method="post" action="${root}/login/"><input name="csrf_token" type="hidden" value="lab"><input name="username"><input name="password" type="password"></form></body></html>\n`
}

export function page(code: number, body: string, type = 'text/html; charset=utf-8'): Answer {
  return { code, body, headers: { 'content-type': type } }
}

export function json(body: object): Answer {
  return page(200, JSON.stringify(body), 'application/json')
}

export function redirect(location: string): Answer {
  return { code: 302, body: '', headers: { location } }
}
