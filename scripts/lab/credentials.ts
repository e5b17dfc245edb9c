import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { must } from './exec.ts'
import type { Network } from './network.ts'
import type { Instance } from './paths.ts'

export const NODE_USER = 'kubelet'

/** Who may speak to the API server, with the groups that the built-in RBAC rules know. */
const users = (node: string): Record<string, { user: string; group: string }> => ({
  'admin': { user: 'lab-admin', group: 'system:masters' },
  'controller-manager': { user: 'system:kube-controller-manager', group: '' },
  'scheduler': { user: 'system:kube-scheduler', group: '' },
  'proxy': { user: 'system:kube-proxy', group: '' },
  [NODE_USER]: { user: `system:node:${node}`, group: 'system:nodes' },
})

export interface Credentials {
  dir: string
  adminToken: string
}

export async function makeCredentials(instance: Instance, net: Network, env: NodeJS.ProcessEnv): Promise<Credentials> {
  const dir = join(instance.data, 'pki')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  serviceAccountKeys(dir)
  await certificates(dir, net, env)
  const tokens: string[] = []
  let adminToken = ''
  for (const [name, { user, group }] of Object.entries(users(instance.netns))) {
    const token = randomBytes(24).toString('hex')
    tokens.push(`${token},${user},${user}${group === '' ? '' : `,"${group}"`}\n`)
    if (name === 'admin') adminToken = token
    writeKubeconfig(join(dir, `${name}.kubeconfig`), instance, net, dir, token)
  }
  writeFileSync(join(dir, 'tokens.csv'), tokens.join(''), { mode: 0o600 })
  return { dir, adminToken }
}

function serviceAccountKeys(dir: string): void {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  writeFileSync(join(dir, 'sa.key'), pair.privateKey, { mode: 0o600 })
  writeFileSync(join(dir, 'sa.pub'), pair.publicKey)
}

/** Node can make keys but no certificates; openssl makes them in a few milliseconds each. */
async function certificates(dir: string, net: Network, env: NodeJS.ProcessEnv): Promise<void> {
  // The system's own openssl.cnf would mark every certificate as an authority.
  writeFileSync(join(dir, 'openssl.cnf'), '[req]\ndistinguished_name = name\n[name]\n')
  const make = (name: string, subject: string, extensions: string[], signer: string[]): Promise<string> => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`]
    const rest = ['-x509', '-days', '3650', '-out', `${name}.crt`, '-subj', subject, ...signer]
    const added = extensions.flatMap(extension => ['-addext', extension])
    return must('openssl', ['req', '-config', 'openssl.cnf', ...key, ...rest, ...added], { cwd: dir, env })
  }
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key']
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost']
  const addresses = [net.nodeIP, '10.96.0.1', '127.0.0.1']
  const san = [...names.map(name => `DNS:${name}`), ...addresses.map(address => `IP:${address}`)].join(',')
  await make('ca', '/CN=airstrip-lab', ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'], [])
  await Promise.all([
    make('apiserver', '/CN=kube-apiserver', [`subjectAltName=${san}`, 'extendedKeyUsage=serverAuth'], signed),
    // With this one the API server asks the kubelet for logs and for exec.
    make('kubelet-client', '/O=system:masters/CN=kube-apiserver-kubelet', ['extendedKeyUsage=clientAuth'], signed),
  ])
}

function writeKubeconfig(file: string, instance: Instance, net: Network, dir: string, token: string): void {
  const name = `airstrip-${instance.name}`
  const ca = readFileSync(join(dir, 'ca.crt')).toString('base64')
  const config = {
    'apiVersion': 'v1',
    'kind': 'Config',
    'clusters': [{ name, cluster: { 'server': `https://${net.nodeIP}:6443`, 'certificate-authority-data': ca } }],
    'users': [{ name, user: { token } }],
    'contexts': [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, stringify(config), { mode: 0o600 })
}
