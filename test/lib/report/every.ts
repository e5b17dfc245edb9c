/** What a run may say. */
import type { Event } from '../../../lib/engine/events.ts'
import type { Finding } from '../../../lib/step.ts'

export const finding: Finding = {
  id: 'crash-loop', severity: 'error', title: 'A container ends again and again', evidence: ['exit code 1', 'back-off 5m'], why: 'It cannot reach its database.', fix: ['kubectl logs x', 'mend it'], link: 'https://example.org',
  causes: [{ id: 'symptom', severity: 'warning', title: 'The webserver waits', evidence: ['0/1'], why: 'It needs the scheduler.', fix: ['wait'] }],
}

/** One of every type; a new one that is missing here does not compile. */
export const every: { [Type in Event['type']]: Extract<Event, { type: Type }> } = {
  'run-started': { type: 'run-started', command: 'apply', cluster: 'home', steps: ['helm'], resumesAt: 'helm' },
  'note': { type: 'note', text: 'the state file is damaged' },
  'plan': { type: 'plan', changes: [{ step: 'helm', op: 'create', object: 'ConfigMap airflow/x', why: 'it is not there' }], counts: { create: 2, patch: 1 } },
  'stays': { type: 'stays', step: 'storage', object: 'PersistentVolume airflow-local-dags-pv', why: 'your DAGs are in it' },
  'asked': { type: 'asked', question: 'Make these 3 changes?', answer: 'yes' },
  'command': { type: 'command', tool: 'helm', args: ['upgrade', 'airflow', '--description', 'it\'s me'], would: true },
  'step-started': { type: 'step-started', step: 'helm' },
  'change': { type: 'change', step: 'helm', op: 'create', object: 'ConfigMap airflow/x', why: 'it is not there' },
  'waiting': { type: 'waiting', step: 'helm', object: 'Pod airflow/x', reason: 'ContainerCreating', ms: 1500 },
  'ready': { type: 'ready', step: 'helm', object: 'Pod airflow/x', ms: 2000 },
  'warning': { type: 'warning', step: 'prereq', finding },
  'retry': { type: 'retry', what: 'kubectl get pods', reason: 'connection refused', attempt: 1 },
  'step-done': { type: 'step-done', step: 'helm', changed: 2, evidence: ['airflow 1.10.0'], ms: 61_000 },
  'step-failed': { type: 'step-failed', step: 'helm', code: 'FAILED', sentence: 'helm cannot become ready', ms: 100 },
  'step-skipped': { type: 'step-skipped', step: 'ingress', why: 'not selected' },
  'run-ended': { type: 'run-ended', result: 'done', changed: 2, ms: 200_000 },
}
