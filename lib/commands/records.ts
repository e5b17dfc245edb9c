import type { Command } from './deps.ts'
import { applyOptions, backupOptions, chartsOptions, commonOptions, destroyOptions, detailedExitcode, doctorOptions, keysAction, keysFile, keysOptions, restoreFile, restoreOptions, scheduleAction, scheduleOptions, selectionOptions } from './options.ts'

/** The commands as data. What one does is read when it is called: all of them together take a while to read. */
export const commands: readonly Command[] = [
  {
    name: 'apply',
    about: 'bring the cluster to what the configuration says, resuming after any failure (the default)',
    options: [...commonOptions, ...selectionOptions, ...applyOptions],
    run: async (flags, deps) => (await import('./apply.ts')).runApply(flags, deps),
  },
  {
    name: 'diff',
    about: 'everything that apply would change, object by object, against the live cluster; changes nothing',
    options: [...commonOptions, ...selectionOptions, detailedExitcode],
    run: async (flags, deps) => (await import('./diff.ts')).runDiff(flags, deps),
  },
  {
    name: 'status',
    about: 'the record of the last runs beside what is true now and what changed since; changes nothing',
    options: commonOptions,
    run: async (flags, deps) => (await import('./status.ts')).runStatus(flags, deps),
  },
  {
    name: 'doctor',
    about: 'find the root cause of what is wrong now, with evidence and the fix; changes nothing without --fix',
    options: [...commonOptions, ...doctorOptions],
    run: async (flags, deps) => (await import('./doctor.ts')).runDoctor(flags, deps),
  },
  {
    name: 'adopt',
    about: 'print the configuration that takes over a release which was installed by other means; changes nothing',
    options: commonOptions,
    run: async (flags, deps) => (await import('./adopt.ts')).runAdopt(flags, deps),
  },
  {
    name: 'destroy',
    about: 'take down what airstrip made, the last step first; data and keys stay unless you say otherwise',
    options: [...commonOptions, ...selectionOptions, ...destroyOptions],
    run: async (flags, deps) => {
      const [{ runDestroy }, { thisHost }] = await Promise.all([import('./destroy.ts'), import('../adapters/host.ts')])
      return runDestroy(flags, deps, thisHost(deps.env))
    },
  },
  {
    name: 'keys',
    about: 'list keys and passwords without their values, or carry them to another cluster, encrypted with a passphrase',
    arguments: [keysAction, keysFile],
    options: [...commonOptions, ...keysOptions],
    run: async (flags, deps, words) => (await import('./keys.ts')).runKeys(words, flags, deps),
  },
  {
    name: 'backup',
    about: 'dump the metadata database, proven by restoring it into a database beside; or list the dumps',
    options: [...commonOptions, ...backupOptions],
    run: async (flags, deps) => (await import('./backup.ts')).runBackup(flags, deps),
  },
  {
    name: 'restore',
    about: 'put a dump in the place of the metadata database, which is dumped before and kept under another name',
    arguments: [restoreFile],
    options: [...commonOptions, ...restoreOptions],
    run: async (flags, deps, words) => (await import('./restore.ts')).runRestore(flags, deps, words),
  },
  {
    name: 'charts',
    about: 'the versions of the chart, newest first, and which of them fit this cluster and this Helm; changes nothing',
    options: [...commonOptions, ...chartsOptions],
    run: async (flags, deps) => (await import('./charts.ts')).runCharts(flags, deps),
  },
  {
    name: 'schedule',
    about: 'have the cluster looked at, or repaired, by a systemd timer or by cron',
    arguments: [scheduleAction],
    options: [...commonOptions, ...scheduleOptions],
    run: async (flags, deps, words) => {
      const [{ runSchedule }, { thisHost }] = await Promise.all([import('./schedule.ts'), import('../adapters/host.ts')])
      return runSchedule(words, flags, deps, thisHost(deps.env))
    },
  },
]
