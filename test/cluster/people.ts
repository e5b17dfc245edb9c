/** Who asks the API server, what each of them asked, and which processes ran meanwhile. */
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { apply, kubectl, kubectlMaybe, lab, until } from './cluster.ts'

const PEOPLE = 'airstrip-people'

export interface Person {
  kubeconfig: string
  /** As the audit log names it. */
  user: string
}

/** A kubeconfig of its own, with the rights of a ClusterRole. */
export async function person(name: string, role: string, folder: string): Promise<Person> {
  const account = { kind: 'ServiceAccount', name, namespace: PEOPLE }
  await apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: PEOPLE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: PEOPLE } },
    { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata: { name: `${name}-token`, namespace: PEOPLE, annotations: { 'kubernetes.io/service-account.name': name } } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: `${PEOPLE}-${name}` }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [account] },
  )
  let token = ''
  await until(`a token for ${name}`, async () => {
    token = await kubectl(['-n', PEOPLE, 'get', 'secret', `${name}-token`, '-o', 'jsonpath={.data.token}'])
    return token !== ''
  })
  const config = parse(readFileSync(lab.kubeconfig, 'utf8')) as { users: { user: object }[] }
  for (const one of config.users) one.user = { token: Buffer.from(token, 'base64').toString() }
  const kubeconfig = join(folder, `${name}.kubeconfig`)
  writeFileSync(kubeconfig, stringify(config), { mode: 0o600 })
  return { kubeconfig, user: `system:serviceaccount:${PEOPLE}:${name}` }
}

export async function dismiss(name: string): Promise<void> {
  await kubectlMaybe(['delete', 'clusterrolebinding', `${PEOPLE}-${name}`, '--ignore-not-found'])
  await kubectlMaybe(['-n', PEOPLE, 'delete', 'serviceaccount', name, '--ignore-not-found'])
}

interface AuditEvent {
  verb: string
  user: { username: string }
  requestURI: string
  userAgent?: string
  objectRef?: { resource?: string; name?: string }
  responseStatus?: { code?: number }
}

/** What a person asks of the API server from now on. */
export function audit({ user }: Person): { all: () => AuditEvent[]; writes: () => string[] } {
  const from = statSync(lab.auditLog).size
  const all = (): AuditEvent[] => readFileSync(lab.auditLog).subarray(from).toString().split('\n')
    .filter(line => line !== '').map(line => JSON.parse(line) as AuditEvent).filter(event => event.user.username === user)
  // A review is a question that is asked by creating; nothing of it is kept.
  const isWrite = ({ verb, objectRef }: AuditEvent): boolean => !['get', 'list', 'watch'].includes(verb) && !/^selfsubject(access|rules)reviews$/.test(objectRef?.resource ?? '')
  return { all, writes: () => all().filter(isWrite).map(({ verb, requestURI }) => `${verb} ${requestURI}`) }
}

/** Every command line that any process of this machine has, the lab's pods included, while it looks. */
export function watchProcesses(): () => string[] {
  const seen = new Set<string>()
  const look = (): void => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d/.test(pid)) continue
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
      } catch {
        // It has ended since.
      }
    }
  }
  look()
  const timer = setInterval(look, 20)
  // A test that fails before it asks must still end.
  timer.unref()
  return () => {
    clearInterval(timer)
    return [...seen]
  }
}
