import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import type { Versions } from '../access.ts'
import { refusal, type Connection } from './connection.ts'
import { parsed } from './request.ts'

interface Machine {
  cacheFolder: string
  path: string
}

const tools = {
  kubectl: { args: ['version', '--client', '-o', 'json'], read: (said: string) => (parsed('kubectl version', said) as { clientVersion: { gitVersion: string } }).clientVersion.gitVersion },
  helm: { args: ['version', '--template', '{{.Version}}'], read: (said: string) => said.trim() },
}

/** To ask a tool costs a process; what a file of it once said, the same file says again. */
export async function toolVersions(connection: Connection, machine: Machine): Promise<Pick<Versions, 'kubectl' | 'helm'>> {
  const [kubectl, helm] = await Promise.all([versionOf(connection, machine, 'kubectl'), versionOf(connection, machine, 'helm')])
  return { kubectl, helm }
}

async function versionOf(connection: Connection, { cacheFolder, path }: Machine, tool: keyof typeof tools): Promise<string> {
  const mark = markOf(tool, path)
  const file = mark === undefined ? undefined : join(cacheFolder, 'tools', mark)
  const known = file === undefined ? undefined : readKnown(file)
  if (known !== undefined) return known
  const version = await asked(connection, tool)
  if (file !== undefined) await remember(file, version)
  return version
}

async function asked(connection: Connection, tool: keyof typeof tools): Promise<string> {
  const { args, read } = tools[tool]
  const outcome = await connection.exec({ tool, args, signal: connection.signal })
  if (outcome.exitCode !== 0) throw await refusal(connection, tool, args, outcome)
  return read(outcome.stdout)
}

/**
 * Only where the file behind the name is the tool: a shim (asdf, mise, snap) stays as it is while the
 * version that it starts changes. K3s is its own kubectl.
 */
function markOf(tool: string, path: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    const stat = statSync(join(folder, tool), { throwIfNoEntry: false })
    if (stat?.isFile() !== true || (stat.mode & 0o111) === 0) continue
    const real = realpathSync(join(folder, tool))
    const itself = basename(real).startsWith(tool) || basename(real) === 'k3s'
    const sum = createHash('sha256').update(JSON.stringify([real, stat.mtimeMs, stat.size])).digest('hex')
    return itself && stat.size >= smallestTool ? `${tool}-${sum.slice(0, 12)}` : undefined
  }
  return undefined
}

/** A script that starts the tool has some hundred bytes, the tool itself some forty million. */
const smallestTool = 1_000_000

function readKnown(file: string): string | undefined {
  try {
    return /^v\d+\.\d+\.\d+\S*$/.exec(readFileSync(file, 'utf8'))?.[0]
  } catch {
    return undefined
  }
}

/** A cache that cannot be written is no reason to stop. */
async function remember(file: string, version: string): Promise<void> {
  try {
    mkdirSync(join(file, '..'), { recursive: true })
    await writeFileAtomic(file, version)
  } catch {
    // The tool is asked again next time.
  }
}
