/**
 * Everything that a run says. Each audience has a renderer in lib/report; `--json` and the transcripts
 * are these very objects, so each field says what it is, and events.schema.json is made of this file.
 */
import { z } from 'zod'
import { errorCodes, type ErrorCode } from '../errors.ts'
import type { Change, StepName } from '../step.ts'
import { finding, problem } from './finding.ts'

/** Keys of a record as an enum: a step, an operation or a code that is not listed does not compile. */
const oneOf = <Name extends string>(names: Record<Name, unknown>): z.ZodType<Name, Name> => z.enum(Object.keys(names) as Name[])

export const stepNames: Record<StepName, true> = { prereq: true, provisioner: true, storage: true, helm: true, ingress: true, executor: true }
const operations: Record<Change['op'], true> = { create: true, update: true, replace: true, delete: true, patch: true, generate: true, release: true, backup: true, unlock: true, uninstall: true }

export const stepNamed = oneOf(stepNames).describe('The step that it is about')
const op = oneOf(operations).describe('What is done to the object')
const code: z.ZodType<ErrorCode> = oneOf(errorCodes).describe('The error, as the README lists them')
const object = z.string().describe('Kind namespace/name')
const ms = z.number().describe('How long it took or lasts so far, in milliseconds')
const changed = z.number().int().describe('How many objects were changed')
const why = z.string().describe('Why, in words')

export const change = { step: stepNamed, op, object, why }

/** One record for each type, in the order in which a run tells them. */
export const eventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('run-started'),
    command: z.string().describe('The command without its flags'),
    cluster: z.string().describe('The context or kubeconfig that names the cluster'),
    steps: z.array(stepNamed).describe('The chosen steps, in order'),
    resumesAt: stepNamed.optional().describe('The first step that an earlier run began and did not finish'),
  }).describe('A run begins'),
  z.object({ type: z.literal('note'), text: z.string().describe('One sentence') }).describe('Something that a person should know'),
  z.object({
    type: z.literal('plan'),
    changes: z.array(z.object(change)).describe('Every change, in the order in which it would be made'),
    counts: z.partialRecord(op, z.number().int()).describe('How many changes of each operation'),
  }).describe('What would be changed, before anything is'),
  z.object({ type: z.literal('stays'), step: stepNamed.optional(), object: z.string().describe('Kind namespace/name, or a folder'), why }).describe('Something that destroy leaves as it is'),
  z.object({
    type: z.literal('asked'),
    question: z.string().describe('The question as it was put'),
    answer: z.string().describe('What was answered, or the flag that answered for a person'),
  }).describe('Somebody was asked and answered'),
  z.object({
    type: z.literal('command'),
    tool: z.string().describe('kubectl or helm'),
    args: z.array(z.string()).describe('Its arguments; what goes in by stdin is not among them'),
    would: z.boolean().describe('True where it was only said, as in a dry run'),
  }).describe('A tool was called, or would have been'),
  z.object({ type: z.literal('step-started'), step: stepNamed }).describe('A step has its turn'),
  z.object({ type: z.literal('change'), ...change }).describe('An object is about to be changed'),
  z.object({ type: z.literal('waiting'), step: stepNamed, object, reason: z.string().describe('What it waits for, in words'), ms }).describe('Something is not ready; said again when its reason changes'),
  z.object({ type: z.literal('ready'), step: stepNamed, object, ms }).describe('What was waited for is ready'),
  z.object({ type: z.literal('warning'), step: stepNamed, finding }).describe('Something that does not stop the run'),
  z.object({
    type: z.literal('retry'),
    step: stepNamed.optional(),
    what: z.string().describe('The call or the step that is tried again'),
    reason: z.string().describe('What it said the last time'),
    attempt: z.number().int().describe('Tries so far'),
  }).describe('Something failed in a way that another try may mend'),
  z.object({ type: z.literal('step-done'), step: stepNamed, changed, evidence: z.array(z.string()).describe('What proves that it is so'), ms }).describe('What the step wants is true now'),
  z.object({ type: z.literal('step-failed'), step: stepNamed, code, sentence: z.string().describe('What went wrong'), ms }).describe('The step cannot go on, and neither can the run'),
  z.object({ type: z.literal('step-skipped'), step: stepNamed, why }).describe('The step was not chosen'),
  z.object({ type: z.literal('run-ended'), result: z.enum(['done', 'failed', 'interrupted']).describe('How it ended'), changed, ms, problem: problem.optional() }).describe('The run is over'),
])

export type Event = z.output<typeof eventSchema>

export type Emit = (event: Event) => void

const lineVersion = 1

const stamp = z.object({
  version: z.literal(lineVersion).describe('Of this schema; keys may be added to it, none is taken away'),
  at: z.iso.datetime().describe('When it was said, in UTC'),
})

/** A line of `--json` and of a transcript. */
export const lineSchema = stamp.and(eventSchema)

export type Line = z.output<typeof lineSchema>

export function lineOf(event: Event, at: Date): Line {
  return { version: lineVersion, at: at.toISOString(), ...event }
}
