import { fingerprintOf, type State } from '../../../lib/engine/state.ts'
import { finding } from './steps.ts'

export const now = new Date('2023-08-02T10:30:00Z')

/** A state as a run leaves it that failed in step 4. */
export const real: State = {
  version: 1,
  cluster: '5c7c2a7e-9f1b-4b53-8f1e-0f1d5e0f5c11',
  updatedAt: now.toISOString(),
  run: { id: '2023-08-02T10:20:00.000Z', command: 'airstrip apply --from storage', holder: 'home/4242/1a2b3c4d-991', startedAt: '2023-08-02T10:20:00.000Z', endedAt: now.toISOString(), result: 'failed' },
  steps: {
    prereq: { status: 'done', fingerprint: fingerprintOf({ a: 1 }), startedAt: now.toISOString(), endedAt: now.toISOString(), ms: 412, tries: 1, changed: 0, evidence: ['Kubernetes v1.22.8, kubectl v1.22.0, Helm v3.9.4'], warnings: [{ ...finding('os-not-verified'), severity: 'warning', link: 'https://example.org', causes: [finding('one')] }] },
    storage: { status: 'started', tries: 2 },
    helm: { status: 'failed', ms: 12_345.5, tries: 3, error: { code: 'FAILED', sentence: 'helm cannot become ready: „naïve“ – ✓', seen: ['Pod airflow/a: \u001b[31mbroken'], next: 'mend it', findings: [finding('crash-loop')] } },
  },
}
