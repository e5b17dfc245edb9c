/** What runs in the pods and is ended, or cannot do its work. */
import { servesWeb } from '../../airflow/families.ts'
import type { Finding } from '../../step.ts'
import type { Explains, Rule } from '../rule.ts'
import { crashRules } from './processes/crashes.ts'
import { imageRules } from './processes/images.ts'
import { probeRules } from './processes/probes.ts'
import { brokerFull } from './processes/redis.ts'
import { mayNotLaunch } from './processes/rights.ts'
import { saidRules } from './processes/said.ts'
import { withoutHeartbeat } from './processes/heartbeats.ts'
import { endingLate } from './processes/late-ends.ts'
import { heldTasks, refusedTasks } from './processes/tasks.ts'
import { failingPage } from './processes/web-page.ts'
import { webhookRules } from './processes/webhooks.ts'

export const processRules: readonly Rule[] = [...webhookRules, ...imageRules, ...crashRules, endingLate, ...probeRules, mayNotLaunch, ...saidRules, brokerFull, heldTasks, refusedTasks, withoutHeartbeat, failingPage]

export const processExplains: Explains = {
  'admission-webhook-down': ['helm-release-failed', 'post-install-hook-timeout', 'service-without-endpoints', 'not-ready-unexplained'],
  'dockerhub-rate-limit': ['image-registry-unreachable', 'post-install-hook-timeout', 'helm-release-failed', 'service-without-endpoints', 'not-ready-unexplained'],
  // That the registry asks for a login is what comes of a pull secret that is not there.
  'image-pull-denied': [{ id: 'image-pull-denied', when: (symptom, _, cause) => cause.title.startsWith('Pull secret ') && !symptom.title.startsWith('Pull secret ') && cause.evidence.some((line) => symptom.evidence.includes(line)) }],
  'readiness-probe-failing': [{ id: 'ingress-unproven', when: (symptom, _, cause) => isOfTheWeb(cause) && symptom.title.startsWith('Airflow takes long to answer') }],
}

function isOfTheWeb({ title }: Finding): boolean {
  return servesWeb(/^Container (\S+) of /.exec(title)?.[1] ?? '')
}

/** What a container ended for, or is ended for; told of another container it explains nothing. */
const ends = ['crash-loop', 'job-failed', 'oom-killed', 'pod-failed', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start', 'readiness-probe-failing'] as const

export const containerExplains: Explains = {
  'node-pressure-evicted': ends,
  'container-config-error': ends,
  'wrong-cpu-architecture': ends,
  'k8s-executor-forbidden': ends,
  'logs-not-writable-50000': ends,
  'git-sync-failure': ends,
  'kind-too-many-open-files': ends,
  'image-pull-denied': ['image-not-found'],
  'dockerhub-rate-limit': ['image-pull-denied'],
  'oom-killed': ['crash-loop', 'scheduler-liveness-restart-loop', 'readiness-probe-failing'],
  'webserver-oom-or-slow-start': ['crash-loop', 'readiness-probe-failing'],
  'scheduler-liveness-restart-loop': ['crash-loop', 'readiness-probe-failing'],
}
