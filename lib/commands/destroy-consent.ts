import { objectsOf } from '../changes.ts'
import type { Config } from '../config/schema.ts'
import type { Planned } from '../engine/agreement.ts'
import { AirstripError } from '../errors.ts'
import { isAttended } from './consent.ts'
import type { Flags } from './deps.ts'
import type { Run } from './run.ts'

/** A namespace that was written out is a word for that one alone, wherever the configuration points. */
export function refuseOtherNamespace({ dangerousDeleteData: named }: Flags, { airflow: { namespace } }: Config): void {
  if (named === undefined || named === true || named === namespace) return
  throw new AirstripError('USAGE', `--dangerous-delete-data names ${JSON.stringify(named)}, and this configuration's namespace is ${namespace}.`, { next: `Nothing was touched. If you mean this one, write --dangerous-delete-data=${namespace}.` })
}

/**
 * `--yes` agrees to all but the data. For that a person types the namespace's name, here or behind
 * the flag: a script that deletes a database must say which.
 */
export async function agreeToDestroy(plan: readonly Planned[], run: Run): Promise<void> {
  const { flags, deps: { ask }, deps, session: { config: { airflow: { namespace } } } } = run
  const { yes = false, dangerousDeleteData: data } = flags
  const count = plan.flatMap(({ changes }) => changes.flatMap(objectsOf)).length
  const isWrittenOut = typeof data === 'string'
  const person = ask !== undefined && isAttended(flags, deps) ? ask : undefined
  if (!yes) {
    if (person === undefined) throw nobody(plan, data === undefined ? 'Run with --yes, or in a terminal.' : `Run with --yes --dangerous-delete-data=${namespace}, or in a terminal.`)
    const answer = await asked(run, person, `Take ${count === 1 ? 'this' : `these ${count}`} down? [y]es, [N]o: `)
    if (!['y', 'yes'].includes(answer.toLowerCase())) throw declined()
  }
  if (data === undefined || (yes && isWrittenOut)) return
  if (person === undefined) throw nobody(plan, `To delete the data with nobody to ask, write its namespace out: --yes --dangerous-delete-data=${namespace}.`)
  const typed = await asked(run, person, `The database, its keys and passwords go for good, and nothing brings them back. Type the name of the namespace to go on: `)
  if (typed !== namespace) throw declined()
}

async function asked({ emit }: Run, ask: (question: string) => Promise<string>, question: string): Promise<string> {
  const answer = (await ask(question)).trim()
  emit({ type: 'asked', question: question.trim(), answer })
  return answer
}

function declined(): AirstripError {
  return new AirstripError('CONSENT', 'You did not agree, so it was left as it is.', { next: 'Run again when you do; `destroy --dry-run` shows the same list.' })
}

function nobody(plan: readonly Planned[], next: string): AirstripError {
  const seen = plan.flatMap(({ step, changes }) => changes.flatMap((change) => objectsOf(change).map((object) => `${step}: ${change.op} ${object}`)))
  return new AirstripError('CONSENT', 'Nobody can be asked here, so nothing was taken down.', { seen, next })
}
