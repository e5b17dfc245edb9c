import { Command as Program, CommanderError, Option } from 'commander'
import { ownVersion } from '../adapters/own-version.ts'
import { nearest } from '../config/suggest.ts'
import { AirstripError, errorCodes, exitCodeOf, quotesItsInput } from '../errors.ts'
import { problemLines } from '../report/problem.ts'
import { stamped } from '../report/stamped.ts'
import type { Deps, Flags } from './deps.ts'
import { commands } from './records.ts'
import { steps } from '../../steps/index.ts'

/** Runs what the words ask for and returns the exit code; prints every error as one. */
export async function runCommandLine(words: readonly string[], deps: Deps): Promise<number> {
  try {
    return await runWords(words, deps)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : errorCodes.USAGE.exit
    const known = error instanceof AirstripError ? error : unforeseen(error)
    const logged = deps.screen === undefined && known.exitCode !== errorCodes.USAGE.exit
    for (const line of problemLines(known, deps.colors && !words.includes('--no-color'))) deps.err(logged ? stamped(line, deps.clock.now()) : line)
    return exitCodeOf(known, deps.signal.reason)
  }
}

async function runWords(words: readonly string[], deps: Deps): Promise<number> {
  const [first = '-'] = words
  if (!first.startsWith('-') && ![...names(), 'help'].includes(first)) throw unknownCommand(first)
  let exitCode = 0
  const program = programOf(deps, (code) => {
    exitCode = code
  })
  await program.parseAsync(words, { from: 'user' })
  return exitCode
}

/** Commander's program, made of the records. */
export function programOf(deps: Pick<Deps, 'out' | 'err'> & Partial<Deps>, done: (code: number) => void): Program {
  const program = new Program('airstrip')
    .description('Lands Apache Airflow on a Kubernetes that you own.')
    .addHelpText('after', `\nSteps:\n${steps.map(({ number, name, about }) => `  ${String(number).padStart(2, '0')} ${name.padEnd(13)}${about}`).join('\n')}\n\nExit codes: 0 fine, 1 failed, 2 with --detailed-exitcode: differs or was changed, 64 usage or configuration,\n70 timeout, 75 another run holds the lock, 130/143 interrupted; doctor: 3 something is wrong, 4 warnings.`)
    .version(ownVersion(), '-V, --version', 'say which airstrip this is')
    .exitOverride()
    .configureOutput({ writeOut: (text) => { deps.out(text.trimEnd()) }, writeErr: (text) => { deps.err(text.trimEnd()) } })
    .showSuggestionAfterError()
  for (const command of commands) {
    const sub = program.command(command.name, { isDefault: command.name === 'apply' }).description(command.about).allowExcessArguments(false)
    for (const { flags, about, default: preset, parse } of command.options) {
      const option = new Option(flags, about)
      if (preset !== undefined) option.default(preset)
      if (parse !== undefined) option.argParser(parse)
      sub.addOption(option)
    }
    for (const { name, about, choices } of command.arguments ?? []) sub.argument(`[${name}]`, choices === undefined ? about : `${choices.join(', ')}: ${about}`)
    sub.action(async () => {
      done(await command.run(sub.opts<Flags>(), deps as Deps, sub.args))
    })
  }
  return program
}

function names(): string[] {
  return commands.map(({ name }) => name)
}

/** Commander would take it for an argument of the default command. */
function unknownCommand(word: string): AirstripError {
  const near = nearest(word, names())
  const step = steps.find(({ name }) => name === word)
  const advice = step === undefined ? near && `did you mean ${near}? ` : `it is a step: write --only ${step.name}. `
  return new AirstripError('USAGE', `${JSON.stringify(word)} is no command.`, { next: `${advice ?? ''}Commands are ${names().join(', ')}; --help tells more.` })
}

/** An engine quotes what it could not read, and that may be a secret: of such an error only what it is. */
function unforeseen(error: unknown): AirstripError {
  if (error instanceof Error && quotesItsInput(error)) return new AirstripError('INTERNAL', `Something could not be read or handled (${error.name}).`, { cause: error })
  return new AirstripError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error })
}
