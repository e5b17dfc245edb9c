import { program } from './lib/compiled.ts'

const { main } = await program()
process.exitCode = await main(process)
