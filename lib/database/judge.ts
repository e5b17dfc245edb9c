import { differs, isOlder } from '../airflow/airflow-version.ts'
import type { Dump } from '../dump.ts'

export interface Present {
  namespace: string
  release: string
  /** The Airflow that runs. */
  airflow: string
  cluster?: string | undefined
}

/** Why a dump cannot be restored into what is there, with what to do; undefined where it can. */
export function unfit(dump: Dump, present: Present): { sentence: string; next: string } | undefined {
  if (dump.revision === undefined) return { sentence: 'There are no tables of Airflow in it.', next: 'Choose another one of `backup --list`.' }
  if (isOlder(present.airflow, dump.airflow)) {
    return { sentence: `It is of Airflow ${dump.airflow}, and the older ${present.airflow} runs, which does not know its migrations.`, next: `Bring Airflow to ${dump.airflow} first, with the airflow.version or image that carries it.` }
  }
  return undefined
}

/** What is worth knowing before one agrees. */
export function remarks(dump: Dump, present: Present): string[] {
  return [
    ...(differs(dump.airflow, present.airflow)
      ? [`it is of Airflow ${dump.airflow} and ${present.airflow} runs: Airflow stays stopped until \`apply\` goes back to that version, or brings the database to the wanted one`]
      : []),
    ...(dump.namespace !== present.namespace || dump.release !== present.release ? [`it is of release ${dump.namespace}/${dump.release}: its connections can only be read with the Fernet key of that one`] : []),
    ...(dump.cluster !== undefined && present.cluster !== undefined && dump.cluster !== present.cluster ? ['it was made on another cluster: its connections can only be read with the Fernet key of that one'] : []),
  ]
}
