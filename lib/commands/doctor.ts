import { collect } from '../doctor/collect/index.ts'
import { diagnose, type Diagnosis } from '../doctor/diagnose.ts'
import type { Evidence, Wanted } from '../doctor/evidence.ts'
import { wishFor } from '../airflow/release.ts'
import { airflowSpec } from '../airflow/spec.ts'
import type { Config } from '../config/schema.ts'
import { diagnosisJson, diagnosisLines } from '../report/diagnosis.ts'
import { prereq } from '../../steps/01-prereq.ts'
import type { Finding } from '../step.ts'
import type { Deps, Flags } from './deps.ts'
import { lookingSession } from './look.ts'
import { readRecorded } from './recorded.ts'
import type { Session } from './session.ts'

/** 0 healthy, 3 something is wrong, 4 only warnings, 1 when not everything could be looked at. */
export async function runDoctor(flags: Flags, deps: Deps): Promise<number> {
  const { session, redactor } = lookingSession(flags, deps)
  const { diagnosis } = await examineAll(session)
  const lines = flags.json === true ? [diagnosisJson(diagnosis)] : diagnosisLines(diagnosis, deps.outColors && flags.color)
  for (const line of lines) deps.out(redactor.redact(line))
  return exitOf(diagnosis)
}

export interface Examination {
  evidence: Evidence
  diagnosis: Diagnosis
}

/** The evidence and what the prerequisites say, over one look. */
export async function examineAll(session: Session): Promise<Examination> {
  const { config, look, file, redactor } = session
  const reader = look()
  const { namespace, release } = config.airflow
  const [recorded, beside] = await Promise.all([readRecorded(file, reader), prerequisites(session, reader)])
  const evidence = await collect(reader, { namespace, release, wanted: wantedOf(config), recorded, redact: redactor.redact })
  return { evidence, diagnosis: diagnose(evidence, evidence.unreachable === undefined ? beside : []) }
}

/** What a step would refuse or warn of; what it could not read the doctor has read itself, and says. */
async function prerequisites({ config }: Session, reader: ReturnType<Session['look']>): Promise<Finding[]> {
  const check = await prereq.check(prereq.spec(config), reader).catch(() => undefined)
  return [...(check?.state === 'blocked' ? check.findings : []), ...(check?.warnings ?? [])]
}

export function wantedOf({ airflow, storage, ingress, diff }: Config): Wanted & { address?: string | undefined } {
  const { host, path, prefix, certResolver, entryPoint, address } = ingress
  return {
    chart: airflow.chart,
    executor: airflow.executor,
    storagePath: storage.path,
    host, path, prefix, certResolver, entryPoint, address,
    service: `${airflow.release}-webserver`,
    bundledDatabase: airflow.database.external === undefined,
    fernetSecret: String(wishFor(airflowSpec({ airflow, ingress, diff }).release, airflow.executor).values.fernetKeySecretName),
  }
}

export function exitOf({ findings, unknown }: Diagnosis): number {
  if (findings.some(({ severity }) => severity === 'error')) return 3
  if (unknown.length > 0) return 1
  return findings.length > 0 ? 4 : 0
}
