import { mkdirSync, readdirSync } from 'node:fs'
import { setting } from './settings.ts'
import { checkDatabase, jobsCheck, waitForDatabase } from './airflow-commands.ts'
import { checkMigrations, keepMigrated, migrate } from './airflow-migrations.ts'
import { createUser, listUsers, syncUsers } from './airflow-users.ts'
import { celeryPing, celeryWorker, flower, heartbeats, scheduler } from './airflow-jobs.ts'
import { apiServer } from './airflow-api.ts'
import { webserver } from './airflow-web.ts'
import { endOnTerm, sleep } from './ends.ts'

type Command = (args: string[]) => Promise<void> | void

/** What the charts run. `lab` is not Airflow's: the entrypoint and the probes of the image use it. */
const COMMANDS: Record<string, Command> = {
  version: () => { console.log(process.env.AIRFLOW_VERSION ?? '') },
  scheduler,
  webserver,
  'api-server': apiServer,
  triggerer: () => heartbeats('TriggererJob'),
  'dag-processor': () => heartbeats('DagProcessorJob'),
  'celery worker': celeryWorker,
  'celery flower': flower,
  'db init': migrate,
  'db upgrade': migrate,
  'db migrate': migrate,
  'db check': checkDatabase,
  'db check-migrations': checkMigrations,
  'users create': createUser,
  'users list': listUsers,
  'jobs check': jobsCheck,
  'config get-value': ([section = '', key = '']) => { console.log(setting(section, key) ?? '') },
  'lab wait-for-database': waitForDatabase,
  'lab celery-ping': celeryPing,
  'lab keep-migrated': keepMigrated,
  'lab sync-users': syncUsers,
}

/** Airflow sets its logging up before any command, so a log folder that it may not write stops them all. */
function prepareLogs(): void {
  try {
    mkdirSync('/opt/airflow/logs/scheduler', { recursive: true })
    readdirSync('/opt/airflow/logs/scheduler')
  } catch {
    console.error("Unable to load the config, contains a configuration error.\nTraceback (most recent call last):")
    throw Object.assign(new Error("[Errno 13] Permission denied: '/opt/airflow/logs/scheduler'"), { name: 'PermissionError' })
  }
}

async function main(words: string[]): Promise<void> {
  const name = [words.slice(0, 2).join(' '), words[0] ?? ''].find(candidate => candidate in COMMANDS)
  const command = COMMANDS[name ?? '']
  if (name === undefined || command === undefined) {
    console.error(`airflow command error: the lab's stand-in for Airflow does not know "${words.join(' ')}"`)
    process.exit(2)
  }
  endOnTerm()
  if (!name.startsWith('lab ')) {
    prepareLogs()
    if (process.env.AIRSTRIP_LAB_CRASH === '1') throw new Error('told to crash by AIRSTRIP_LAB_CRASH')
    if (name !== 'jobs check') await sleep(Number(process.env.AIRSTRIP_LAB_SLOW_START ?? 0) * 1000)
  }
  await command(words.slice(name.split(' ').length))
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  console.error(`${name}: ${message}`)
  process.exit(1)
}
