import { accessSync, constants, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { run, say } from './exec.ts'
import type { Instance } from './paths.ts'

interface Tool {
  name: string
  ask: string[]
  /** Does this minor version go with the server's? */
  fits: (minor: number, serverMinor: number) => boolean
}

/**
 * kubectl: one minor version either way, as Kubernetes promises. Helm 3.N is made for Kubernetes 1.(N+15) and
 * older ones; the reference's own pair (3.9 with 1.22) and the lab's (3.9 with 1.20) are two and four apart.
 */
const TOOLS: Tool[] = [
  { name: 'kubectl', ask: ['version', '--client', '-o', 'json'], fits: (minor, server) => Math.abs(minor - server) <= 1 },
  { name: 'helm', ask: ['version', '--short'], fits: (minor, server) => minor + 15 >= server && minor + 15 <= server + 4 },
]

function toolDir(instance: Instance): string {
  return join(instance.run, 'tools')
}

/** A PATH with kubectl and helm that fit the server: the person's own where they do, the lab's for the others. */
export function toolPath(instance: Instance): string {
  return `${toolDir(instance)}${delimiter}${process.env.PATH ?? ''}`
}

/** Decides which is which, once per boot: asking each program takes a while. */
export async function chooseTools(parts: Binaries, instance: Instance): Promise<void> {
  const dir = toolDir(instance)
  const path = process.env.PATH ?? ''
  const serverMinor = minorOf(parts.version) ?? 0
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  for (const tool of TOOLS) {
    const own = isOnPath(tool.name, path) ? await run(tool.name, tool.ask) : undefined
    const minor = own?.code === 0 ? minorOf(own.stdout) : undefined
    if (minor !== undefined && tool.fits(minor, serverMinor)) continue
    symlinkSync(join(parts.clients, tool.name), join(dir, tool.name))
    if (own !== undefined) say(`this machine's ${tool.name} does not fit Kubernetes ${parts.version}: using the lab's own`)
  }
}

export function minorOf(text: string): number | undefined {
  const match = /v\d+\.(\d+)\.\d+/.exec(text)
  return match === null ? undefined : Number(match[1])
}

function isOnPath(name: string, path: string): boolean {
  return path.split(delimiter).some(dir => {
    try {
      accessSync(join(dir, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
