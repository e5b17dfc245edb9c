/** What the doctor looks at and says of it, for whoever asks: a person, `doctor --fix`, a step that failed. */
import { families, familyOfRelease, type Family } from '../airflow/families.ts'
import { secretNames } from '../airflow/keys.ts'
import { familyFor } from '../airflow/release.ts'
import { airflowSpec } from '../airflow/spec.ts'
import { fernetSecretOf } from '../airflow/values.ts'
import { ofToday } from '../doctor/beside.ts'
import { collect } from '../doctor/collect/index.ts'
import { diagnose, type Diagnosis } from '../doctor/diagnose.ts'
import type { Evidence, Witnessed, Said, Wanted } from '../doctor/evidence.ts'
import type { Seen } from '../doctor/witnessed.ts'
import { sparing, swept } from '../doctor/sweep.ts'
import { routeName } from '../manifest/ingress.ts'
import type { Config } from '../config/schema.ts'
import type { AirstripError } from '../errors.ts'
import { fingerprintOf } from '../engine/state.ts'
import { prereq } from '../../steps/01-prereq.ts'
import { steps } from '../../steps/index.ts'
import type { Reader } from '../access.ts'
import type { Finding } from '../step.ts'
import { readRecorded } from './recorded.ts'
import type { Session } from './session.ts'

export interface Examination {
  evidence: Evidence
  /** What is known besides it: of the prerequisites, or of what failed. */
  beside: Finding[]
  diagnosis: Diagnosis
}

/** What is known besides: words of a failure that is in no record yet, what it found itself, and pods that it saw. */
interface Known {
  said: readonly Said[]
  findings: readonly Finding[]
  witnessed: () => readonly Seen[]
}

/** The evidence and what the prerequisites say, over one look. */
export async function examineAll(session: Session, known: Known = { said: [], findings: [], witnessed: () => [] }): Promise<Examination> {
  const { config, look, file, redactor } = session
  const reader = look()
  const { namespace, release } = config.airflow
  const unreachable = await reader.unreachable()
  const [{ state, said, witnessed }, beside] = await Promise.all([
    readRecorded(file, wishesOf(session), unreachable === undefined ? reader : undefined),
    unreachable === undefined ? prerequisites(session, reader) : Promise.resolve<Finding[]>([]),
  ])
  const recorded = { state, said: [...said, ...known.said], witnessed: () => [...witnessed, ...known.witnessed()] }
  const evidence = await collect(reader, { namespace, release, wanted: wantedOf(config, unreachable === undefined ? await familyNow(config, reader) : undefined), recorded, unreachable, redact: redactor.redact, learn: redactor.add })
  const clean = swept(evidence.unreachable === undefined ? [...known.findings, ...ofToday(beside, evidence)] : [...known.findings], sparing(redactor.redact, evidence))
  return { evidence, beside: clean, diagnosis: diagnose(evidence, clean) }
}

function wishesOf({ config, edition }: Session): (name: string) => string | undefined {
  return (name) => {
    const step = steps.find((one) => one.name === name)
    return step && fingerprintOf([edition(), step.spec(config)])
  }
}

/** What a step would refuse or warn of; what it could not read the doctor has read itself, and says. */
async function prerequisites({ config }: Session, reader: ReturnType<Session['look']>): Promise<Finding[]> {
  const check = await prereq.check(prereq.spec(config), reader).catch(() => undefined)
  return [...(check?.state === 'blocked' ? check.findings : []), ...(check?.warnings ?? [])]
}

/** What lies behind a step's error: nobody has written it down yet, so its own words go in by hand. */
export async function lookBehind({ message, seen: words, findings }: AirstripError, session: Session, at: Date, seen: () => readonly Seen[]): Promise<{ findings: Finding[]; witnessed: Witnessed[] | undefined }> {
  const text = session.redactor.redact([message, ...words].join('\n'))
  const { diagnosis, evidence } = await examineAll(session, { said: [{ source: 'this run', at: at.toISOString(), text }], findings, witnessed: () => seen().map((one) => ({ ...one, at: at.toISOString() })) })
  return { findings: diagnosis.findings, witnessed: evidence.witnessed }
}

/** That of the release as it runs, else of the chart that is wanted; undefined where neither can be had. */
async function familyNow(config: Config, reader: Reader): Promise<Family | undefined> {
  const { release: spec } = airflowSpec(config)
  const release = await reader.release(spec.name, spec.namespace).catch(() => undefined)
  if (release !== undefined) return familyOfRelease(release)
  return reader.chart(spec.chart).then((chart) => familyFor(spec, chart), () => undefined)
}

export function wantedOf(config: Config, family: Family = families[0]): Wanted {
  const { airflow, storage, ingress, diff } = config
  const { host, path, prefix, certResolver, entryPoint, address } = ingress
  return {
    chart: airflow.chart,
    executor: airflow.executor,
    storagePath: storage.path,
    host, path, certResolver, entryPoint, address,
    prefix: family.keepsPrefix ? 'mount' : prefix,
    ignore: diff.ignore,
    family: family.id,
    healthPath: family.healthPath,
    route: routeName(airflow.release),
    service: `${airflow.release}-${family.web}`,
    bundledDatabase: airflow.database.external === undefined,
    database: placeOf(config),
    fernetSecretName: fernetSecretOf(airflow.values) ?? secretNames(airflow.release).fernetKey,
  }
}

function placeOf(config: Config): NonNullable<Wanted['database']> {
  return airflowSpec(config).keys.database
}
