/** Rarer forms in which secrets turn up in logs; `looks.test.ts` has the usual ones. */
import t from 'tap'
import { mask, redactWith } from '../../../lib/doctor/redact.ts'

type Forms = Record<string, (value: string) => string>

const values: Forms = {
  'a brace': (v) => `password={${v}`,
  'a bracket': (v) => `password=[${v}`,
  'stars': (v) => `password=***${v}`,
  'true': (v) => `password=true-${v}`,
  'null': (v) => `password=null.${v}`,
  'a bullet': (v) => `password=•${v}`,
  'https://': (v) => `password=https://${v}`,
  'an anchor of YAML': (v) => `password: &db ${v}`,
  'a tag of YAML': (v) => `db: {password: !!str ${v}}`,
  'a quote within': (v) => `connecting password=abc"${v}`,
  'a blank within': (v) => `connecting password=abc ${v} host=db`,
  'a quote doubled': (v) => `password: 'it''s ${v}'`,
  'three quotes': (v) => `password = '''\n${v}\n'''`,
}

const addresses: Forms = {
  'Oracle through JDBC': (v) => `jdbc:oracle:thin:joe/${v}@db:1521:ORCL`,
  'Oracle': (v) => `connecting to airflow/${v}@//db:1521/ORCL`,
  'no scheme': (v) => `joe:${v}@db:5432/airflow`,
  'a share': (v) => `//joe:${v}@host/share`,
  'a domain before the user': (v) => `postgresql://DOMAIN/joe:${v}@db:5432/airflow`,
  'a hook': (v) => `https://mm.example.org/hooks/${v}9Kd2m`,
  'SAML': (v) => `POST SAMLResponse=${v}&RelayState=x`,
  'a session': (v) => `sessionid=${v}`,
  'a cookie of a session': (v) => `session=${v}; Path=/`,
  'a rule of Traefik': (v) => `Host(\`x\`) && Headers(\`X-Auth-Token\`, \`${v}\`)`,
}

const headers: Forms = {
  'X-Auth': (v) => `X-Auth: ${v}`,
  'a key of a function': (v) => `X-Functions-Key: ${v}`,
  'ApiKey': (v) => `sending ApiKey ${v}`,
  'Token': (v) => `sent token ${v}`,
  'a key in words': (v) => `the encryption key is ${v}`,
  'webserver': (v) => `webserver secret key ${v}`,
}

const commands: Forms = {
  'Redis': (v) => `AUTH ${v}`,
  'Redis with a user': (v) => `> AUTH joe ${v}`,
  'a user of Redis': (v) => `ACL SETUSER joe on >${v} ~* +@all`,
  'users.acl': (v) => `user joe on >${v} ~* +@all`,
  'a role': (v) => `ALTER USER joe WITH PASSWORD E'${v}'`,
  'ldap.conf': (v) => `bindpw ${v}`,
  'slapd.conf': (v) => `rootpw ${v}`,
  'plink': (v) => `plink -ssh -pw ${v} host`,
  'XML': (v) => `<dbPassword>${v}</dbPassword>`,
}

for (const [kind, forms] of Object.entries({ 'what a value begins with or holds': values, addresses, headers, commands })) {
  void t.test(`a secret is known by its rarer form: ${kind}`, (t) => {
    const redact = redactWith()
    for (const [name, form] of Object.entries(forms)) {
      const once = redact(form('Hunter2xyzQ'))
      t.notMatch(once, /Hunter/, name)
      t.ok(once.includes(mask), name)
      t.equal(redact(once), once, `${name}: once is enough`)
    }
    t.end()
  })
}

void t.test('chance is no id for ending in these letters', (t) => {
  const redact = redactWith()
  for (const word of ['invalid', 'paid', 'valid', 'INVALID:', 'PAID', 'subtask', 'multitask:']) t.equal(redact(`${word} kV9zX2mQ8rT4Lw7Yp3Nb6Hs1Jd5Gf0AcUe2Rt9Q`), `${word} ${mask}`)
  const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  for (const word of ['containerid:', 'SANDBOX', 'podsandboxid', 'imageid:', 'TASK', 'container-id:', 'Checkout']) t.equal(redact(`${word} ${hex}`), `${word} ${hex}`, word)
  for (const word of ['id', 'containerID:', 'image_id=']) t.match(redact(`${word} kV9zX2mQ8rT4Lw7Yp3Nb6Hs1Jd5Gf0AcUe2Rt9Q`), /kV9z/, word)
  t.end()
})

void t.test('keys of SSH have other lines around them', (t) => {
  const redact = redactWith()
  t.equal(redact('---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: x\nHunter2\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\nnext'), `${mask}\nnext`)
  t.notMatch(redact('PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 2\nHunter2\nHunter==\nPrivate-MAC: abc'), /Hunter/)
  t.notMatch(redact('-----begin rsa private key-----\nHunter2\n-----end rsa private key-----'), /Hunter/)
  t.end()
})

void t.test('a key that is named like a file has a value all the same', (t) => {
  const redact = redactWith()
  const hidden = [
    '"credentials.json": "tulipgarden"', '{"token.py":"tulipgarden"}', 'kubectl create x --from-literal=credentials.json=tulipgarden', 'token.json: tulipgarden', 'password.yaml: tulipgarden', 'credentials.json = tulipgarden',
    'credentials.json: |\n  tulip garden\n  tulip\nhost: db', 'credentials.yaml: >-\n  tulip', 'host: db\nsecret.yaml: a tulip garden of mine',
  ]
  for (const text of hidden) {
    t.notMatch(redact(text), /tulip|garden/, text)
    t.ok(redact(text).includes(mask), text)
  }
  t.end()
})

void t.test('a line of YAML has a value of several words', (t) => {
  const redact = redactWith()
  const lines = ['client_secret: tuliphunter # old', 'secret: tulip garden', 'dsn: host=tulip pw', 'connection_string: AccountName=a;Key=tulip x', 'credentials: admin tulipgarden', 'clientSecret: tulip', '"token": tulip garden', 'api_key: tulip garden']
  for (const line of lines) {
    for (const text of [line, `  ${line}`, `host: db\n${line}\nport: 5432`, `flower:\n  ${line}\n`, `- name: x\n  ${line}`]) {
      t.notMatch(redact(text), /tulip|garden/, text)
      t.ok(redact(text).includes(mask), text)
    }
  }
  for (const text of ['host: db\nsecret: tulip garden of mine\nport: 5432', 'secret: tulip garden of mine\nport: 5432', 'port: 5432\r\nsecret: tulip garden of mine\r\n']) t.notMatch(redact(text), /tulip|garden|mine/, text)
  t.end()
})

void t.test('what only resembles these stays as it is', (t) => {
  const redact = redactWith()
  const plain = [
    'password={}', 'password: {name: x}', 'token=[]', 'password={{ .Values.password }}', 'password: null', 'password=***', 'password: ""', 'token: \'\'', '{"password":"","token":""}', 'token_url=https://login.example.org',
    'NOAUTH Authentication required.', 'AUTH <password> called without any password configured', 'AUTH SCRAM-SHA-256', 'AUTH LOGIN', 'token expired', 'Token authentication failed', 'token airflow-token-c4kss', 'ApiKey missing',
    'session=<sqlalchemy.orm.session.Session object at 0x7f2d>', 'AIRFLOW__API__AUTH_BACKENDS=airflow.api.auth.backend.session', 'http://x/hooks/pre-commit', 'webhook/validate-pods-v1', 'apache/airflow@sha256:abc', 'apache/airflow:2.6.2@sha256:abc',
    'http://10.0.0.1:8080/x@y', 'X-Request-Id: 5', 'user joe on db', 'git@github.com:joe/repo', 'joe@db:5432/airflow', '/opt/airflow/dags/x.py:12@main', 'rootpw is missing', '--passphrase-file FILE', 'secret key fernet-key', 'invalid token list',
  ]
  for (const text of plain) t.equal(redact(text), text)
  t.end()
})

void t.test('200 KB of one piece cost no time', (t) => {
  const redact = redactWith()
  for (const part of ['a@b:c@', 'A_KEY=', 'token: ', 'password="a', '-----BEGIN RSA PRIVATE KEY-----\n', '//a:', 'session=', 'AUTH a', '-pw ', 'aB3', '/hook/', 'a/b@//', `Private-Lines: 14\n${`${'Ab3+'.repeat(16)}\n`.repeat(4)}boom!\n`, `-----BEGIN PRIVATE KEY-----\n${`2023-08-02 [a] INFO ${'Ab3+'.repeat(8)}\n`.repeat(9)}`, 'secret: a b\n', 'token.json: a b\n', '\'-----BEGIN PRIVATE KEY-----\', \'Ab3+Ab3+Ab3+Ab3+Ab3+\', ']) {
    const began = process.cpuUsage().user
    redact(part.repeat(200_000 / part.length))
    t.ok(process.cpuUsage().user - began < 4_000_000, `${part} ${process.cpuUsage().user - began} µs`)
  }
  t.end()
})
