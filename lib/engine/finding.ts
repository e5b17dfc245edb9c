/** A finding as it is written down: in events, in the state, in a transcript. */
import { z } from 'zod'
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
