/** The forms in which secrets turn up in what is said: each is known by a rule, not by its value. */
import t from 'tap'
import { mask, redactWith } from '../../../lib/doctor/redact.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const prefix = '[2026-03-04T05:06:07.890+0000] {taskinstance.py:1824} ERROR - '

type Forms = Record<string, (value: string) => string>

const said: Forms = {
  'Airflow 3': (v) => `Simple auth manager | Password for user 'admin': ${v}`,
  'Kerberos': (v) => `kinit: Password for app@EXAMPLE.ORG: ${v}`,
  'MySQL': (v) => `A temporary password is generated for root@localhost: ${v}`,
  'set to': (v) => `Your new password was set to ${v}`,
  'login': (v) => `login app/${v} refused`,
  'credentials': (v) => `trying credentials app:${v}`,
  'credentials as a tuple': (v) => `trying credentials ('app', '${v}')`,
  'pfx': (v) => `pfx password ${v} wrong`,
  'German': (v) => `Passwort: ${v}`,
  'a German sentence': (v) => `Das Kennwort lautet ${v}`,
  'French': (v) => `mot de passe : ${v}`,
  'Spanish': (v) => `contraseña: ${v}`,
  'Portuguese': (v) => `senha=${v}`,
  'Italian': (v) => `parola d'ordine: ${v}`,
  'Dutch': (v) => `wachtwoord: ${v}`,
  'Polish': (v) => `hasło: ${v}`,
  'Russian': (v) => `пароль: ${v}`,
  'Japanese, with a wide colon': (v) => `パスワード：${v}`,
  'Chinese': (v) => `密码: ${v}`,
  'Korean': (v) => `비밀번호: ${v}`,
  'a Secret that cannot be read': (v) => `Secret in version "v1" cannot be handled as a Secret: illegal base64 data, error found in #10 byte of ...|${v}"}|..., bigger context ...|{"a":"${v}`,
  'an image with a login': (v) => `docker.io/app:${v}@registry.example.org/x/y:1`,
  'colours': (v) => `\u001B[36mpass\u001B[1mword\u001B[0m=\u001B[33m${v}\u001B[0m host=db`,
  'a sign of no width': (v) => `pass\u200Bword: ${v}`,
}

const set: Forms = {
  'arrow': (v) => `password -> ${v}`,
  ':=': (v) => `password := "${v}"`,
  'dots': (v) => `password ........: ${v}`,
  'tabs': (v) => `password\t\t${v}`,
  'a name and value as a tuple': (v) => `[('user', 'app'), ('password', '${v}')]`,
  'bytes of Python': (v) => `{b'password': b'${v}'}`,
  'Some of Rust': (v) => `Config { password: Some("${v}") }`,
  'PHP': (v) => `define('DB_PASSWORD', '${v}');`,
  'a passphrase of words': () => 'INFO   password: copper hunterxyz lantern',
  'a quote in quotes': (v) => `password="ab\\"${v}" host=db`,
  'the next line': (v) => `"password":\n    "${v}"`,
  'after a backslash': (v) => `mytool --password \\\n  ${v} \\\n  --host db`,
  'the next line of a log': (v) => `${prefix}password:\n${prefix}  ${v}`,
  'heredoc': (v) => `password = <<EOT\n${v}\nEOT`,
  'ODBC': (v) => `UID=sa;PWD={${v}};Encrypt=yes`,
  'list': (v) => `{"passwords":["${v}"]}`,
  'list in YAML': (v) => `passwords:\n  - ${v}\n  - x`,
  'a value before its name': (v) => `{"value":"${v}","name":"DB_PASSWORD"}`,
  'key and value': (v) => `{"key":"password","value":"${v}"}`,
  'XML': (v) => `<name>javax.ConnectionPassword</name><value>${v}</value>`,
  'HTML': (v) => `<input type="password" name="p" value="${v}">`,
  'registry': (v) => `{"auth":"${base64(`app:${v}`)}"}`,
  'npm': (v) => `_auth=${base64(`a:${v}`)}`,
  'Neo4j': (v) => `NEO4J_AUTH=neo4j/${v}`,
  '_PW': (v) => `DB_PW=${v}`,
  'psk': (v) => `psk=${v}`,
  'netrc': (v) => `machine x\nlogin app\npassword ${v}`,
  'pgpass': (v) => `db.example.org:5432:airflow:app:${v}`,
  'SQL': (v) => `CREATE USER 'a'@'%' IDENTIFIED BY '${v}'`,
  'parameters of SQLAlchemy': (v) => `[parameters: ('prod', 'app', '${v}')]`,
  'row of PostgreSQL': (v) => `DETAIL:  Failing row contains (1, prod, ${v}, null).`,
  'Go\'s address of MySQL': (v) => `app:${v}@tcp(db:3306)/x`,
  'an address encoded twice': (v) => `next=postgresql%3A%2F%2Fapp%3A${encodeURIComponent(v)}%40db%3A5432`,
  'Secret in YAML': (v) => `kind: Secret\ndata:\n  anything: ${base64(v)}`,
  'Secret in JSON': (v) => `{"kind":"Secret","stringData":{"anything":"${v}"}}`,
  'column of a table': (v) => `id | login | password | port\n===+===\n1  | app   | ${v} | 5432`,
  'column of CSV': (v) => `user,password,host\napp,${v},db`,
  'row of a table': (v) => `| password | ${v} |`,
  'auth': (v) => `requests.get(url, auth=('app', '${v}'))`,
  'login': (v) => `server.login('a@b.c', '${v}')`,
  'client': (v) => `Client('app', '${v}')`,
  'bind': (v) => `simple_bind_s('cn=admin', '${v}')`,
}

const commands: Forms = {
  'quoted, with blanks': (v) => `airflow connections add --conn-password 'one two ${v}'`,
  'sshpass': (v) => `sshpass -p 'one two ${v}' sftp app@host`,
  'docker': (v) => `docker login -u app -p ${v} registry.example.org`,
  'ldapsearch': (v) => `ldapsearch -D cn=admin,dc=x -w ${v} -b dc=x`,
  'sqlcmd': (v) => `sqlcmd -S db -U sa -P${v} -Q 'select 1'`,
  'any with a user before': (v) => `mytool -u app -p ${v}`,
  'openssl': (v) => `openssl enc -aes-256-cbc -k ${v} -in x`,
  'htpasswd': (v) => `htpasswd -nb admin ${v}`,
  'lftp': (v) => `lftp -u app,${v} sftp://host`,
  'curl, glued': (v) => `curl -s -uapp:${v} https://x`,
  'curl of a proxy': (v) => `curl --proxy-user me:${v} https://x`,
  'cookie': (v) => `curl -b 'session=${v}' https://x`,
  'create secret': (v) => `kubectl create secret generic x --from-literal=anything=${v}`,
  'variables set': (v) => `airflow variables set api_token ${v}`,
  'rabbitmqctl': (v) => `rabbitmqctl change_password app ${v}`,
  'Redis': (v) => `"AUTH" "${v}"`,
  'configuration of Redis': (v) => `requirepass ${v}`,
  'sqlplus': (v) => `sqlplus system/${v}@orcl`,
  'smbclient': (v) => `smbclient //h/s -U app%${v}`,
  'pipe': (v) => `echo '${v}' | sudo -S ls`,
  'as a list': (v) => `Command '['mysqldump', '-uroot', '-p${v}', 'x']' returned 2.`,
  'FTP': (v) => `*cmd* 'PASS ${v}'`,
  'IMAP': (v) => `a1 LOGIN app ${v}`,
}

for (const [kind, forms] of Object.entries({ said, set, commands })) {
  void t.test(`a secret is known by its form: ${kind}`, (t) => {
    const redact = redactWith()
    for (const [name, form] of Object.entries(forms)) {
      const once = redact(form('Hunter-2xyz!'))
      t.notMatch(once, /hunter-?2?xyz/i, name)
      t.notMatch(once, base64('Hunter-2xyz!'), name)
      t.ok(once.includes(mask), name)
    }
    t.end()
  })
}

void t.test('what only resembles a secret stays as it is', (t) => {
  const redact = redactWith()
  const plain = [
    'docker run -p 80:80 -u 50000 apache/airflow:2.6.2', 'git push -u origin main', 'ps -u root -p 1', 'ssh -p 22 -l airflow host', 'sudo -u airflow mkdir -p logs/scheduler', 'python -u /opt/airflow/x.py -p 8793',
    'mysql -h db -P 3306 -u root airflow', 'psql -U airflow -p 5432 -h db -w', 'pg_ctl -D /var/lib/postgresql/data -w start', 'kubectl patch deployment x --type merge -p \'{"spec":{"replicas":1}}\'',
    'kubectl -n airflow create secret generic x --from-literal=connection=FILE', 'echo hello | kubectl apply -f -', 'airflow variables set env production',
    'Secret "x" not found', 'secretName: y', 'token has expired', 'pin: 2.0', 'Failed password for user root: permission denied', 'the password was set to expire', 'login http://10.0.0.1:8080',
    'boto3.client(\'secretsmanager\', \'eu-west-1\')', 'conf.get(\'secrets\', \'backend\')', 'KeyError: (\'token\', \'missing\')', 'Can\'t locate revision identified by \'788397e78828\'',
    'NAME        SECRETS   AGE\ndefault     1         5d', '| key | what it is |\n| password | the password of the database |', 'secrets:\n- regcred-2', 'AIRFLOW__API__AUTH_BACKENDS=airflow.api.auth.backend.session',
    '# kind: Secret\ndata:\n  host: db', 'kind: ConfigMap\ndata:\n  host: db', 'taskinstance.py:1824:airflow:error:raised', 'PASS test/lib/doctor/canaries.test.ts', 'PRIMARY_KEY=dag_id',
    '- at \'/webserver/secretKey\': got number, want string', '- webserverSecretKey: Invalid type. Expected: string, given: integer', '- fernetKey: Must validate one and only one schema (oneOf)',
    'PWD=/opt/airflow/dags', 'HEAD is now at 9fceb02d0ae598e95dc970b74767f19372d61af8', 'token_url=https://login.example.org/oauth2/token',
  ]
  for (const text of plain) t.equal(redact(text), text)
  t.end()
})
