import t from 'tap'
import { proxyFor } from '../../../lib/cluster/web-proxy.ts'
import { thrown } from '../../fakes/caught.ts'

const proxy = 'http://proxy.example.org:3128'
const through = (address: string, env: NodeJS.ProcessEnv): string | undefined => proxyFor(new URL(address), env)?.address

void t.test('each kind of address has its variable, in capitals or not', (t) => {
  t.equal(through('https://a.org/', { HTTPS_PROXY: proxy }), proxy)
  t.equal(through('https://a.org/', { https_proxy: proxy }), proxy)
  t.equal(through('http://a.org/', { http_proxy: proxy }), proxy)
  t.equal(through('https://a.org/', { HTTPS_PROXY: proxy, https_proxy: 'http://other.example.org' }), proxy, 'as Go has it, the capitals first')
  t.equal(through('https://a.org/', { HTTP_PROXY: proxy, HTTPS_PROXY: '' }), undefined)
  t.equal(through('http://a.org/', { HTTPS_PROXY: proxy }), undefined)
  t.equal(through('https://a.org/', { HTTPS_PROXY: 'proxy.example.org:3128' }), proxy, 'without http:// in front')
  t.end()
})

const spared: [noProxy: string, address: string, direct: boolean][] = [
  ['*', 'https://a.org/', true],
  ['a.org', 'https://a.org/', true],
  ['a.org', 'https://deep.a.org/', true],
  ['a.org', 'https://not-a.org/', false],
  ['.a.org', 'https://deep.a.org/', true],
  ['.a.org', 'https://a.org/', false],
  ['*.a.org', 'https://deep.a.org/', true],
  ['x.org, A.org', 'https://a.ORG/', true],
  ['a.org:8443', 'https://a.org/', false],
  ['a.org:8443', 'https://a.org:8443/', true],
  ['a.org:443', 'https://a.org/', true],
  ['10.0.0.0/8', 'http://10.1.2.3:5000/', true],
  ['10.0.0.0/8', 'http://11.1.2.3/', false],
  ['10.0.0.0/8', 'http://a.org/', false],
  ['10.0.0.0/99,nonsense/8', 'http://10.1.2.3/', false],
  ['fd00::/8', 'http://[fd00::1]/', true],
  ['[fd00::1]:80', 'http://[fd00::1]/', true],
  ['192.168.1.10', 'http://192.168.1.10/', true],
  ['', 'http://127.0.0.1:5000/', true],
  ['', 'http://localhost:5000/', true],
  ['', 'http://[::1]/', true],
  ['', 'http://127.example.org/', false],
]

void t.test('NO_PROXY spares names, what lies below them, networks and ports, and this machine always', (t) => {
  for (const [noProxy, address, direct] of spared) {
    const env = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy }
    for (const name of ['NO_PROXY', 'no_proxy']) t.equal(through(address, { ...env, [name]: noProxy }) === undefined, direct, `${name}=${noProxy} ${address}`)
  }
  t.end()
})

void t.test('a login is taken out of the address', (t) => {
  t.match(proxyFor(new URL('https://a.org'), { HTTPS_PROXY: 'http://me:p%40ss@proxy.example.org:3128' }), { address: proxy, login: `Basic ${Buffer.from('me:p@ss').toString('base64')}` })
  t.match(proxyFor(new URL('https://a.org'), { HTTPS_PROXY: 'http://me:100%@proxy.example.org:3128' }), { login: `Basic ${Buffer.from('me:100%').toString('base64')}` })
  t.end()
})

void t.test('what cannot be used is told by its variable, and not by what may hold a password', (t) => {
  for (const [value, says] of [['http://me:s3cret@:x', /^HTTPS_PROXY is no address/], ['socks5://me:s3cret@proxy.example.org', /^HTTPS_PROXY names a proxy of the kind socks5/]] as const) {
    const error = thrown(() => proxyFor(new URL('https://a.org'), { HTTPS_PROXY: value })) as Error
    t.match(error.message, says)
    t.notMatch(error.message, /s3cret/)
  }
  t.end()
})
