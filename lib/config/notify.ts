/** The form of `notify.command`: words, and no shell that could read more into them. */
import * as z from 'zod'
import { text } from './rule.ts'

const word = text({
  pattern: /^\P{Cc}+$/u,
  max: 1024,
  what: 'has a line break or another control character in it',
  example: '/usr/local/bin/tell-me',
  // Arguments can be read by everybody on the machine.
  refuse: (value) => (/:\/\/[^\/@\s]*:[^\/@\s]*@/u.test(value) ? 'has a password in it, which belongs into a script of mode 0700' : undefined),
})

export const notifyCommand = z
  .array(word.describe('Program, then its arguments.'))
  .max(32)
  .check((context) => {
    if (context.value.length > 0) return
    context.issues.push({ code: 'custom', input: context.value, message: 'names no program', params: { write: 'write for example [/usr/local/bin/tell-me]' } })
  })
  .meta({ minItems: 1, examples: [['/usr/local/bin/tell-me']] })
