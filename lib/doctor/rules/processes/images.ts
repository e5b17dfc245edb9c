/** Pulls: what ends no wait, since it passes, and still is the reason why a pod does not run now. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { Finding } from '../../../step.ts'
import { pullOf } from '../../../observe/image.ts'
import { ageMs, nameOf } from '../../../observe/observation.ts'
import type { Evidence } from '../../evidence.ts'
import { type Rule, wrong } from '../../rule.ts'
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
      evidence: [`${nameOf(pod)}, container ${status.name}: ${pull.reason}`, pull.text],
      why: 'Docker Hub counts anonymous pulls by address, over six hours. It passes by itself; a login has a limit of its own, and an image that is on the node is not pulled.',
      fix: [
        `docker login && kubectl -n ${namespace} create secret generic registry-login --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=$HOME/.docker/config.json`,
        `kubectl -n ${namespace} patch serviceaccount default -p '{"imagePullSecrets":[{"name":"registry-login"}]}' # and registry.secretName: registry-login in airflow.values for Airflow's own`,
        `On the node: sudo crictl pull ${pull.image} # or wait: the kubelet tries again every five minutes`,
      ],
    })]
  })
}

const patientMs = 120_000
const trouble = /x509|certificate|\btls\b|\b50[0234]\b|bad gateway|unavailable|time[d ]*out|deadline exceeded|connection reset|http: server gave HTTP response/i

/** A registry that has not answered as it should for two minutes; a pull that is under way says nothing of the kind. */
function turnedAway(evidence: Evidence): Finding[] {
  return containersIn(evidence).flatMap(({ pod, status, events }): Finding[] => {
    const pull = pullOf(pod, status, events)
    if (pull === undefined || ageMs(pod.metadata.creationTimestamp, new Date(evidence.at)) < patientMs) return []
    const said = pull.text.replaceAll(pull.image, '')
    if (!trouble.test(said) || limited.test(said) || /not found|no such host|\bdial (tcp|udp)\b/i.test(said)) return []
    const certificate = /x509|certificate|gave HTTP response/i.test(said)
    return [wrong('image-registry-unreachable', {
      title: certificate ? `The node does not trust the registry of image ${pull.image}` : `The registry of image ${pull.image} does not give it`,
      evidence: [`${nameOf(pod)}, container ${status.name}: ${pull.reason}`, pull.text],
      why: certificate ? 'Its certificate is of an authority that the node does not know, or it speaks no TLS at all.' : 'It was reached, and every try since has failed; it may come back by itself.',
      fix: [`On the node: sudo crictl pull ${pull.image}`, certificate ? 'Put the authority\'s certificate on the node (/etc/containerd/certs.d/HOST/hosts.toml, or /etc/docker/certs.d/HOST/ca.crt) and restart its runtime' : 'Name another registry or mirror in airflow.values, and run again'],
    })]
  })
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
      evidence: [`${nameOf(pod)} names pull secret ${missing}, and there is none in ${evidence.namespace}`, `${nameOf(pod)}, container ${status.name}: ${pull.reason}`, ...(pull.text === '' ? [] : [pull.text])],
      why: 'The kubelet leaves out a pull secret that is not there and asks the registry without a login.',
      fix: [`docker login && kubectl -n ${evidence.namespace} create secret generic ${missing} --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=$HOME/.docker/config.json`, 'or correct registry.secretName in airflow.values and run again'],
    })]
  })
}
