import { join } from 'node:path'
import t from 'tap'
import { loginFor } from '../../../lib/cluster/registry-login.ts'

const auth = (login: string): string => Buffer.from(login).toString('base64')
const written = (login: string): string => `Basic ${auth(login)}`
const host = 'registry.example.org:5000'
const file = (content: unknown): string => JSON.stringify(content)
const plain = (login: string, key = host): string => file({ auths: { [key]: { auth: auth(login) } } })

void t.test('Helm\'s own file is looked into first, and then Docker\'s', (t) => {
  const home = t.testdir({ '.config': { helm: { registry: { 'config.json': plain('helm:a') } } }, '.docker': { 'config.json': plain('docker:b') }, 'other.json': plain('other:c'), 'xdg': { helm: { registry: { 'config.json': plain('xdg:d') } } } })
  t.same(loginFor(host, { HOME: home }), { basic: written('helm:a') })
  t.same(loginFor(host, { HOME: home, XDG_CONFIG_HOME: join(home, 'xdg') }), { basic: written('xdg:d') })
  t.same(loginFor(host, { HOME: home, HELM_CONFIG_HOME: join(home, 'xdg', 'helm') }), { basic: written('xdg:d') })
  t.same(loginFor(host, { HOME: home, HELM_REGISTRY_CONFIG: join(home, 'other.json') }), { basic: written('other:c') })
  t.same(loginFor(host, { HOME: home, HELM_REGISTRY_CONFIG: join(home, 'none.json') }), { basic: written('docker:b') })
  t.same(loginFor(host, { HOME: join(home, 'xdg'), DOCKER_CONFIG: join(home, '.docker') }), { basic: written('docker:b') })
  t.end()
})

void t.test('a login is the one of its host and port, and Docker Hub has several names', (t) => {
  const of = (key: string, asked: string): string | undefined => loginFor(asked, { HOME: t.testdir({ '.docker': { 'config.json': plain('me:a', key) } }) }).basic
  t.equal(of(host, host), written('me:a'))
  t.equal(of('https://registry.example.org:5000/v2/', host), written('me:a'))
  t.equal(of('https://index.docker.io/v1/', 'registry-1.docker.io'), written('me:a'))
  t.equal(of('https://index.docker.io/v1/', 'docker.io'), written('me:a'))
  for (const other of ['registry.example.org', 'registry.example.org:5001', 'x.registry.example.org:5000', 'example.org']) t.equal(of(host, other), undefined, other)
  t.end()
})

void t.test('a credential helper and a token are Helm\'s to use', (t) => {
  const of = (content: unknown) => loginFor(host, { HOME: t.testdir({ '.docker': { 'config.json': file(content) } }) })
  t.match(of({ auths: { [host]: {} }, credsStore: 'desktop' }), { basic: undefined, elsewhere: /config\.json leaves the login to a credential helper/ })
  t.match(of({ credHelpers: { [host]: 'ecr-login' } }), { elsewhere: /credential helper/ })
  t.match(of({ auths: { [host]: { identitytoken: 's3cret' } } }), { elsewhere: /is a token/ })
  t.notMatch(JSON.stringify(of({ auths: { [host]: { identitytoken: 's3cret' } } })), /s3cret/)
  t.same(of({ auths: { 'else.example.org': {} }, credsStore: 'desktop' }), {}, 'of a registry that nobody logged in to, nothing')
  t.end()
})

void t.test('files that are not as they should be hold no login', (t) => {
  for (const content of ['', '{', '[]', 'null', '{"auths":[]}', '{"auths":{"registry.example.org:5000":7}}', '{"auths":7,"credHelpers":7,"credsStore":7}', plain('nobody'), plain(':x'), file({ auths: { [host]: { auth: '%%%' } } })]) {
    t.same(loginFor(host, { HOME: t.testdir({ '.docker': { 'config.json': content } }) }), {}, content)
  }
  t.match(loginFor(host, { HOME: t.testdir({ '.docker': { 'config.json': plain('me:line\nbreak') } }) }).basic, /^Basic [\w+/=]+$/)
  t.end()
})
