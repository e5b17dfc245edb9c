/** Keys and passwords, by their facts and not their values. */
import { secretNames } from '../../airflow/keys.ts'
import { fernetSecretOf } from '../../airflow/values.ts'
import type { KubernetesObject } from '../../access.ts'
import type { Finding } from '../../step.ts'
import { nameOf } from '../../observe/observation.ts'
import { mainContainersOf, variablesOf } from '../../observe/template.ts'
import { isOfAnotherPart } from '../apart.ts'
import { type Complaint, counts, mentions, told } from '../complaints.ts'
import type { Evidence, SecretFacts } from '../evidence.ts'
import { type Explains, type ExplainsIf, type Rule, doubtful, wrong } from '../rule.ts'
import { restarted } from '../restart.ts'
import { deleted, replacedFrom } from '../secret-commands.ts'
import { isOfItsOwn, thatSpeakOf } from './cluster/symptoms.ts'
import { databaseOf, installMs } from './database/parts.ts'
import { incomplete } from './keys/incomplete.ts'

export const keyRules: readonly Rule[] = [noFernetKey, rotated, dynamic, unlike, published, incomplete, redisDrift, knownLogin]

/** Put on a Secret by whoever has brought its old value back, or has rotated it. */
const restoredLabel = 'airstrip/restored'

function fernetSecretName({ record, release = 'airflow' }: Evidence): string {
  return fernetSecretOf(record?.values ?? {}) ?? `${release}-fernet-key`
}

function fernetSecret(evidence: Evidence): SecretFacts | undefined {
  return (evidence.secrets ?? []).find(({ name }) => name === fernetSecretName(evidence))
}

function noFernetKey(evidence: Evidence): Finding[] {
  const secret = fernetSecret(evidence)
  const said = mentions(evidence, /Fernet key must be 32 url-safe base64-encoded bytes/)
  const remark = secret?.remarks['fernet-key']
  if (remark !== 'is not a Fernet key' && said.length === 0) return []
  const name = fernetSecretName(evidence)
  return [wrong('fernet-key-rotated', {
    title: `What is in Secret ${evidence.namespace}/${name} is not a Fernet key`,
    evidence: [...(remark === undefined ? [] : [`${name}/fernet-key ${remark}`]), ...told(said)],
    why: 'A Fernet key is 32 bytes in URL-safe base64 (43 characters and a =); with anything else no connection or variable can be read or written.',
    fix: [
      `Put the old key back: ${replacedFrom(evidence.namespace, name, 'fernet-key')} && kubectl -n ${evidence.namespace} label secret ${name} ${restoredLabel}=true && ${restarted(evidence)}`,
      `Where nothing is stored yet: ${deleted(evidence.namespace, name)} && npx tsx run.ts apply # makes a new key; then: ${restarted(evidence)}`,
    ],
  })]
}

/** Of a variable Airflow says it in its own words. */
const undecryptable = /\bfernet\.InvalidToken\b|Can't decrypt .*invalid token or value/
/** AWS, JWT and Telegram have tokens that are invalid as well; a traceback that is drawn leaves out whose it was, and shows where. */
const bareToken = /^\W*InvalidToken\b/
const inFernet = /\bfernet\.py\b/

function undecrypted(evidence: Evidence): Complaint[] {
  return [...mentions(evidence, undecryptable), ...mentions({ ...evidence, logs: evidence.logs.filter(({ lines }) => lines.some((line) => inFernet.test(line))) }, bareToken)]
}

function rotated(evidence: Evidence): Finding[] {
  const secret = fernetSecret(evidence)
  const said = undecrypted(evidence)
  const claim = databaseOf(evidence)?.claim
  const made = claim?.metadata.creationTimestamp
  const restored = secret?.labels[restoredLabel] !== undefined
  const isNew = !restored && secret !== undefined && made !== undefined && Date.parse(secret.createdAt) - Date.parse(made) > installMs
  const hand = restored || secret === undefined || made === undefined ? undefined : byHand(secret, made, evidence)
  // What is no key at all is told as that.
  const none = secret?.remarks['fernet-key'] === 'is not a Fernet key'
  if (said.length === 0 && (none || (!isNew && hand === undefined))) return []
  const { namespace } = evidence
  const name = fernetSecretName(evidence)
  return [(said.length > 0 ? wrong : doubtful)('fernet-key-rotated', {
    title: said.length > 0 ? 'What is stored was encrypted with another Fernet key' : hand === undefined ? 'The Fernet key is younger than the database' : 'The Fernet key was changed by hand',
    evidence: [...told(said), ...(hand === undefined ? [] : [hand]), ...((isNew || hand !== undefined) && secret !== undefined && claim !== undefined ? [`Secret ${namespace}/${name} is from ${secret.createdAt}, ${nameOf(claim)} from ${made ?? ''}`] : [])],
    why: 'Connections and variables are encrypted with the key that was there when they were saved; with another one they cannot be read.',
    fix: [
      `${replacedFrom(namespace, name, 'fernet-key')} && kubectl -n ${namespace} label secret ${name} ${restoredLabel}=true && ${restarted(evidence)} # FILE has the old key`,
      `Where the old one was put back by hand, where it was rotated (airflow rotate-fernet-key), or the old one is lost and the connections and variables were saved anew: kubectl -n ${namespace} label secret ${name} ${restoredLabel}=true`,
    ],
  })]
}

/** Made or written by somebody else when there was a database already: airstrip makes it once, with its label, and never writes it again. */
function byHand({ name, labels, createdAt, changed }: SecretFacts, since: string, { namespace, release = 'airflow' }: Evidence): string | undefined {
  if (name !== secretNames(release).fernetKey) return undefined
  const object = `Secret ${namespace}/${name}`
  if (changed !== undefined && Date.parse(changed.at) > Date.parse(since)) return `the data of ${object} was written by ${changed.by} at ${changed.at}`
  const foreign = labels['app.kubernetes.io/managed-by'] !== 'airstrip' && Date.parse(createdAt) > Date.parse(since)
  return foreign ? `${object} was made at ${createdAt}, and not by airstrip` : undefined
}

/** The chart makes a key at each rendering where it is told none. */
function dynamic({ record, namespace }: Evidence): Finding[] {
  if (record === undefined) return []
  const { values, objects } = record
  const made = objects.find(({ kind, metadata: { name } }) => kind === 'Secret' && /-(webserver|api)-secret-key$/.test(name))
  if (made === undefined) return []
  // Since Airflow 3 the API server has it, under another name.
  const kind = made.metadata.name.endsWith('-api-secret-key') ? 'api' : 'webserver'
  const setting = `${kind}SecretKeySecretName`
  if ([`${kind}SecretKey`, setting].some((key) => ![undefined, null, ''].includes(values[key] as string))) return []
  return [doubtful('webserver-secret-dynamic', {
    title: 'The webserver\'s secret key is made anew at each upgrade',
    evidence: [`Secret ${namespace}/${made.metadata.name} is the chart's own, and the values name no ${setting}`],
    why: 'Everybody is logged out then, and pods that were not restarted cannot read the logs of tasks from the others.',
    fix: [`openssl rand -hex 32 | tr -d '\\n' | kubectl -n ${namespace} create secret generic ${kind}-key --from-file=${kind}-secret-key=/dev/stdin # then ${setting}: ${kind}-key in the values; airstrip makes its own`],
  })]
}

/** Signed or encrypted by one part and read by another, so all have the same. Airflow 3 has some under other names. */
const ofAllParts = {
  AIRFLOW__CORE__FERNET_KEY: 'fernet-key-rotated',
  AIRFLOW__WEBSERVER__SECRET_KEY: 'webserver-secret-dynamic',
  AIRFLOW__API__SECRET_KEY: 'webserver-secret-dynamic',
  AIRFLOW__API_AUTH__JWT_SECRET: 'webserver-secret-dynamic',
} as const

/** Where each part of the release has it from. A value of its own is not kept with the evidence: it may be the same, by chance. */
function unlike({ workloads, secrets = [], record }: Evidence): Finding[] {
  const parts = workloads.filter((one) => record?.objects.some(({ kind, metadata }) => kind === one.kind && metadata.name === one.metadata.name))
  return Object.entries(ofAllParts).flatMap(([variable, id]): Finding[] => {
    const found = parts.flatMap((part) => sourcesOf(part, variable).map((source) => ({ name: nameOf(part), source })))
    const count = (source: string): number => found.filter((one) => one.source === source).length
    const [usual] = found.map(({ source }) => source).sort((a, b) => count(b) - count(a))
    const odd = found.filter(({ source }) => usual !== undefined && source !== usual && !areSame(source, usual, secrets))
    const [lead] = odd
    if (lead === undefined) return []
    const isFernet = id === 'fernet-key-rotated'
    return [(isFernet && odd.every(({ source }) => source !== itsOwn) ? wrong : doubtful)(id, {
      title: `${lead.name} has another ${isFernet ? 'Fernet key' : 'secret key'} than the other parts of Airflow`,
      evidence: [...odd.map(({ name, source }) => `${name} has ${variable} from ${source}`), `the others have it from ${usual ?? ''}`],
      why: isFernet ? 'What one part encrypts the other cannot read.' : 'What one part signs the other refuses: requests for the logs of tasks are answered 403.',
      fix: [`npx tsx run.ts apply --from helm # once no env in airflow.values gives one part alone a ${variable}`],
    })]
  })
}

const itsOwn = 'a value of its own'

/** Of a name that is there twice the last one counts. */
function sourcesOf(object: KubernetesObject, variable: string): string[] {
  return [...new Set(mainContainersOf(object).flatMap((container) => {
    const own = variablesOf(container).findLast(({ name }) => name === variable)
    if (own === undefined) return []
    const { name, key } = own.valueFrom?.secretKeyRef ?? {}
    return [name === undefined ? itsOwn : `Secret ${name}/${key ?? ''}`]
  }))]
}

function areSame(one: string, other: string, secrets: readonly SecretFacts[]): boolean {
  const [, name, key = ''] = /^Secret ([^/]+)\/(.+)$/.exec(one) ?? []
  return secrets.some((secret) => secret.name === name && (secret.same[key] ?? []).includes(other.replace(/^Secret /, '')))
}

/** A key that stands in a documentation protects nothing. */
function published({ secrets = [], namespace, release = 'airflow' }: Evidence): Finding[] {
  const ours = Object.values(secretNames(release)) as string[]
  return secrets.flatMap(({ name, keys, remarks }) => keys.filter((key) => remarks[key] === 'is one that stands in a documentation').map((key) => {
    const web = !/fernet/i.test(key)
    return doubtful(web ? 'webserver-secret-dynamic' : 'default-credentials', {
      title: web ? 'The webserver\'s secret key is one that everybody knows' : 'The Fernet key is one that everybody knows',
      evidence: [`Secret ${namespace}/${name}, ${key}: is one that stands in the documentation of a chart`],
      why: web ? 'Whoever knows it can make a session of any user.' : 'Whoever has the database can read its connections and passwords.',
      fix: [web ? (ours.includes(name) ? `${deleted(namespace, name)} && npx tsx run.ts apply # everybody logs in again` : 'Give the values of the release another webserverSecretKey (airflow.webserverSecretKey in the community chart), and upgrade it; everybody logs in again') : `Rotate it: fernet-key "NEW,OLD" in the Secret, restart, \`airflow rotate-fernet-key\`, then NEW alone and kubectl -n ${namespace} label secret ${name} ${restoredLabel}=true # which says that the new one is meant`],
    })
  }))
}

const redisRefuses = /WRONGPASS|NOAUTH|invalid (?:username-password pair|password)|AuthenticationError|called without any password configured|Client sent AUTH, but no password is set/

/** Who talks to Redis has a broker URL; Redis has the password alone. Each reads its own at its start. */
function redisDrift(evidence: Evidence): Finding[] {
  const { record, workloads, secrets = [], release = 'airflow', namespace } = evidence
  const set = workloads.find(({ kind, metadata: { name } }) => kind === 'StatefulSet' && [`${release}-redis`, `${release}-redis-master`].includes(name))
  if (set === undefined) return []
  const data = (record?.values.data ?? {}) as { brokerUrlSecretName?: string }
  const redis = (record?.values.redis ?? {}) as { passwordSecretName?: string }
  const broker = secrets.find(({ name }) => name === (data.brokerUrlSecretName ?? `${release}-broker-url`))
  const password = secrets.find(({ name }) => name === (redis.passwordSecretName ?? `${release}-redis-password`))
  const differ = broker !== undefined && password !== undefined && !(broker.same.connection ?? []).includes(`${password.name}/password`)
  const said = mentions({ ...evidence, logs: evidence.logs.filter((log, _, logs) => counts(log, logs)) }, redisRefuses).filter(({ pod }) => !databaseOf(evidence)?.pod || pod.metadata.name !== databaseOf(evidence)?.pod?.metadata.name)
  if (!differ && said.length === 0) return []
  const redisAgain = `kubectl -n ${namespace} rollout restart statefulset/${set.metadata.name}`
  const othersAgain = `kubectl -n ${namespace} rollout restart statefulset/${release}-worker deployment/${release}-scheduler`
  const restart = `${redisAgain} && ${othersAgain}`
  const ours = broker?.name === secretNames(release).broker
  return [(said.length > 0 ? wrong : doubtful)('redis-password-drift', {
    title: differ ? `Secrets ${broker.name} and ${password.name} have different passwords for Redis` : 'Redis runs with another password than those who talk to it',
    evidence: [...(differ ? [`${broker.name}/connection does not have the password of ${password.name}/password`] : []), ...told(said)],
    why: 'Celery\'s workers and the scheduler are refused by the broker then, and tasks stay queued.',
    fix: [differ
      // apply waits for workers, and those for a Redis that has the password.
      ? (ours ? `${deleted(namespace, broker.name)} && ${redisAgain} && npx tsx run.ts apply && ${othersAgain} # the broker URL is made again from the password` : `Put the password of Secret ${password.name} into the connection of Secret ${broker.name}, then: ${restart}`)
      : `${restart} # while no task runs`],
  })]
}

function knownLogin({ knownPasswords = [], secrets = [], release = 'airflow', namespace, record, wanted }: Evidence): Finding[] {
  const admin = secrets.find(({ name }) => name === secretNames(release).admin)
  const given = admin?.remarks.password === 'is a password that everybody knows' ? [`Secret ${namespace}/${admin.name}: the password is one that everybody knows`] : []
  const evidence = [...knownPasswords.map((path) => `${path} of Helm release ${namespace}/${record?.name ?? release} is one that everybody knows`), ...given]
  if (evidence.length === 0) return []
  return [doubtful('default-credentials', {
    title: 'Airflow lets in a password that everybody knows',
    evidence,
    why: 'Whoever reaches the page can run what they like on the cluster.',
    fix: [`kubectl -n ${namespace} exec -it deploy/${wanted?.service ?? `${release}-webserver`} -- sh -c 'airflow users reset-password --username admin || FLASK_APP=airflow.www.app flask fab reset-password --username admin' # the second is for Airflow before 2.9, and admin for who logs in; and another password in the values or in airflow.admin.password`],
  })]
}

/** Of those that say the same the finding quotes one. */
function isOfASpeaker(symptom: Finding, evidence: Evidence): boolean {
  return undecrypted(evidence).some(({ pod }) => symptom.evidence.some((line) => line.split(/[\s/,:]+/).includes(pod.metadata.name)))
}

export const keyExplains: Explains = {
  'fernet-key-rotated': [
    ...thatSpeakOf(/fernet|InvalidToken/i), 'helm-release-failed',
    ...(['scheduler-liveness-restart-loop', 'not-ready-unexplained'] as const).map((id): ExplainsIf => ({ id, when: (symptom, evidence, cause) => !isOfAnotherPart(symptom, evidence, cause) || isOfASpeaker(symptom, evidence) })),
  ],
  'redis-password-drift': [
    ...thatSpeakOf(/redis|kombu|username-password|NOAUTH|WRONGPASS|celery|container (?:airflow-)?(?:worker|flower)\b/i).map(({ id, when }): ExplainsIf => ({ id, when: (symptom, evidence, cause) => !isOfItsOwn(symptom) && when(symptom, evidence, cause) })),
    { id: 'scheduler-liveness-restart-loop', when: ({ evidence }) => evidence.some((line) => /container (?:airflow-)?(?:worker|scheduler|flower)\b/.test(line)) },
    'not-ready-unexplained',
  ],
}
