import { parseArgs, type ParseArgsConfig } from 'node:util'

/** Node's own, whose refusals are for the reader: one sentence, and the exit code of a usage error. */
export function parsedArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exit(64)
  }
}
