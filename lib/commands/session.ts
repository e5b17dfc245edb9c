import { dirname, join } from 'node:path'
import { dumpFolder } from '../adapters/dumps.ts'
import { stateFile, writeBackup } from '../adapters/files.ts'
import { findChart } from '../cluster/chart.ts'
import { listCharts } from '../cluster/chart-list.ts'
import type { Ask } from '../cluster/api.ts'
import type { Connection } from '../cluster/connection.ts'
import type { Call, Exec } from '../cluster/exec.ts'
import { closedEntries } from '../cluster/dag-entries.ts'
import { findBrokenDags } from '../cluster/dag-logs.ts'
import { askRegistries } from '../cluster/image-registry.ts'
import { getHttps } from '../cluster/https.ts'
import { endOrphans, folderFacts, holderAlive, isThisMachine, readSecret, resolveHost } from '../cluster/machine.ts'
import { findManifest } from '../cluster/manifest.ts'
import { createReader, type Surroundings } from '../cluster/reader.ts'
import { commandFor } from '../cluster/request.ts'
import type { Redactor } from '../cluster/redact.ts'
import { snapshot } from '../cluster/snapshot.ts'
import { toolVersions } from '../cluster/tools.ts'
import { isUnreachable } from '../cluster/transient.ts'
import { createWriter } from '../cluster/writer.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import type { Emit } from '../engine/events.ts'
import { fingerprintOf, type StateFile } from '../engine/state.ts'
import { manifestsText } from '../manifest/load.ts'
import type { Reader, Writer } from '../access.ts'
import type { Deps, Flags } from './deps.ts'

/** One cluster, one configuration, one state file: what most commands work on. */
export interface Session {
  config: Config
  redactor: Redactor
  file: StateFile
  /** A fresh look at the cluster. */
  look: () => Reader
  /** `tell`: where it says what it is at, if not where the session says everything. */
  writer: (signal: AbortSignal, tell?: Emit) => Writer
  /** A fingerprint of what beside the configuration's own words tells what will be made: our manifests, and the one that a person brings. */
  edition: () => string
}

export function openSession(flags: Flags, deps: Deps, redactor: Redactor, emit: Emit, config = loadConfig(flags.config, deps.readFile)): Session {
  const onRetry = announceOnce(emit)
  const dry = flags.dryRun === true
  const tell = (would: boolean) => ({ tool, args }: Call): void => {
    if (dry) emit({ type: 'command', tool, args, would })
  }
  const looking: Exec = (call) => {
    tell(false)(call)
    return deps.exec(call)
  }
  const target = { kubeconfig: flags.kubeconfig, context: flags.context }
  const api = deps.api(target)
  const asking: Ask = (question) => {
    tell(false)({ tool: 'kubectl', args: commandFor(question) })
    return api(question)
  }
  const connection = (signal: AbortSignal, exec: Exec = looking): Connection => ({
    exec,
    ask: asking,
    target,
    redactor,
    signal,
    onRetry,
  })
  const around = surroundings(connection(deps.signal), deps)
  const file = stateFile(flags.state)
  const known = new Map<string, Promise<unknown>>()
  const backups = join(dirname(flags.state), 'backups')
  return {
    config,
    redactor,
    file,
    look: () => snapshot(remembering(createReader(connection(deps.signal), around), known)),
    writer: (signal, tellThere = emit) => inDryRun(dry, tell(true), createWriter(connection(signal, dry ? dryExec(looking, tell(true)) : deps.exec), {
      random: deps.random,
      chart: (source) => around.chart(source),
      helm: async () => (await around.tools()).helm,
      holder: deps.holder,
      now: () => deps.clock.now(),
      backup: (name, text) => (dry ? Promise.resolve(join(backups, name)) : writeBackup(backups, name, text)),
      dumps: { folder: dumpFolder(flags.state), keep: config.airflow.backups.keep, note: (text) => { tellThere({ type: 'note', text }) } },
      endOrphans: dry ? () => Promise.resolve() : endOrphans,
    })),
    edition: () => editionOf(config, deps),
  }
}

function editionOf({ provisioner: { manifest } }: Config, deps: Deps): string {
  return fingerprintOf([manifestsText(), manifest === undefined ? '' : readOrNothing(manifest, deps)])
}

/** That a file is not there is told by the step that needs it. */
function readOrNothing(path: string, { readFile }: Deps): string {
  try {
    return readFile(path)
  } catch {
    return ''
  }
}

/** What takes seconds and does not change while a run lasts: what a chart is rendered to, and what registries have. */
function remembering(reader: Reader, known: Map<string, Promise<unknown>>): Reader {
  const once = <T>(key: unknown, ask: () => Promise<T>): Promise<T> => {
    const text = JSON.stringify(key)
    const answer = (known.get(text) as Promise<T> | undefined) ?? ask()
    known.set(text, answer)
    answer.catch(() => known.delete(text))
    return answer
  }
  return { ...reader, render: (wish) => once(['render', wish], () => reader.render(wish)), images: (images) => once(['images', images], () => reader.images(images)) }
}

const looks = ['version', 'show', 'pull', 'config', 'repo']

/** Runs what only looks, and tells the rest instead of running it. */
function dryExec(run: Exec, tell: (call: Call) => void): Exec {
  return (call) => {
    if (call.args.some((word) => looks.includes(word))) return run(call)
    tell(call)
    return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', ms: 0 })
  }
}

/** A dump is many calls, each made of what the last one said: it is told as the one that matters. */
function inDryRun(dry: boolean, tell: (call: Call) => void, writer: Writer): Writer {
  if (!dry) return writer
  return {
    ...writer,
    dump: ({ place: { namespace, pod, container, release, database }, airflow, chart, why }) => {
      tell({ tool: 'kubectl', args: ['exec', '-n', namespace, pod, '-c', container, '--', 'pg_dump', '-Fc', database] })
      return Promise.resolve({ file: '', sha256: '', size: 0, createdAt: '', server: '', bytes: 0, rows: {}, namespace, release, database, airflow, chart, why })
    },
  }
}

function surroundings(connection: Connection, deps: Deps): Surroundings {
  return {
    tools: () => toolVersions(connection, { cacheFolder: deps.cacheFolder, path: deps.env.PATH ?? '' }),
    chart: (source) => findChart(connection, deps.cacheFolder, source),
    charts: (reference) => listCharts(connection, { cacheFolder: deps.cacheFolder, fetch: deps.fetchText, web: deps.web, env: deps.env, now: () => deps.clock.now() }, reference),
    manifest: (source) => findManifest(deps.cacheFolder, async (url) => (await deps.fetchText(url)).text ?? '', source),
    secret: (source) => Promise.resolve(readSecret(source, deps.env)),
    resolve: resolveHost,
    https: getHttps,
    images: (images) => askRegistries(images, { web: deps.web }, deps.signal),
    folder: (path, node) => Promise.resolve(folderFacts(path, node)),
    dagLogs: (logs, node) => Promise.resolve(isThisMachine(node) ? findBrokenDags(logs, deps.clock.now()) : undefined),
    dagEntries: (dags, node) => Promise.resolve(isThisMachine(node) ? closedEntries(dags) : undefined),
    // While this process looks, it runs no Helm: a lock of its own is one that it left behind.
    alive: (holder) => Promise.resolve(holder === deps.holder ? false : holderAlive(holder)),
    now: () => deps.clock.now(),
  }
}

/** Side by side calls meet the same refusal; it is worth one line a try, not ten. */
function announceOnce(emit: Emit): Connection['onRetry'] {
  const said = new Set<string>()
  return (what, reason, attempt) => {
    const about = isUnreachable(reason) ? 'the cluster' : what
    if (said.has(`${about} ${attempt}`)) return
    said.add(`${about} ${attempt}`)
    emit({ type: 'retry', what: about, reason, attempt })
  }
}
