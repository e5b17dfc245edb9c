/** A plan to make unit files and crontab entries of. */
import { parseEvery, type Every } from '../../../lib/schedule/every.ts'
import type { Plan } from '../../../lib/schedule/plan.ts'

export function everyOf(text: string): Every {
  const every = parseEvery(text)
  if (every === undefined) throw new Error(`${text} is no time`)
  return every
}

export function planFor(more: Partial<Plan> = {}): Plan {
  return {
    keeper: 'system',
    mode: 'report',
    every: everyOf('15m'),
    runAs: 'joe',
    config: '/home/joe/airstrip.yaml',
    state: '/home/joe/state/state.json',
    program: { node: process.execPath, loader: 'file:///opt/airstrip/node_modules/tsx/dist/loader.mjs', checkout: '/opt/airstrip' },
    caches: '/home/joe/.cache',
    kubeCache: '/home/joe/.kube/cache',
    environment: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    ...more,
  }
}

/** All that a shell, systemd, cron or a quoting mistake would read something into. */
export const hostile = '/home/joe/100%s of $HOME; `id` "it\'s" {a,b} ~ #1 & co'
