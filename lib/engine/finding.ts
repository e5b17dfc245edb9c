/** What was wrong, as it is written down: in events and transcripts, in the state, in the history. */
import { z } from 'zod'
import type { AirstripError } from '../errors.ts'
import type { Finding } from '../step.ts'

export const finding: z.ZodType<Finding> = z.object({
  id: z.string().describe('The rule that found it, for example image-not-found'),
  severity: z.enum(['error', 'warning']).describe('An error stops a run, a warning does not'),
  title: z.string().describe('What is wrong, in one sentence'),
  evidence: z.array(z.string()).describe('What was seen, line by line'),
  why: z.string().describe('Why it is so'),
  fix: z.tuple([z.string()], z.string()).describe('What to do, the best first; never empty'),
  link: z.string().optional().describe('Where more is said'),
  get causes() {
    return z.array(finding).optional().describe('What this one explains')
  },
}).meta({ id: 'finding', description: 'Something worth a person\'s attention, as doctor prints it too' })

export const problem = z.object({
  code: z.string().describe('The error, as the README lists them'),
  sentence: z.string().describe('What went wrong'),
  seen: z.array(z.string()).describe('What was seen last: lines of output, of logs, of events'),
  next: z.string().describe('What to do now'),
  findings: z.array(finding).describe('The causes, the first one first'),
}).describe('Why something could not be done')

export function problemOf({ code, message, seen, next, findings }: AirstripError): z.output<typeof problem> {
  return { code, sentence: message, seen, next, findings }
}
