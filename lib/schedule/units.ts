/** The systemd service and timer as texts. */
import { dirname, join } from 'node:path'
import { calendarOf, jitterSeconds } from './every.ts'
import { markerOf, runWords, scheduledVariable, type Plan } from './plan.ts'
import { specifierFree, unitWord } from './quote.ts'

export const unitName = 'airstrip'

export interface Systemd {
  version: number
  /** Whether a service can have its capabilities and devices taken away; a person's own systemd needs user namespaces for it. */
  namespaces: boolean
}

type Directive = readonly [key: string, value: string | undefined]

/**
 * Exit codes that are no failure of the unit, so that `systemctl --failed` shows what is broken and
 * nothing else: 2 is a report that was made and found changes pending (it is in the journal and in
 * `schedule status`), 75 another run at work, 143 and
 * SIGTERM a shutdown in the middle.
 */
const fine = { report: '2 75 143 SIGTERM', repair: '75 143 SIGTERM' }

export function serviceUnit(plan: Plan, systemd: Systemd): string {
  const { mode, program, keeper, environment } = plan
  const system = keeper === 'system'
  return unitText(plan, [
    ['Unit', [
      ['Description', `airstrip: ${mode === 'report' ? 'say what differs from' : 'bring back'} what ${specifierFree(plan.config)} says`],
      ...(system ? [['Wants', 'network-online.target'], ['After', 'network-online.target']] as const : []),
    ]],
    ['Service', [
      ['Type', 'oneshot'],
      ['User', system ? plan.runAs : undefined],
      // The colon takes the meaning from `$`: no variable is replaced in what follows.
      ['ExecStart', runWords(plan).map((word, index) => unitWord(index === 0 ? `:${word}` : word)).join(' ')],
      ['WorkingDirectory', specifierFree(program.checkout)],
      ...Object.entries({ ...environment, [scheduledVariable]: mode }).map(([name, value]): Directive => ['Environment', unitWord(`${name}=${value}`)]),
      ['CacheDirectory', unitName],
      ['Environment', unitWord(`XDG_CACHE_HOME=${plan.caches}`)],
      ['Environment', `HELM_CACHE_HOME=%C/${unitName}/helm`],
      ['SuccessExitStatus', fine[mode]],
      ['TimeoutStartSec', '2h'],
      ['SyslogIdentifier', unitName],
      ['Nice', '10'],
      ...writable(plan),
      ...sandbox.filter(([key]) => key !== 'ProtectProc' || systemd.version >= protectProcSince),
      ...(system || systemd.namespaces ? privileged : []),
      ['PrivateUsers', !system && systemd.namespaces ? 'true' : undefined],
    ]],
  ])
}

export function timerUnit(plan: Plan): string {
  return unitText(plan, [
    ['Unit', [['Description', `airstrip ${plan.mode}, every ${plan.every.text}`]]],
    ['Timer', [
      ['OnCalendar', calendarOf(plan.every)],
      ['Persistent', 'true'],
      ['RandomizedDelaySec', String(jitterSeconds(plan.every))],
      ['AccuracySec', '10s'],
    ]],
    ['Install', [['WantedBy', 'timers.target']]],
  ])
}

function unitText(plan: Plan, sections: readonly (readonly [string, readonly Directive[]])[]): string {
  const lines = sections.map(([name, directives]) =>
    [`[${name}]`, ...directives.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))].join('\n'))
  return `${markerOf(plan)}\n# \`schedule remove\` takes it away; \`schedule install\` writes it anew, so put your own settings in a drop-in.\n${lines.join('\n\n')}\n`
}

/** State and downloads are written; what lies in /tmp would not be there, since the run gets a /tmp of its own. */
function writable(plan: Plan): Directive[] {
  const { config, kubeconfig, program } = plan
  const written = writtenFolders(plan)
  const words = (paths: (string | undefined)[], word: (path: string) => string): string | undefined =>
    paths.length === 0 ? undefined : paths.map((path) => word(path ?? '')).join(' ')
  const temporary = [config, kubeconfig, program.checkout].filter((path) => path !== undefined && isTemporary(path))
  return [
    ['ReadWritePaths', words(written.filter((path) => !isTemporary(path)), unitWord)],
    ['BindPaths', words(written.filter(isTemporary), bind)],
    ['BindReadOnlyPaths', words(temporary, bind)],
  ]
}

/** They must be there before the first run, or systemd cannot lift them out of what is read-only. */
export function writtenFolders({ state, caches, kubeCache }: Plan): string[] {
  // $KUBECACHEDIR would move the last one, and came with kubectl 1.23.
  return [dirname(state), join(caches, 'airstrip'), kubeCache]
}

function isTemporary(path: string): boolean {
  return /^\/(var\/)?tmp\//.test(path)
}

/** Outside of quotes a colon would divide what is bound from where to. */
function bind(path: string): string {
  const word = unitWord(path)
  return path.includes(':') && !word.startsWith('"') ? `"${word}"` : word
}

/** Ubuntu 20.04 has 245, which warns of what it does not know. */
const protectProcSince = 247

/**
 * Not here, and why: MemoryDenyWriteExecute= (node compiles as it runs), ProcSubset=pid (the lock
 * reads the boot id in /proc/sys, and ps reads /proc/stat), RemoveIPC= (it would take what other
 * programs of the same person share), IPAddressDeny= (the cluster is where the kubeconfig says).
 */
const sandbox: readonly Directive[] = [
  ['UMask', '0077'],
  ['NoNewPrivileges', 'true'],
  ['ProtectSystem', 'strict'],
  ['ProtectHome', 'read-only'],
  ['PrivateTmp', 'true'],
  ['ProtectControlGroups', 'true'],
  ['ProtectHostname', 'true'],
  ['ProtectKernelTunables', 'true'],
  ['ProtectProc', 'invisible'],
  ['KeyringMode', 'private'],
  ['LockPersonality', 'true'],
  ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
  ['RestrictNamespaces', 'true'],
  ['RestrictRealtime', 'true'],
  ['RestrictSUIDSGID', 'true'],
  ['SystemCallArchitectures', 'native'],
  ['SystemCallFilter', '@system-service'],
  ['SystemCallFilter', '~@privileged @resources'],
  // write-file-atomic gives a file back to its owner, which is who writes it.
  ['SystemCallFilter', '@chown'],
  ['SystemCallErrorNumber', 'EPERM'],
]

/** What takes capabilities away, which a person's systemd may not do without a user namespace (218/CAPABILITIES). */
const privileged: readonly Directive[] = [
  ['CapabilityBoundingSet', ''],
  ['PrivateDevices', 'true'],
  ['ProtectClock', 'true'],
  ['ProtectKernelLogs', 'true'],
  ['ProtectKernelModules', 'true'],
]
