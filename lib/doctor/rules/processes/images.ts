/** Pulls: what ends no wait, since it passes, and still is the reason why a pod does not run now. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { Finding } from '../../../step.ts'
import { pullOf } from '../../../observe/image.ts'
import { ageMs, nameOf } from '../../../observe/observation.ts'
import { placeOf } from '../../../observe/place.ts'
import { makePullSecret } from '../../../observe/pull-secret.ts'
import { meaningOf } from '../../../observe/pull-text.ts'
import type { Evidence } from '../../evidence.ts'
import { type Rule, type Text, wrong } from '../../rule.ts'
import { containersIn } from './statuses.ts'

export const imageRules: readonly Rule[] = [rateLimited, turnedAway, noSuchPullSecret]

const limited = /toomanyrequests|too many requests|\b429\b|pull rate limit/i

function rateLimited(evidence: Evidence): Finding[] {
  return containersIn(evidence).flatMap(({ pod, status, events }): Finding[] => {
    const pull = pullOf(pod, status, events)
    if (pull === undefined || !limited.test(pull.text.replaceAll(pull.image, ''))) return []
    const { namespace } = evidence
    return [wrong('dockerhub-rate-limit', {
      title: 'A registry refuses pulls: too many were made from this address',
      evidence: [`${placeOf(pod, status.name)}: ${pull.reason}`, pull.text],
      why: 'Docker Hub counts anonymous pulls by address, over six hours. It passes by itself; a login has a limit of its own, and an image that is on the node is not pulled.',
      fix: [
        makePullSecret(namespace, 'registry-login', pull.image),
        `kubectl -n ${namespace} patch serviceaccount default -p '{"imagePullSecrets":[{"name":"registry-login"}]}' # and registry.secretName: registry-login in airflow.values for Airflow's own`,
        `On the node: sudo crictl pull ${pull.image} # or wait: the kubelet tries again every five minutes`,
      ],
    })]
  })
}

const patientMs = 120_000
const trouble = /x509|certificate|\btls\b|\b50[0234]\b|bad gateway|unavailable|time[d ]*out|deadline exceeded|connection reset/i

/** A registry that has not answered as it should for two minutes; a pull that is under way says nothing of the kind. */
function turnedAway(evidence: Evidence): Finding[] {
  return containersIn(evidence).flatMap(({ pod, status, events }): Finding[] => {
    const pull = pullOf(pod, status, events)
    // A runtime that cannot look for it speaks of itself: connection error: … dial unix /run/containerd/containerd.sock: connect: connection refused
    if (pull === undefined || pull.reason === 'ImageInspectError' || ageMs(pod.metadata.creationTimestamp, new Date(evidence.at)) < patientMs) return []
    const said = pull.text.replaceAll(pull.image, '')
    if (!trouble.test(said) || limited.test(said) || /not found|no such host|\bdial (tcp|udp)\b/i.test(said)) return []
    // What no retry changes is told of the pod itself.
    if (['plain http', 'untrusted'].includes(meaningOf(said, pull.reason) ?? '')) return []
    const { nodeName = 'the node' } = (pod as Pod).spec ?? {}
    const [, host = 'HOST'] = /"https:\/\/([\w.-]+(?::\d+)?)\//.exec(pull.text) ?? []
    const told = datedElsewhere(said, host, nodeName, evidence.at) ?? refusing(pull.image)
    return [wrong('image-registry-unreachable', { ...told, evidence: [`${placeOf(pod, status.name)}: ${pull.reason}`, pull.text] })]
  })
}

type Told = Omit<Text, 'evidence'>

function refusing(image: string): Told {
  return {
    title: `The registry of image ${image} does not give it`,
    why: 'It was reached, and every try since has failed; it may come back by itself.',
    fix: [`On the node: sudo crictl pull ${image}`, 'Name another registry or mirror in airflow.values, and run again'],
  }
}

const wrongClockMs = 60_000

/** x509: certificate has expired or is not yet valid: current time 2023-01-10T10:17:01Z is before 2023-05-10T00:00:00Z */
function datedElsewhere(said: string, host: string, node: string, at: string): Told | undefined {
  const [, time = '', side, limit = ''] = /not yet valid: current time (\S+) is (before|after) ([^\s"]+)/.exec(said) ?? []
  if (side === undefined) return undefined
  if (side === 'before' || Date.parse(time) - Date.parse(at) > wrongClockMs) {
    return {
      title: `The clock of node ${node} is wrong, so it takes no registry's certificate`,
      why: `It has ${time}, and the certificate is good ${side === 'before' ? 'from' : 'until'} ${limit}. A board without a battery begins anywhere in time, until it has asked for the right one.`,
      fix: [`sudo timedatectl set-ntp true; timedatectl # on ${node}: the clock must be synchronized`, `chronyc tracking # on ${node}, where chrony keeps the time`],
    }
  }
  return {
    title: `The certificate of registry ${host} has ended`,
    why: `It was good until ${limit}, and the node takes it no more.`,
    fix: [`openssl s_client -servername ${host.replace(/:\d+$/, '')} -connect ${host.includes(':') ? host : `${host}:443`} </dev/null 2>/dev/null | openssl x509 -noout -dates # which it shows; then renew it there`],
  }
}

function noSuchPullSecret(evidence: Evidence): Finding[] {
  const { secrets } = evidence
  if (secrets === undefined) return []
  return containersIn(evidence).flatMap(({ pod, status, events }): Finding[] => {
    const pull = pullOf(pod, status, events)
    const { imagePullSecrets = [] } = (pod as Pod).spec ?? {}
    const [missing] = imagePullSecrets.flatMap(({ name }) => (name !== undefined && !secrets.some((secret) => secret.name === name) ? [name] : []))
    if (pull === undefined || missing === undefined) return []
    return [wrong('image-pull-denied', {
      title: `Pull secret ${missing} does not exist`,
      evidence: [`${nameOf(pod)} names pull secret ${missing}, and there is none in ${evidence.namespace}`, `${placeOf(pod, status.name)}: ${pull.reason}`, ...(pull.text === '' ? [] : [pull.text])],
      why: 'The kubelet leaves out a pull secret that is not there and asks the registry without a login.',
      fix: [makePullSecret(evidence.namespace, missing, pull.image), 'or correct registry.secretName in airflow.values and run again'],
    })]
  })
}
