/**
 * A Secret of airstrip's own that lost what is in it: the run finds it there and never writes it again, so the advice
 * that is good for any other reference, to apply once more, leads nowhere.
 *
 *   CreateContainerConfigError: couldn't find key webserver-secret-key in Secret airflow/airflow-airstrip-webserver-secret-key
 */
import type { Pod } from 'kubernetes-types/core/v1.js'
import { type KeyName, secretNames } from '../../../airflow/keys.ts'
import type { NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { lacking } from '../../../observe/config-error.ts'
import { placeOf } from '../../../observe/place.ts'
import type { Evidence } from '../../evidence.ts'
import { restarted } from '../../restart.ts'
import { wrong } from '../../rule.ts'
import { deleted, replacedFrom } from '../../secret-commands.ts'

/** Nothing that is kept depends on these; who is logged in logs in again. */
const ofSessions: readonly KeyName[] = ['webserverSecretKey', 'apiSecretKey', 'jwtSecret']
/** With the password in them that a sibling has as well. */
const connections: readonly KeyName[] = ['metadata', 'resultBackend', 'broker', 'redis']

export function incomplete(evidence: Evidence): Finding[] {
  const { pods, namespace, release = 'airflow' } = evidence
  const names = new Map(Object.entries(secretNames(release)).map(([key, name]): [string, KeyName] => [name, key as KeyName]))
  return pods.flatMap((pod) => {
    const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
    return [...initContainerStatuses, ...containerStatuses].flatMap(({ name: container, state }): Finding[] => {
      const message = state?.waiting?.message ?? ''
      const [what = '', key = '', name = ''] = /couldn't find key (\S+) in Secret \S+\/(\S+)/.exec(message) ?? []
      const ours = names.get(name)
      if (ours === undefined) return []
      return [wrong('container-config-error', {
        title: lacking(what),
        evidence: [`${placeOf(pod, container)}: ${state?.waiting?.reason ?? ''}: ${message}`],
        why: 'airstrip made this Secret with that key in it, and writes a Secret that is there never again.',
        fix: fixes(ours, { namespace, name, key }, restarted(evidence)),
      })]
    })
  })
}

function fixes(ours: KeyName, { namespace, name, key }: { namespace: string; name: string; key: string }, restart: string): NonEmpty<string> {
  const look = `kubectl -n ${namespace} describe secret ${name} # whether it is there under another name; values stay unsaid`
  const anew = `${deleted(namespace, name)} && npx tsx run.ts apply`
  if (ofSessions.includes(ours)) return [`${anew} # makes another; everybody logs in again`, look]
  if (connections.includes(ours)) return [`${anew} # makes it again, with the password that the other Secrets have`, look]
  return [`${replacedFrom(namespace, name, key)} && ${restart} # FILE has the old value: no other opens what is there`, 'npx tsx run.ts keys import FILE # from an export, where there is one', look]
}
