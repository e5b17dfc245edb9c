import { readBundle, refuseExisting, writeBundle } from '../adapters/bundle.ts'
import { ownVersion } from '../adapters/own-version.ts'
import { collect } from '../doctor/collect/index.ts'
import { diagnose, type Diagnosis } from '../doctor/diagnose.ts'
import type { Evidence, Wanted } from '../doctor/evidence.ts'
import type { Config } from '../config/schema.ts'
import type { Redact } from '../doctor/redact.ts'
import { sparingNames, swept } from '../doctor/sweep.ts'
import { AirstripError } from '../errors.ts'
import { bundleFiles, damaged, omittedLines, parseStored } from '../report/bundle.ts'
import { diagnosisJson, diagnosisLines } from '../report/diagnosis.ts'
import { prereq } from '../../steps/01-prereq.ts'
import type { Finding } from '../step.ts'
import type { Deps, Flags } from './deps.ts'
import { lookingSession } from './look.ts'
import { readRecorded } from './recorded.ts'
import type { Session } from './session.ts'

/** 0 healthy, 3 something is wrong, 4 only warnings, 1 when not everything could be looked at. */
export async function runDoctor(flags: Flags, deps: Deps): Promise<number> {
  if (flags.from !== undefined) return replay(flags.from, flags, deps)
  if (flags.bundle !== undefined) refuseExisting(flags.bundle)
  const { session, redactor } = lookingSession(flags, deps)
  const examination = await examineAll(session)
  const redact = sparingNames(redactor.redact)
  say(examination.diagnosis, flags, deps, redact)
  if (flags.bundle !== undefined) writeExamination(flags.bundle, examination, deps, redact)
  return exitOf(examination.diagnosis)
}

/** What was collected elsewhere, judged here: its time is the time of the findings. */
function replay(path: string, flags: Flags, deps: Deps): number {
  if (flags.bundle !== undefined) throw new AirstripError('USAGE', '--from and --bundle cannot be together: what is read from a bundle is one already.')
  const { evidence, beside, airstrip } = parseStored(readBundle(path), path)
  const diagnosis = judged(evidence, beside, path)
  if (flags.quiet !== true) deps.err(`judging what airstrip ${airstrip} collected at ${evidence.at}, in ${path}`)
  say(diagnosis, flags, deps)
  return exitOf(diagnosis)
}

/** Objects of a file that somebody made up may have any shape within. */
function judged(evidence: Evidence, beside: readonly Finding[], path: string): Diagnosis {
  try {
    return diagnose(evidence, beside)
  } catch {
    throw damaged(path, 'an object in its evidence.json is not as Kubernetes has it')
  }
}

function say(diagnosis: Diagnosis, flags: Flags, deps: Deps, redact: Redact = (text) => text): void {
  const lines = flags.json === true ? [diagnosisJson(diagnosis)] : diagnosisLines(diagnosis, deps.outColors && flags.color)
  for (const line of lines) deps.out(redact(line))
}

function writeExamination(path: string, { evidence, beside, diagnosis }: Examination, deps: Deps, redact: Redact): void {
  const files = bundleFiles({ airstrip: ownVersion(), evidence, beside }, diagnosis, redact)
  const size = writeBundle(path, files, deps.clock.now())
  deps.err(`wrote ${path}: ${files.length} files, ${Math.ceil(size / 1024)} KiB, for your eyes only (mode 0600) until you send it. Left out or taken out:`)
  for (const line of omittedLines(evidence)) deps.err(line)
}

export interface Examination {
  evidence: Evidence
  /** What the prerequisites say. */
  beside: Finding[]
  diagnosis: Diagnosis
}

/** The evidence and what the prerequisites say, over one look. */
export async function examineAll(session: Session): Promise<Examination> {
  const { config, look, file, redactor } = session
  const reader = look()
  const { namespace, release } = config.airflow
  const [recorded, beside] = await Promise.all([readRecorded(file, reader), prerequisites(session, reader)])
  const evidence = await collect(reader, { namespace, release, wanted: wantedOf(config), recorded, redact: redactor.redact, learn: redactor.add })
  const clean = evidence.unreachable === undefined ? swept(beside, redactor.redact) : []
  return { evidence, beside: clean, diagnosis: diagnose(evidence, clean) }
}

/** What a step would refuse or warn of; what it could not read the doctor has read itself, and says. */
async function prerequisites({ config }: Session, reader: ReturnType<Session['look']>): Promise<Finding[]> {
  const check = await prereq.check(prereq.spec(config), reader).catch(() => undefined)
  return [...(check?.state === 'blocked' ? check.findings : []), ...(check?.warnings ?? [])]
}

export function wantedOf({ airflow, storage, ingress }: Config): Wanted & { address?: string | undefined } {
  const { host, path, prefix, certResolver, entryPoint, address } = ingress
  return {
    chart: airflow.chart,
    executor: airflow.executor,
    storagePath: storage.path,
    host, path, prefix, certResolver, entryPoint, address,
    service: `${airflow.release}-webserver`,
    bundledDatabase: airflow.database.external === undefined,
  }
}

export function exitOf({ findings, unknown }: Diagnosis): number {
  if (findings.some(({ severity }) => severity === 'error')) return 3
  if (unknown.length > 0) return 1
  return findings.length > 0 ? 4 : 0
}
