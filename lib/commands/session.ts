import { dirname, join } from 'node:path'
import { stateFile, writeBackup } from '../adapters/files.ts'
import { findChart } from '../cluster/chart.ts'
import type { Connection } from '../cluster/connection.ts'
import { getHttps } from '../cluster/https.ts'
import { endOrphans, folderFacts, holderAlive, readSecret, resolveHost } from '../cluster/machine.ts'
import { findManifest } from '../cluster/manifest.ts'
import { createReader, type Surroundings } from '../cluster/reader.ts'
import type { Redactor } from '../cluster/redact.ts'
import { snapshot } from '../cluster/snapshot.ts'
import { isUnreachable } from '../cluster/transient.ts'
import { createWriter } from '../cluster/writer.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import type { Emit } from '../engine/events.ts'
import type { StateFile } from '../engine/state.ts'
import type { Reader, Writer } from '../access.ts'
import type { Deps, Flags } from './deps.ts'

/** One cluster, one configuration, one state file: what most commands work on. */
export interface Session {
  config: Config
  redactor: Redactor
  file: StateFile
  /** A fresh look at the cluster. */
  look: () => Reader
  writer: (signal: AbortSignal) => Writer
}

export function openSession(flags: Flags, deps: Deps, redactor: Redactor, emit: Emit): Session {
  const config = loadConfig(flags.config, deps.readFile)
  const onRetry = announceOnce(emit)
  const connection = (signal: AbortSignal): Connection => ({
    exec: deps.exec,
    target: { kubeconfig: flags.kubeconfig, context: flags.context },
    redactor,
    signal,
    onRetry,
  })
  const around = surroundings(connection(deps.signal), deps)
  const file = stateFile(flags.state)
  const backups = join(dirname(flags.state), 'backups')
  return {
    config,
    redactor,
    file,
    look: () => snapshot(createReader(connection(deps.signal), around)),
    writer: (signal) => createWriter(connection(signal), {
      random: deps.random,
      chart: (source) => around.chart(source),
      holder: deps.holder,
      now: () => deps.clock.now(),
      backup: (name, text) => writeBackup(backups, name, text),
      endOrphans,
    }),
  }
}

function surroundings(connection: Connection, deps: Deps): Surroundings {
  return {
    chart: (source) => findChart(connection, deps.cacheFolder, source),
    manifest: (source) => findManifest(deps.cacheFolder, deps.fetchText, source),
    secret: (source) => Promise.resolve(readSecret(source, deps.env)),
    resolve: resolveHost,
    https: getHttps,
    folder: (path, node) => Promise.resolve(folderFacts(path, node)),
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
