import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { execute, literal, rows } from './database-client.ts'
import { sleep } from './ends.ts'

const OPTIONS = {
  username: { type: 'string', short: 'u' },
  role: { type: 'string', short: 'r' },
  email: { type: 'string', short: 'e' },
  firstname: { type: 'string', short: 'f' },
  lastname: { type: 'string', short: 'l' },
  password: { type: 'string', short: 'p' },
} as const

const hash = (word: string): string => createHash('sha256').update(word).digest('hex')

export async function createUser(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS })
  const { username, role, email, firstname, lastname } = values
  if (username === undefined || role === undefined || email === undefined || firstname === undefined || lastname === undefined) {
    console.error('airflow users create command error: the following arguments are required: -e/--email, -f/--firstname, -l/--lastname, -r/--role, -u/--username')
    process.exit(2)
  }
  await makeUser({ username, role, email, firstname, lastname }, values.password ?? (await typedTwice()))
}

interface Person {
  username: string
  role: string
  email: string
  firstname: string
  lastname: string
}

async function makeUser({ username, role, email, firstname, lastname }: Person, password: string): Promise<void> {
  const known = await rows(`SELECT id FROM ab_user WHERE username = ${literal(username)}`)
  if (known.length > 0) {
    console.log(`${username} already exist in the db`)
    return
  }
  const person = [username, email, firstname, lastname, hash(password)].map(literal).join(', ')
  await execute(`
    BEGIN;
    INSERT INTO ab_role (name) VALUES (${literal(role)}) ON CONFLICT DO NOTHING;
    INSERT INTO ab_user (username, email, first_name, last_name, password, active) VALUES (${person}, true);
    INSERT INTO ab_user_role (user_id, role_id) SELECT u.id, r.id FROM ab_user u, ab_role r WHERE u.username = ${literal(username)} AND r.name = ${literal(role)};
    COMMIT;`)
  console.log(`User "${username}" created with role "${role}"`)
}

const SCRIPT = '/mnt/scripts/sync_users.py'

/** Of the community chart's script its users are read, with their passwords from the files of its templates. */
export async function syncUsers(): Promise<void> {
  const script = readFileSync(SCRIPT, 'utf8')
  const wrappers = script.matchAll(/UserWrapper\(\s+username="(.*)",\s+first_name="(.*)",\s+last_name="(.*)",\s+email="(.*)",\s+roles=\[\s*"(.*)",\s+\],\s+password="(.*)",/g)
  for (const [, username = '', firstname = '', lastname = '', email = '', role = '', template = ''] of wrappers) {
    const password = template.replace(/\$\{(\w+)\}/g, (_, name: string) => readFileSync(`/mnt/templates/${name}`, 'utf8'))
    await makeUser({ username, role, email, firstname, lastname }, password)
  }
  // As a Deployment it goes on for ever, as a Job it ends.
  while (script.includes('sync_forever=True')) await sleep(60_000)
}

/** Without -p Airflow asks twice, and takes the answers from stdin where there is no terminal. */
async function typedTwice(): Promise<string> {
  process.stdout.write('Password:\nRepeat for confirmation:\n')
  const [first, second] = (await text(process.stdin)).split('\n')
  if (first === undefined || first === '') throw Object.assign(new Error('EOF when reading a line'), { name: 'EOFError' })
  if (first !== second) throw Object.assign(new Error('Passwords did not match'), { name: 'SystemExit' })
  return first
}

export async function listUsers(): Promise<void> {
  const users = await rows<{ username: string; email: string; role: string | null }>(
    'SELECT u.username, u.email, r.name AS role FROM ab_user u LEFT JOIN ab_user_role ur ON ur.user_id = u.id LEFT JOIN ab_role r ON r.id = ur.role_id ORDER BY u.id')
  console.log('username | email | roles')
  for (const { username, email, role } of users) console.log(`${username} | ${email} | ${role ?? ''}`)
}

export async function isPasswordOf(username: string, password: string): Promise<boolean> {
  const found = await rows(`SELECT id FROM ab_user WHERE username = ${literal(username)} AND password = ${literal(hash(password))}`)
  return found.length === 1
}
