/** A pipeline on steps that are scripted: what it asks, writes and saves is kept. */
import { makeChanges } from '../../../lib/changes.ts'
import type { PipelineDeps } from '../../../lib/engine/pipeline.ts'
import { emptyState, type State } from '../../../lib/engine/state.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Check, Step, StepName } from '../../../lib/step.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { recordingWriter, type Recorded } from '../../fakes/writer.ts'
import { done, inTurn, patience, step, type Told } from './steps.ts'

export const system: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: 'uid-of-this-cluster' } }

export type Deps = PipelineDeps & Omit<Told, 'timeoutMs'> & { writes: Recorded; journal: string[] }

/** The journal has saves and writes in the order in which they came. */
export function deps(steps: readonly Step[], fields: Pick<Partial<PipelineDeps>, 'look' | 'consent' | 'show' | 'edition' | 'attended'> & { fail?: () => Error | undefined } = {}): Deps {
  const told = patience()
  const journal: string[] = []
  const { fail, ...rest } = fields
  const writes = recordingWriter((verb) => {
    journal.push(verb)
    return fail?.()
  })
  const save = (state: State): Promise<void> => {
    journal.push(Object.entries(state.steps).filter(([, { status }]) => status !== 'pending').map(([name, { status }]) => `${name} ${status}`).join(', '))
    return Promise.resolve()
  }
  return {
    ...told, timeoutMs: undefined, steps, config: {}, state: emptyState(told.clock.now()), save, statePath: 'state/state.json',
    look: () => clusterReader({ objects: [system] }), writer: () => writes, writes, journal,
    edition: '1', attended: true, consent: () => Promise.resolve(false), show: () => Promise.resolve(['-old', '+new']), ...rest,
  }
}

export const changesOf = ({ told }: Deps): number => told().filter((line) => line.startsWith('change ')).length

export const named = (name: StepName, check: () => Promise<Check>, fields: Partial<Step> = {}): Step => step({ name, check, apply: makeChanges, verify: inTurn(done), ...fields })
