import { stateFile } from '../adapters/files.ts'
import type { Timekeeper } from '../adapters/timekeeper.ts'
import { parseState, type State } from '../engine/state.ts'
import { meaningOf, type Look } from '../schedule/look.ts'
import type { Marker } from '../schedule/plan.ts'
import type { Deps, Flags } from './deps.ts'

interface Row {
  marker: Marker
  look: Look
  /** The last run of apply, as the state file has it. */
  record: State['run'] | undefined
}

/** Every schedule of ours that can be seen from here; usually one or none. */
export async function showStatus(keepers: readonly Timekeeper[], flags: Flags, deps: Deps): Promise<number> {
  const rows = (await Promise.all(keepers.map(rowOf))).filter((row) => row !== undefined)
  if (flags.json === true) deps.out(JSON.stringify({ installed: rows.length > 0, schedules: rows.map(objectOf) }, undefined, 2))
  else if (rows.length === 0) deps.out('not scheduled; `airstrip schedule install` does it')
  else for (const row of rows) deps.out(linesOf(row).join('\n'))
  return 0
}

async function rowOf(keeper: Timekeeper): Promise<Row | undefined> {
  const marker = keeper.found()
  return marker === undefined ? undefined : { marker, look: await keeper.look(marker), record: recordOf(marker.state) }
}

/** A file that cannot be read is the business of `airstrip status`. */
function recordOf(path: string): State['run'] {
  try {
    return parseState(stateFile(path).read() ?? '', path)?.run
  } catch {
    return undefined
  }
}

function objectOf({ marker, look, record }: Row): object {
  const { active, running, lastRun, exitCode, nextRun } = look
  return {
    ...marker,
    active,
    running,
    lastRun: lastRun?.toISOString() ?? null,
    exitCode: exitCode ?? null,
    result: exitCode === undefined ? null : meaningOf(exitCode, marker.mode),
    nextRun: nextRun?.toISOString() ?? null,
    state: { file: marker.state, run: record ?? null },
  }
}

function linesOf({ marker, look, record }: Row): string[] {
  const by = marker.keeper === 'cron' ? 'cron' : `systemd (${marker.keeper})`
  const last = look.lastRun === undefined ? 'none yet' : `${instant(look.lastRun)}${look.exitCode === undefined ? '' : `  ${meaningOf(look.exitCode, marker.mode)}`}`
  return [
    `${marker.mode} every ${marker.every}, by ${by}${look.active ? '' : ', but the timer is stopped'}`,
    `last run   ${look.running ? 'going on now' : last}`,
    `next run   ${look.nextRun === undefined ? 'unknown' : instant(look.nextRun)}`,
    `state      ${marker.state}: ${record === undefined ? 'no run of apply' : `${record.result} ${instant(new Date(record.endedAt ?? record.startedAt))}  ${record.command}`}`,
    `log        ${marker.keeper === 'cron' ? 'syslog, tag airstrip' : `journalctl ${marker.keeper === 'user' ? '--user ' : ''}-u airstrip`}`,
  ]
}

function instant(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
