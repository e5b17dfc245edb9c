/** One wrong value per rule, at the place that is reported. */
import t from 'tap'
import { allSaid, errorOf, mistakesIn } from './fixtures.ts'

const wrong: Record<string, string[]> = {
  'airflow.chart': ['airflow', 'airflow.tgz', 'charts/airflow.tgz', 'oci://h/c:1.0.0', 'oci://u:p@h/c', 'https://h/c.tgz', '-f/x', '--set', './a;rm', '~/c', 'a/b c', './$(id)'],
  'airflow.version': ['1.10', 'v1.10.0', 'latest', '01.2.3', '1.10.0 ', '>=1.0.0', '1.10.0;id', '1.10.0\\n', '--devel'],
  'airflow.namespace': ['Airflow', 'a_b', '-a', 'a-', 'kube-system', 'a.b', 'a/b', 'a'.repeat(64), 'a\\nb'],
  'airflow.release': ['1airflow', 'Airflow', 'a.b', 'a'.repeat(54), '--help', 'a b'],
  'airflow.executor': ['kubernetes', 'KubernetesExecutor,CeleryExecutor', 'x'],
  'airflow.admin.username': ['-u', 'a b', '', "a'b", 'a$b'],
  'airflow.admin.email': ['joe', 'joe@home', 'a b@c.de', '-x@c.de', 'a@b..c'],
  'airflow.admin.firstName': ['-f', '`id`', '$(id)', 'a;b', '"', ' a'].map((name) => name.replace('"', '\\"')),
  'airflow.admin.lastName': ['--password', 'a|b'],
  'airflow.admin.role': ['-r', 'Admin;', ''],
  'airflow.database.user': ['a b', 'a;b', '1a', "a'--", 'ä'],
  'airflow.database.name': ['a-b', '../a', 'a'.repeat(64)],
  'airflow.database.sslmode': ['on', 'verify_full'],
  'airflow.database.imageTag': [':11', '11 ', '.11', 'a/b', 'a'.repeat(129)],
  'airflow.database.external': ['postgres://h', 'a b', '1.2.3', '300.1.1.1', 'h:5432', ':::'],
  'airflow.image.repository': ['Airflow', 'a:1', 'a//b', '-a/b', 'a b', 'http://a/b'],
  'airflow.image.tag': ['latest!', ''],
  'provisioner.version': ['0.0.24', 'v0.0', 'master', '../v0.0.24', 'v0.0.24/../..'],
  'provisioner.manifest': ['', '~/m.yaml', '-', 'a\\nb', '$HOME/m', 'https://h/m.yaml'],
  'provisioner.sha256': ['abc', 'g'.repeat(64), 'a'.repeat(63), 'a'.repeat(65)],
  'storage.path': ['srv', '/', '/srv/', '/srv//a', '/srv/../etc', '/srv/a..b', '/srv/./a', '/etc', '/etc/airflow', '/usr/x', '/proc', '/var/lib/kubelet/x', '/var/lib', '/home', '/srv/a b', '/srv/$(id)', '/srv/`id`', '/srv/a\\nb', './srv', `/${'a'.repeat(512)}`],
  'storage.dagsSize': ['10', '10GB', '-1Gi', '0Gi', '1 Gi', '1e9', 'big'],
  'storage.logsSize': ['10G i', '10gi'],
  'storage.image': ['a b', 'a@sha256:12', 'A', 'a:b:c', '$(id)', ''],
  'ingress.host': ['Home.example.org', 'a b', 'a`) || Host(`b', 'a\\"b', "a'b", 'héllo.example', 'a_b.example', '-a.example', 'a..b', 'a.', '192.168.1.1', 'https://a.example', 'a.example/x', 'a.example:443', '*.example.org', `${'a'.repeat(64)}.example`, `${'a.'.repeat(127)}ab`, '', 'a.example\\n'],
  'ingress.path': ['/', 'airflow', '/airflow/', '//airflow', '/a//b', '/a/../b', '/a/./b', '/a b', '/a`b', '/{a:.*}', '/a?b', '/a#b', '/a%2e', '/ä', `/${'a'.repeat(200)}`],
  'ingress.certResolver': ['', 'a b', 'a`', '-a', 'a.b', 'a'.repeat(64)],
  'ingress.prefix': ['both', 'Strip '],
  'ingress.entryPoint': ['web secure', 'a,b', 'web\\nsecure'],
  'ingress.address': ['1.2.3', '1.2.3.4:0', '1.2.3.4:65536', '256.1.1.1', 'home.example.org', '[::1', '::1:', '1.2.3.4:x'],
  'require.os': ['ubuntu-', '20.04', 'ubuntu 20.04; id', 'ubuntu  20.04'].filter((os) => os !== 'ubuntu-'),
  'require.kubernetes': ['v1.22.8', '1', '1.22.x', '>=1.22', '1.22.8.1'],
}

/** A file with that one value, in quotes, and where the value begins. */
function configWith(path: string, value: string): { text: string; place: string } {
  const keys = path.split('.')
  const values: Record<string, string> = { 'storage.path': '/srv/airflow', 'ingress.host': 'home.example.org', 'ingress.certResolver': 'le' }
  values[path] = value
  const lines: string[] = []
  const sections = [...new Set(Object.keys(values).map((name) => name.split('.').slice(0, -1).join('.')))]
  let place = ''
  for (const section of sections) {
    section.split('.').forEach((name, depth) => lines.push(`${'  '.repeat(depth)}${name}:`))
    const indent = '  '.repeat(section.split('.').length)
    for (const [name, written] of Object.entries(values).filter(([name]) => name.startsWith(`${section}.`) && !name.slice(section.length + 1).includes('.'))) {
      const key = `${indent}${name.split('.').at(-1) ?? ''}: `
      lines.push(`${key}"${written}"`)
      if (name === path) place = `${lines.length}:${key.length + 1} ${keys.join('.')}`
    }
  }
  return { text: `${lines.join('\n')}\n`, place }
}

for (const [path, values] of Object.entries(wrong)) {
  void t.test(path, (t) => {
    for (const value of values) {
      const { text, place } = configWith(path, value)
      const mistakes = mistakesIn(text)
      t.strictSame(mistakes.map((mistake) => `${mistake.line}:${mistake.column} ${mistake.path}`), [place], value.slice(0, 40))
      t.match(mistakes[0]?.write, /\S/u)
    }
    t.end()
  })
}

void t.test('what to write is worked out from a near miss', (t) => {
  const cases: [path: string, value: string, write: string][] = [
    ['ingress.host', 'https://Home.Example.org:8443/airflow', 'write home.example.org'],
    ['ingress.host', 'Home Example', 'write for example home.example.org'],
    ['ingress.path', 'airflow/', 'write /airflow'],
    ['storage.path', '/srv//airflow/', 'write /srv/airflow'],
    ['airflow.version', 'v1.10', 'write 1.10.0'],
    ['airflow.version', 'latest', 'write auto'],
    ['airflow.executor', 'kubernetes', 'did you mean KubernetesExecutor?'],
    ['airflow.executor', 'celery_kubernetes_executor', 'did you mean CeleryKubernetesExecutor?'],
    ['airflow.namespace', 'My_Airflow', 'write my-airflow'],
    ['airflow.chart', 'charts/airflow.tgz', 'write ./charts/airflow.tgz'],
    ['provisioner.version', '0.0.24', 'write v0.0.24'],
    ['provisioner.sha256', `SHA256:${'AB'.repeat(32)}`, `write ${'ab'.repeat(32)}`],
    ['storage.logsSize', '10 GB', 'write 10Gi'],
    ['require.os', 'Ubuntu 20.04 LTS', 'write ubuntu 20.04'],
    ['require.kubernetes', 'v1.22.8', 'write 1.22.8'],
    ['ingress.prefix', 'Strip', 'did you mean strip?'],
  ]
  for (const [path, value, write] of cases) t.equal(mistakesIn(configWith(path, value).text)[0]?.write, write, `${path}: ${value}`)
  t.end()
})

void t.test('a hostile value is shown without what could move a cursor or turn the text around', (t) => {
  const said = allSaid(errorOf(configWith('ingress.host', String.raw`a\e[2Jb\u202Ec`).text))
  t.notMatch(JSON.parse(said) instanceof Object ? (JSON.parse(said) as { seen: string[] }).seen[0] : '', /[\p{Cc}\p{Cf}]/u)
  t.end()
})
