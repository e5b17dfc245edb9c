import type { Command } from './deps.ts'
import { applyOptions, chartsOptions, commonOptions, detailedExitcode, doctorOptions, scheduleAction, scheduleOptions, selectionOptions } from './options.ts'

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
