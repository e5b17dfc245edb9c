import { unattended, type Unattended } from '../config/schema.ts'
import { AirstripError } from '../errors.ts'
import type { CommandArgument, CommandOption } from './deps.ts'

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 }

/** `90s`, `15m`, `1h` or plain seconds, in ms. */
function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,6})([smh])?$/.exec(text) ?? []
  const ms = Number(digits) * (unitMs[unit] ?? NaN)
  if (ms > 0) return ms
  throw new AirstripError('USAGE', `--timeout ${JSON.stringify(text)} is not a duration.`, { next: 'Write for example --timeout 15m, 90s or 1h.' })
}

function parseUnattended(text: string): Unattended {
  const known = unattended.find((one) => one === text)
  if (known !== undefined) return known
  throw new AirstripError('USAGE', `--unattended ${JSON.stringify(text)} is not one of ${unattended.join(', ')}.`, { next: `Write for example --unattended ${unattended[2]}.` })
}

function parseList(text: string): string[] {
  return text.split(',').map((word) => word.trim()).filter((word) => word !== '')
}

export const commonOptions: readonly CommandOption[] = [
  { flags: '--config <file>', about: 'what you want', default: 'airstrip.yaml' },
  { flags: '--state <file>', about: 'the record of what happened', default: 'state/state.json' },
  { flags: '--kubeconfig <file>', about: 'which cluster, as kubectl takes it' },
  { flags: '--context <name>', about: 'which context of the kubeconfig' },
  { flags: '--json', about: 'machine-readable output on stdout' },
  { flags: '--quiet', about: 'say nothing unless something changed or is wrong' },
  { flags: '--no-color', about: 'no colours (NO_COLOR does the same)' },
]

export const selectionOptions: readonly CommandOption[] = [
  { flags: '--from <step>', about: 'begin at this step (name or number)' },
  { flags: '--to <step>', about: 'end with this step' },
  { flags: '--only <steps>', about: 'these steps, separated by commas', parse: parseList },
  { flags: '--skip <steps>', about: 'all but these steps', parse: parseList },
]

export const detailedExitcode: CommandOption = { flags: '--detailed-exitcode', about: 'exit 2 when something differs, or was changed' }

const timeout: CommandOption = { flags: '--timeout <duration>', about: 'how long each step may wait (90s, 15m, 1h)', parse: parseDuration }
const yes: CommandOption = { flags: '--yes', about: 'agree to what would be asked' }

const skipBackup: CommandOption = { flags: '--dangerous-skip-backup', about: 'go on without a dump of the database, which there is then no way back to' }

export const applyOptions: readonly CommandOption[] = [
  timeout,
  yes,
  skipBackup,
  { flags: '--unattended <what>', about: 'what may be done with nobody to ask: nothing, install or repair', parse: parseUnattended },
  { flags: '--dry-run', about: 'show the commands that would change something; those that look are really run' },
  detailedExitcode,
]

export const destroyOptions: readonly CommandOption[] = [
  timeout,
  yes,
  { flags: '--dangerous-delete-data [namespace]', about: 'also claims, volumes, keys, passwords and the namespace, for good; with --yes write its name here' },
  { flags: '--dry-run', about: 'show what goes, what stays, and the commands; change nothing' },
]

export const doctorOptions: readonly CommandOption[] = [
  { flags: '--fix', about: 'mend what can be mended safely, each shown and asked about before' },
  yes,
  timeout,
  { flags: '--bundle <file>', about: 'write evidence, findings and logs without secrets to this .tar.gz, to be sent' },
  { flags: '--from <file>', about: 'judge such a bundle again, with no cluster and no configuration' },
]

export const keysAction: CommandArgument = { name: 'action', about: 'what to do with keys and passwords; left out, they are listed without their values', choices: ['export', 'import'] }
export const keysFile: CommandArgument = { name: 'file', about: 'the encrypted file, which `age -d` opens too' }

export const keysOptions: readonly CommandOption[] = [
  { flags: '--passphrase-file <file>', about: 'a file of mode 0600 with the passphrase, instead of typing it' },
  yes,
]

export const chartsOptions: readonly CommandOption[] = [
  { flags: '--chart <reference>', about: 'of another chart than the configuration names' },
]

export const scheduleAction: CommandArgument = { name: 'action', about: 'what to do with the schedule; run is what cron calls', choices: ['install', 'remove', 'status', 'run'] }

export const scheduleOptions: readonly CommandOption[] = [
  { flags: '--every <time>', about: 'how often: 5m, 15m, 1h, 6h, daily', default: '15m' },
  { flags: '--mode <mode>', about: 'report changes nothing; repair brings back what was changed or deleted', default: 'report' },
  { flags: '--system', about: 'a timer of the whole machine (the default for root)' },
  { flags: '--user', about: 'a timer of your own (the default for anyone else)' },
  { flags: '--cron', about: 'a crontab entry (the default without systemd)' },
  { flags: '--dry-run', about: 'print what would be written, and write nothing' },
]

export const backupOptions: readonly CommandOption[] = [
  { flags: '--list', about: 'the dumps that are there, the newest first' },
]

export const restoreFile: CommandArgument = { name: 'file', about: 'a dump, by its path or as backup --list names it; left out, the newest of this release' }

export const restoreOptions: readonly CommandOption[] = [yes, timeout, skipBackup]
