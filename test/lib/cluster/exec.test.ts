import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createExec } from '../../../lib/cluster/exec.ts'

/** A kubectl that prints what it was given. */
const folder = t.testdir()
writeFileSync(join(folder, 'kubectl'), '#!/bin/sh\nfor word in "$@"; do printf "[%s]" "$word"; done\ncat\necho trouble >&2\nexit 3\n')
chmodSync(join(folder, 'kubectl'), 0o755)
const exec = createExec({ PATH: `${folder}:${process.env.PATH ?? ''}` })

void t.test('arguments reach the tool as they are, stdin too, and a failure is an outcome', async (t) => {
  const args = ['get', 'a b', '$(id)', '`id`', '\'"', '', '*', '-o=jsonpath={.x}', 'line\nline', '; exit 0']
  const outcome = await exec({ tool: 'kubectl', args, stdin: 'canary $HOME' })
  t.equal(outcome.stdout, `${args.map((word) => `[${word}]`).join('')}canary $HOME`)
  t.match(outcome, { exitCode: 3, stderr: 'trouble\n' })
})

void t.test('a tool that is not there is exit code 127', async (t) => {
  t.equal((await exec({ tool: 'no-such-tool', args: [] })).exitCode, 127)
})

void t.test('a call that was ended before it began does not hang', async (t) => {
  const stop = new AbortController()
  stop.abort()
  const outcome = await exec({ tool: 'sleep', args: ['30'], signal: stop.signal })
  t.not(outcome.exitCode, 0)
  t.ok(outcome.ms < 5000)
})

void t.test('a call that is ended takes its tool with it', async (t) => {
  const stop = new AbortController()
  setTimeout(() => {
    stop.abort()
  }, 100)
  const outcome = await exec({ tool: 'sleep', args: ['30'], signal: stop.signal })
  t.not(outcome.exitCode, 0)
  t.ok(outcome.ms < 5000)
})
