/**
 * An error for the reader: a code, a sentence, a place, what was seen, what to do now.
 *
 * Advice is a field of the error and never printed apart from it. Tests assert codes, not prose.
 */
import type { Finding } from './step.ts'

export const errorCodes = {
  USAGE: { exit: 64, cause: 'A command, flag or step name is not one that airstrip knows.', fix: 'Run with --help and correct the command line.' },
  CONFIG_INVALID: { exit: 64, cause: 'The configuration has mistakes; each is listed with its line.', fix: 'Correct every listed line; nothing was touched.' },
  CONFIG_MISSING: { exit: 64, cause: 'There is no configuration file at the given place.', fix: 'Write one (README, Configuration) or name it with --config FILE.' },
  SELECTION: { exit: 64, cause: 'The chosen steps leave out one that they need and that the cluster does not have.', fix: 'Add the named step to the selection.' },
  TOOL_MISSING: { exit: 1, cause: 'kubectl or helm is not on the PATH.', fix: 'Install the named tool; versions are in the README.' },
  CLUSTER_UNREACHABLE: { exit: 1, cause: 'The API server did not answer at the address of the kubeconfig.', fix: 'Start the cluster, correct --kubeconfig or --context, or try `npm run lab`.' },
  BLOCKED: { exit: 1, cause: 'A step found something that it cannot or must not change.', fix: 'Follow the fix of each finding and run again.' },
  FAILED: { exit: 1, cause: 'Something that was waited for will not become ready by itself.', fix: 'Follow the fix of the first finding and run again.' },
  TIMEOUT: { exit: 70, cause: 'Something was still not ready, or had not answered, when the time was up.', fix: 'Look at what is named, then run again, with a longer --timeout where it is only slow.' },
  CALL_FAILED: { exit: 1, cause: 'kubectl or helm refused a call.', fix: 'Read what it said; a transient refusal was already retried.' },
  HELM_FAILED: { exit: 1, cause: 'Helm could not finish the release.', fix: 'Follow the fix of the first finding and run again; the release is mended in place.' },
  CHART_UNAVAILABLE: { exit: 1, cause: 'The chart could not be found or downloaded.', fix: 'Check airflow.chart and airflow.version, or point airflow.chart at a folder or a .tgz.' },
  MANIFEST_UNAVAILABLE: { exit: 1, cause: 'The provisioner manifest could not be read, or is not the one that was pinned.', fix: 'Check the network, or point provisioner.manifest at a file you trust.' },
  SECRET_UNAVAILABLE: { exit: 64, cause: 'A secret that the configuration refers to is not there, or its file can be read by others.', fix: 'Set the named variable, or create the named file with mode 0600.' },
  CONSENT: { exit: 1, cause: 'Something would be changed that needs your word, and there is nobody to ask.', fix: 'Look at `diff`, then run with --yes, or in a terminal.' },
  MOVED: { exit: 1, cause: 'The cluster changed between what was shown and what was about to be made.', fix: 'Look at the new diff and run again.' },
  LOCKED: { exit: 75, cause: 'Another run holds the lock of this state file.', fix: 'Wait for the named process, or stop it.' },
  STATE_DAMAGED: { exit: 1, cause: 'The state file cannot be read as what airstrip writes.', fix: 'Move it aside; the cluster is looked at anew.' },
  STATE_UNUSABLE: { exit: 1, cause: 'The state file, or the folder that it lies in, cannot be read or written.', fix: 'Give this user access to it, or name another with --state FILE.' },
  STATE_NEWER: { exit: 1, cause: 'The state file was written by a newer airstrip.', fix: 'Use that version, or another --state FILE.' },
  STATE_FOREIGN: { exit: 1, cause: 'The state file belongs to another cluster.', fix: 'Name the right cluster with --context, or another --state FILE.' },
  BUNDLE_UNUSABLE: { exit: 1, cause: 'The bundle cannot be read from where it is, or written to where it should be.', fix: 'Name a file in a folder that this user may use, on a disk with room.' },
  BUNDLE_DAMAGED: { exit: 1, cause: 'The file is no bundle of doctor, or not all of one.', fix: 'Have it sent again, or made again with `doctor --bundle FILE`.' },
  BUNDLE_NEWER: { exit: 1, cause: 'The bundle was written by a newer airstrip.', fix: 'Use that version.' },
  KEYS_UNUSABLE: { exit: 1, cause: 'The file of keys cannot be read from where it is, or written to where it should be.', fix: 'Name a file in a folder that this user may use, and that is not there yet where it is to be written.' },
  KEYS_DAMAGED: { exit: 1, cause: 'The file is none that `keys export` wrote, or not all of one.', fix: 'Copy it again from where it was exported, or export again.' },
  KEYS_NEWER: { exit: 1, cause: 'The file of keys was written by a newer airstrip.', fix: 'Use that version.' },
  KEYS_MISSING: { exit: 1, cause: 'Keys or passwords of the release are not on the cluster, so there is not all to export.', fix: 'Run apply first, or name the right namespace and release in the configuration.' },
  KEYS_DIFFER: { exit: 1, cause: 'The cluster has other keys or passwords than the file, or the file is of another release.', fix: 'Find out which are in use before any is changed; airstrip overwrites none.' },
  PASSPHRASE: { exit: 1, cause: 'The passphrase is too short, was typed in two ways, is not the one of the file, or there is nobody to ask for it.', fix: 'Type the right one in a terminal, or name a file of mode 0600 with --passphrase-file FILE.' },
  BACKUP_FAILED: { exit: 1, cause: 'The metadata database could not be dumped, or the dump could not be proven by restoring it.', fix: 'Follow what is said of it and run again; nothing was begun that needs the dump.' },
  DUMP_UNUSABLE: { exit: 1, cause: 'A dump is not there, is not as it was written, or is of an Airflow that it cannot be restored under.', fix: 'Choose another one of `backup --list`.' },
  INTERRUPTED: { exit: 130, cause: 'The run was interrupted; the state is saved.', fix: 'Run again: it goes on where it stopped.' },
  INTERNAL: { exit: 1, cause: 'airstrip met something that its authors did not foresee.', fix: 'Report it with the text that was printed.' },
} as const satisfies Record<string, { exit: number; cause: string; fix: string }>

export type ErrorCode = keyof typeof errorCodes

export interface ErrorDetails {
  /** File with line and column, or the object that it is about. */
  place?: string
  /** What was seen last: lines of output, of logs, of events. */
  seen?: string[]
  /** The next command or act; the code's own fix where it is left out. */
  next?: string | undefined
  findings?: Finding[]
  /** True when the same act, made again a moment later, may well succeed. */
  transient?: boolean
  cause?: unknown
}

export class AirstripError extends Error {
  readonly code: ErrorCode
  readonly place: string | undefined
  readonly seen: string[]
  readonly next: string
  readonly findings: Finding[]
  readonly transient: boolean

  constructor(code: ErrorCode, sentence: string, details: ErrorDetails = {}) {
    super(sentence, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'AirstripError'
    this.code = code
    this.place = details.place
    this.seen = details.seen ?? []
    this.next = details.next ?? errorCodes[code].fix
    this.findings = details.findings ?? []
    this.transient = details.transient ?? false
  }

  get exitCode(): number {
    return errorCodes[this.code].exit
  }
}

/** The engine's own, whose sentence may quote the whole of what it could not read: nobody shows that. */
export function quotesItsInput(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof RangeError || error instanceof URIError
}

/** A run that was asked to end says by which signal, as a shell does. */
export function exitCodeOf(error: unknown, stoppedBy: unknown): number {
  if (!(error instanceof AirstripError)) return errorCodes.INTERNAL.exit
  return error.code === 'INTERRUPTED' && stoppedBy === 'SIGTERM' ? 143 : error.exitCode
}
