import { program } from './lib/compiled.ts'

const { main } = await program(process.argv.slice(2))
process.exitCode = await main(process)
