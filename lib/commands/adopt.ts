import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import { adoptedConfig } from '../airflow/adopted-config.ts'
import { adoption, adoptionRefs } from '../airflow/adopt.ts'
import { familyOfRelease } from '../airflow/families.ts'
import { readableValues } from '../doctor/collect/values.ts'
import { AirstripError } from '../errors.ts'
import type { Deps, Flags } from './deps.ts'
import { lookingSession } from './look.ts'

/** The part of the configuration that takes over the release that is there, as YAML; nothing is changed. */
export async function runAdopt(flags: Flags, deps: Deps): Promise<number> {
  const { session, redactor } = lookingSession(flags, deps)
  const { release: name, namespace } = session.config.airflow
  const reader = session.look()
  const release = await reader.release(name, namespace)
  if (release === undefined) {
    throw new AirstripError('USAGE', `There is no Helm release ${namespace}/${name} to take over.`, { next: 'Write airflow.namespace and airflow.release of the one that is there; `helm list -A` shows them.' })
  }
  const family = familyOfRelease(release)
  const taken = adoption(release, family, await reader.get(adoptionRefs(release, family)))
  // They are in values, which are printed.
  const secrets: (string | undefined)[] = [...Object.values(taken.given as Record<string, string | undefined>), taken.connected?.password]
  for (const secret of secrets) if (secret !== undefined && secret.length > 7) redactor.add(secret)
  const { airflow, withheld } = adoptedConfig(release, taken, (path, value) => !isReadable(path, value))
  if (flags.json === true) deps.out(redactor.redact(JSON.stringify({ airflow, withheld })))
  else for (const line of stringify({ airflow }, { lineWidth: 0 }).trimEnd().split('\n')) deps.out(redactor.redact(line))
  if (flags.quiet !== true) tell(withheld, deps)
  return 0
}

/** By the last word of its path, as the doctor does. */
function isReadable(path: string, value: unknown): boolean {
  const key = path.split('.').at(-1) ?? path
  return isDeepStrictEqual(readableValues({ [key]: value })[key], value)
}

function tell(withheld: readonly string[], deps: Deps): void {
  for (const path of withheld) deps.err(`airflow.values.${path} holds a secret, which does not belong into a file: put it into a Kubernetes Secret and name that`)
  deps.err('Put this into your configuration in the place of airflow:, look at `diff`, then run `apply`; keys, passwords and data are taken over as they are.')
}
