/** A runtime that is set up otherwise than the kubelet, or a pod, takes it to be, of Airflow's pods and of the system's. */
import type { Finding } from '../../../step.ts'
import { refusedSandbox } from '../../../observe/sandbox.ts'
import type { Evidence } from '../../evidence.ts'
import { failedSandboxes } from './pod-network.ts'

export function runtimeConfig(evidence: Evidence): Finding[] {
  return failedSandboxes(evidence).flatMap(({ pod, event }) => refusedSandbox(pod, event)?.finding ?? [])
}
