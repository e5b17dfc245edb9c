import { createServer } from 'node:http'
import { health, json, page, redirect, type Answer } from './airflow-web.ts'
import { execute } from './database-client.ts'
import { log } from './ends.ts'
import { setting } from './settings.ts'

/**
 * Airflow 3. What is below the path of base_url is served there; its own routes answer without that
 * path as well, which the chart's probes count on, and the applications mounted below it do not.
 */
export async function apiServer(): Promise<void> {
  await execute('SELECT 1;')
  const mount = new URL(setting('api', 'base_url') ?? 'http://localhost:8080').pathname.replace(/\/$/, '')
  createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '/'
    const mounted = mount === '' || path === mount || path.startsWith(`${mount}/`)
    answer(mounted ? path.slice(mount.length) || '/' : path, mounted, mount)
      .catch((error: unknown) => page(500, `{"detail":${JSON.stringify(String(error))}}`))
      .then(({ code, headers, body }) => response.writeHead(code, headers).end(body), () => response.destroy())
  }).listen(8080, () => { log('api_server', 'INFO', "Uvicorn running on http://0.0.0.0:8080 (the lab's stand-in)") })
}

async function answer(path: string, mounted: boolean, mount: string): Promise<Answer> {
  if (path === '/api/v2/monitor/health') return json(await health())
  if (path === '/api/v2/version') return json({ version: process.env.AIRFLOW_VERSION, git_version: null })
  if (!mounted && /^\/(auth|execution)\//.test(path)) return notFound()
  if (path === '/auth/login/') return page(200, `<title>Sign In - Airflow</title><form method="post" action="${mount}/auth/login/"><input name="username"><input name="password" type="password"></form>`)
  if (path.startsWith('/execution/')) return json({ status: 'healthy' })
  if (path === '/login') return redirect(`${mount}/auth/login/`)
  return path === '/' ? page(200, `<!doctype html><title>Airflow</title><base href="${mount}/">`) : notFound()
}

function notFound(): Answer {
  return { ...json({ detail: 'Not Found' }), code: 404 }
}
