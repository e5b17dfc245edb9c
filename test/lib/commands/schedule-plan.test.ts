import { join } from 'node:path'
import t from 'tap'
import type { Host } from '../../../lib/adapters/host.ts'
import { planOf, withLogins } from '../../../lib/commands/schedule-plan.ts'
import { parseEvery } from '../../../lib/schedule/every.ts'

const every = parseEvery('15m')
if (every === undefined) throw new Error('15m is a time')
const host = { program: { node: '/usr/bin/node', loader: '/srv/airstrip/loader', checkout: '/srv/airstrip' } } as Host
const target = { config: '/home/joe/airstrip.yaml', state: '/home/joe/state/state.json' }
const plan = (env: NodeJS.ProcessEnv) => planOf({ action: 'install', keeper: 'user', chosen: false, mode: 'report', every, target }, host, { uid: 1000, home: '/home/joe' }, { PATH: '/usr/bin', ...env })
const environment = (env: NodeJS.ProcessEnv) => plan(env).environment

void t.test('the runs reach the web as the shell does', (t) => {
  t.same(environment({}), { PATH: '/usr/bin' })
  const proxies = { HTTPS_PROXY: 'http://proxy.example.org:3128', http_proxy: 'proxy.example.org:3128', no_proxy: '.svc,10.0.0.0/8' }
  t.same(environment({ ...proxies, NODE_EXTRA_CA_CERTS: 'company.pem', SSL_CERT_FILE: '', EDITOR: 'vi' }), { PATH: '/usr/bin', ...proxies, NODE_EXTRA_CA_CERTS: join(process.cwd(), 'company.pem') }, 'with files by their whole path, and nothing else of it')
  t.end()
})

void t.test('caches are the person\'s own, also where the shell has set their variable to nothing', (t) => {
  t.equal(plan({ XDG_CACHE_HOME: '/var/cache/joe' }).caches, '/var/cache/joe')
  t.equal(plan({ XDG_CACHE_HOME: '' }).caches, '/home/joe/.cache')
  t.end()
})

void t.test('a login is written nowhere, and whose it is is said', (t) => {
  const env = { HTTPS_PROXY: 'http://joe:canary@proxy.example.org:3128', HTTP_PROXY: 'http://proxy.example.org:3128' }
  t.same(environment(env), { PATH: '/usr/bin', HTTP_PROXY: env.HTTP_PROXY })
  t.same(withLogins(env), ['HTTPS_PROXY'])
  t.same(withLogins({}), [])
  t.end()
})

void t.test('what no unit file can say is left out', (t) => {
  t.same(environment({ HTTPS_PROXY: 'http://proxy\nExecStart=/bin/false', NO_PROXY: 'a\\' }), { PATH: '/usr/bin' })
  t.end()
})
