import { AirstripError } from '../errors.ts'
import type { Reader } from '../access.ts'
import type { Change, Step, StepName } from '../step.ts'
import { leftOut } from './selection.ts'
import { examine, type Examined } from './step-run.ts'

/** Whether only what differs is asked, or also whether what is as wanted works. */
export type Depth = 'check' | 'verify'

/** Side by side, and with them the steps that were left out: what is chosen may not work without. */
export async function examineAll(chosen: readonly Step[], steps: readonly Step[], config: unknown, reader: Reader, depth: Depth = 'verify'): Promise<Map<StepName, Examined>> {
  const missing = leftOut(steps, chosen)
  const [examined, refused] = await Promise.all([
    Promise.all(chosen.map(async (step) => [step.name, await examineCalmly(step, config, reader, depth)] as const)),
    Promise.all(missing.map(async ({ step, neededBy }) => {
      const lack = await lackOf(step, config, reader)
      return lack === undefined ? undefined : `${neededBy} needs ${step.name} (${step.title}), which is ${lack} and not selected`
    })),
  ])
  const problems = refused.filter((problem) => problem !== undefined)
  if (problems.length > 0) throw new AirstripError('SELECTION', 'The selected steps cannot work on this cluster.', { seen: problems })
  return new Map(examined.filter((entry): entry is [StepName, Examined] => entry[1] !== undefined))
}

/**
 * A look that fails is not final here: an earlier step may mend what it stumbled over. It is made
 * again, and its error counted, when the step's turn comes. An unreachable cluster ends everything.
 */
async function examineCalmly(step: Step, config: unknown, reader: Reader, depth: Depth): Promise<Examined | undefined> {
  try {
    return depth === 'verify' ? await examine(step, step.spec(config), reader) : { check: await step.check(step.spec(config), reader) }
  } catch (error) {
    if (error instanceof AirstripError && ['CALL_FAILED', 'CHART_UNAVAILABLE', 'MANIFEST_UNAVAILABLE'].includes(error.code)) return undefined
    throw error
  }
}

async function lackOf(step: Step, config: unknown, reader: Reader): Promise<string | undefined> {
  const check = await step.check(step.spec(config), reader)
  if (check.state === 'blocked') return `blocked (${check.findings[0].title})`
  const isThere = check.state === 'satisfied' || (check.state === 'drifted' && !check.changes.some(isMissing))
  return isThere ? undefined : 'not in place'
}

/**
 * What was only added to, or what Helm made and somebody edited, is there all the same. Of our own
 * objects what is declared counts: a class that is no default any more is as good as none.
 */
function isMissing(change: Change): boolean {
  if (change.op === 'update') return change.found.some(({ want }) => want !== undefined)
  return ['create', 'generate', 'replace'].includes(change.op) || (change.op === 'release' && change.live === undefined)
}
