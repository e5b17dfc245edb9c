/** Whether the cluster can be reached at all, and where not, what the kubeconfig says of it. */
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter } from 'node:path'
import type { KubeconfigFacts, Unreachable } from '../access.ts'
import type { Question } from './api.ts'
import { fileOf, kubectlFlags, retried, withoutLogin, type Connection } from './connection.ts'
import { isGood, isLate, refused, wordsOf } from './request.ts'

/** Every cluster has it, and airstrip knows a cluster by it; who may not see it has reached the cluster too. */
const question: Question = { method: 'GET', path: '/api/v1/namespaces/kube-system', limitMs: 6000 }

/** A small machine that installs or upgrades may keep one question waiting for longer than any that is well. */
const patientMs = 12_000

/** One who got this far without being known: an API server lets him in where it was not told to refuse him. */
const nobody = 'User "system:anonymous"'

/** A server that restarts gets one more try, and one that is late one with more patience; it is looked at again by whoever asks again. */
export async function findUnreachable(connection: Connection): Promise<Unreachable | undefined> {
  const answer = await retried(connection, 'the cluster', () => connection.ask({ ...question, signal: connection.signal }), (one) => (isLate(one) || isGood(one) ? undefined : wordsOf(one)), 1)
  if (isGood(answer)) return undefined
  const words = wordsOf(answer)
  if (words.includes(nobody)) return { code: 'CLUSTER_UNREACHABLE', sentence: 'The cluster does not know who asks.', seen: [connection.redactor.said(words)], kubeconfig: await factsOf(connection) }
  const error = await refused(connection, question, answer)
  if (error.code === 'TOOL_MISSING') return { code: error.code, sentence: error.message, seen: error.seen }
  if (error.code !== 'CLUSTER_UNREACHABLE') return undefined
  const late = isLate(answer)
  const [again, alive, kubeconfig] = await Promise.all([late ? connection.ask({ ...question, limitMs: patientMs, signal: connection.signal }) : answer, late ? signOfLife(connection) : [], factsOf(connection)])
  if (isGood(again)) return undefined
  return { code: error.code, sentence: error.message, seen: [...error.seen, ...alive], kubeconfig }
}

/** An API server answers this one by itself, and all others from its store. */
const ping: Question = { method: 'GET', path: '/livez/ping', limitMs: 2000 }

async function signOfLife(connection: Connection): Promise<string[]> {
  const answer = await connection.ask({ ...ping, signal: connection.signal })
  return isGood(answer) ? [`GET ${ping.path} was answered at once`] : []
}

/** By the header that comes with every answer, and when it came: a question may have waited for others. */
export async function readClockAhead(connection: Connection, now: () => Date): Promise<number | undefined> {
  const answer = await connection.ask({ ...ping, signal: connection.signal })
  const time = 'date' in answer ? Date.parse(answer.date ?? '') : NaN
  return Number.isNaN(time) ? undefined : time - now().getTime()
}

interface View {
  'clusters'?: { name: string; cluster: { server?: string } }[] | null
  'contexts'?: { name: string; context: { cluster?: string } }[] | null
  'current-context'?: string
}

async function factsOf(connection: Connection): Promise<KubeconfigFacts> {
  const { target } = connection
  const file = fileOf(target)
  const [view, certificate] = await Promise.all([viewOf(connection), certificateOf(connection)])
  const contexts = view.contexts ?? []
  const context = target.context ?? (view['current-context'] === '' ? undefined : view['current-context'])
  const cluster = contexts.find(({ name }) => name === context)?.context.cluster
  const server = (view.clusters ?? []).find(({ name }) => name === cluster)?.cluster.server
  return {
    file,
    exists: file.split(delimiter).some((one) => existsSync(one.replace(/^~(?=\/)/, homedir()))),
    contexts: contexts.map(({ name }) => name),
    context,
    cluster,
    server: server === undefined ? undefined : withoutLogin(server),
    certificate,
    others: administrators.filter((one) => one !== file && existsSync(one)),
  }
}

const administrators = ['/etc/kubernetes/admin.conf', '/etc/rancher/k3s/k3s.yaml', '/var/lib/k0s/pki/admin.conf', '/var/snap/microk8s/current/credentials/client.config']

/** kubectl leaves tokens and keys out of it by itself. */
async function viewOf(connection: Connection): Promise<View> {
  try {
    return JSON.parse(await asked(connection, ['config', 'view', '-o', 'json'])) as View
  } catch {
    return {}
  }
}

/** The certificate alone, which is shown to everybody; its key stays where it is. */
async function certificateOf(connection: Connection): Promise<KubeconfigFacts['certificate']> {
  const data = await asked(connection, ['config', 'view', '--minify', '--raw', '--flatten', '-o', 'jsonpath={.users[0].user.client-certificate-data}'])
  try {
    const { subject, validFrom, validTo } = new X509Certificate(Buffer.from(data, 'base64'))
    return { subject: subject.split('\n').join(', '), validFrom: new Date(validFrom).toISOString(), validTo: new Date(validTo).toISOString() }
  } catch {
    // There is none, or it is one that nobody can read.
    return undefined
  }
}

async function asked({ exec, target, signal }: Connection, args: string[]): Promise<string> {
  const { stdout } = await exec({ tool: 'kubectl', args: [...kubectlFlags(target), ...args], signal })
  return stdout.trim()
}
