import { closest } from 'fastest-levenshtein'
import { AirstripError } from '../errors.ts'
import type { Step, StepName } from '../step.ts'

/** Steps as the command line names them, by name or by number. */
export interface Selection {
  from?: string | undefined
  to?: string | undefined
  only?: string[] | undefined
  skip?: string[] | undefined
}

type Named = Pick<Step, 'name' | 'number'>

/** The chosen steps in their order; every unknown name is told at once. */
export function selectSteps<T extends Named>(steps: readonly T[], selection: Selection): T[] {
  const unknown: string[] = []
  const find = (word: string): number => {
    const index = steps.findIndex(({ name, number }) => name === word || number === Number(word))
    if (index < 0) unknown.push(`"${word}" is no step; ${suggestion(steps, word)}`)
    return index
  }
  const first = selection.from === undefined ? 0 : find(selection.from)
  const last = selection.to === undefined ? steps.length - 1 : find(selection.to)
  const only = selection.only?.map(find)
  const skip = (selection.skip ?? []).map(find)
  if (unknown.length > 0) throw new AirstripError('USAGE', 'The step selection cannot be understood.', { seen: unknown })
  const chosen = steps.filter((_, index) => index >= first && index <= last && (only?.includes(index) ?? true) && !skip.includes(index))
  if (chosen.length === 0) throw new AirstripError('USAGE', 'The step selection leaves no step.', { next: 'Choose at least one step; --from must not come after --to.' })
  return chosen
}

function suggestion(steps: readonly Named[], word: string): string {
  const names = steps.map(({ name }) => name as string)
  return `did you mean ${closest(word, names)}? Steps are ${steps.map(({ name, number }) => `${number} ${name}`).join(', ')}`
}

/** Steps that are needed, directly or through others, and were not chosen. */
export function leftOut<T extends Pick<Step, 'name' | 'needs'>>(steps: readonly T[], chosen: readonly T[]): { step: T; neededBy: StepName }[] {
  const found = new Map<StepName, { step: T; neededBy: StepName }>()
  const visit = (step: T, asker: StepName): void => {
    for (const name of step.needs) {
      const needed = steps.find((other) => other.name === name)
      if (needed === undefined || chosen.includes(needed) || found.has(name)) continue
      found.set(name, { step: needed, neededBy: asker })
      visit(needed, asker)
    }
  }
  for (const step of chosen) visit(step, step.name)
  return [...found.values()]
}
