/** What `status` prints: as one object with described keys, and as lines. */
import { z } from 'zod'
import { change, stepNamed } from '../engine/events.ts'
import { finding } from '../engine/finding.ts'
import { historyEntry } from '../engine/history.ts'
import { runRecord, stepRecord } from '../engine/state.ts'
import { inOneLine } from './lines.ts'
import { seconds } from './time.ts'

const statusVersion = 1

const row = z.object({
  step: stepNamed,
  status: stepRecord.shape.status,
  when: z.iso.datetime().optional().describe('When its last run ended, or began where it did not end'),
  ms: stepRecord.shape.ms,
  tries: stepRecord.shape.tries,
  changed: stepRecord.shape.changed,
  saw: z.array(z.string()).describe('What the last run saw, or why it failed'),
  verdict: z.enum(['as-wanted', 'differs', 'on-its-way', 'blocked', 'failed', 'unknown']).describe('What a look says now'),
  now: z.string().describe('The same in words'),
  differs: z.array(z.object({ op: change.op, object: change.object, why: change.why })).describe('What has changed since, and what apply would do about it'),
  waitingFor: z.array(z.object({ object: change.object, reason: z.string().describe('Why it is not ready') })).describe('What is on its way'),
  findings: z.array(finding).describe('What is wrong'),
})

export const statusSchema = z.object({
  version: z.literal(statusVersion).describe('Of this schema; keys may be added to it, none is taken away'),
  state: z.object({
    path: z.string().describe('The state file'),
    condition: z.enum(['ok', 'none', 'damaged', 'newer', 'unusable']).describe('none: nothing has been run with it yet'),
  }).describe('The record'),
  cluster: z.object({
    reachable: z.boolean().describe('Whether it answered'),
    id: z.string().optional().describe('UID of the namespace kube-system of the cluster that answered'),
    recorded: z.string().optional().describe('The same of the cluster that the record is about'),
    foreign: z.boolean().describe('True where these are two clusters: the record says nothing about this one'),
  }).describe('The cluster'),
  problems: z.array(z.object({ code: z.string().describe('The error, as the README lists them'), sentence: z.string().describe('What is wrong'), next: z.string().describe('What to do now') }))
    .describe('What kept status from looking, or from believing the record; with any of them the exit code is 1'),
  run: runRecord.extend({ result: z.enum([...runRecord.shape.result.options, 'killed']).describe('killed: it never ended, and its process is gone') }).optional().describe('The last run'),
  steps: z.array(row).describe('Every step, in order'),
  runs: z.array(historyEntry).describe('The last runs, the newest first'),
})

export type Status = z.output<typeof statusSchema>
export type StatusRow = z.output<typeof row>

export function statusJson(status: Omit<Status, 'version'>): string {
  return JSON.stringify({ version: statusVersion, ...status } satisfies Status, undefined, 2)
}

const indent = ' '.repeat(22)

export function statusLines({ run, steps, runs }: Omit<Status, 'version'>): string[] {
  return [
    ...(run === undefined ? [] : [`${'last run'.padEnd(12)} ${run.result.padEnd(8)} ${minute(run.startedAt)}, ${run.command}`]),
    ...steps.flatMap(rowLines),
    ...(runs.length === 0 ? [] : ['', 'the last runs']),
    ...runs.map(runLine),
  ].map(inOneLine)
}

function rowLines({ step, status, when, ms, tries = 1, saw, now, differs, waitingFor, findings }: StatusRow): string[] {
  const times = [when === undefined ? undefined : minute(when), ms === undefined ? undefined : seconds(ms), tries > 1 ? `${tries} tries` : undefined]
  return [
    `${step.padEnd(12)} ${status.padEnd(8)} ${times.filter((part) => part !== undefined).join(', ').padEnd(26)} now: ${now}`,
    ...saw.map((line) => `${indent}${line}`),
    ...differs.map(({ op, object, why }) => `${indent}now: ${op.padEnd(8)} ${object} (${why})`),
    ...waitingFor.map(({ object, reason }) => `${indent}now: ${'ongoing'.padEnd(8)} ${object}: ${reason}`),
    ...findings.flatMap(({ title, fix }) => [`${indent}now: ${title}`, `${indent}fix: ${fix[0]}`]),
  ]
}

function runLine({ startedAt, result, changed, command, sentence }: Status['runs'][number]): string {
  const count = changed === undefined ? 'unknown' : `${changed} changed`
  return `${minute(startedAt)}  ${result.padEnd(11)} ${count.padEnd(11)} ${command}${sentence === undefined ? '' : `: ${sentence}`}`
}

/** Of a time in UTC as it is written down. */
function minute(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')}Z`
}
