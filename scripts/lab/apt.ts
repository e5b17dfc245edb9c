import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatDeb822, ownArchives, systemSources } from './apt-sources.ts'
import { LabError, must } from './exec.ts'

export interface Apt {
  /**
   * Unpacks packages, and those they need that this system lacks, below `root`. Installs nothing.
   * `anyway`: the named ones even where the system has them.
   */
  unpack(packages: string[], root: string, anyway?: boolean): Promise<void>
  /** Fetches a source package's files into `dir` and names them. */
  source(name: string, dir: string): Promise<string[]>
}

/**
 * apt with lists, sources and archives of its own in `dir`: the system's package state is only read (it tells
 * which libraries are already there). Nothing is installed, so no service starts and nothing has to be removed.
 */
export async function openApt(dir: string): Promise<Apt> {
  for (const part of ['lists/partial', 'archives/partial']) mkdirSync(join(dir, part), { recursive: true })
  const sources = join(dir, 'lab.sources')
  writeFileSync(sources, formatDeb822(archives()))
  const options = settings(dir, sources)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
  await must('apt-get', [...options, '-q', 'update'], { env })
  return {
    async unpack(packages, root, anyway = false) {
      const install = ['-q', '-y', '--no-install-recommends', '--download-only', ...(anyway ? ['--reinstall'] : []), 'install', ...packages]
      await must('apt-get', [...options, ...install], { env })
      mkdirSync(root, { recursive: true })
      for (const name of readdirSync(join(dir, 'archives')).filter(file => file.endsWith('.deb'))) {
        await must('dpkg', ['-x', join(dir, 'archives', name), root])
      }
    },
    async source(name, target) {
      mkdirSync(target, { recursive: true })
      await must('apt-get', [...options, '-q', '--download-only', 'source', name], { env, cwd: target })
      return readdirSync(target).map(file => join(target, file))
    },
  }
}

function settings(dir: string, sources: string): string[] {
  return [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(dir, 'lists')}`,
    `Dir::Cache::archives=${join(dir, 'archives')}`,
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
    // The unprivileged download user cannot write below a person's home.
    'APT::Sandbox::User=root',
    // Only our own folders are written, so an upgrade that runs at the same time need not be waited for.
    'Debug::NoLocking=true',
    // A machine or image of last year still has a use.
    'Acquire::Check-Valid-Until=false',
    'Acquire::Retries=3',
  ].flatMap(setting => ['-o', setting])
}

function archives(): ReturnType<typeof ownArchives> {
  const codename = osRelease().VERSION_CODENAME ?? ''
  const found = ownArchives(systemSources(), codename)
  if (found.length === 0) {
    throw new LabError(`/etc/apt names no archive for "${codename} main", from which the lab takes containerd and etcd`)
  }
  return found
}

export function osRelease(): Record<string, string> {
  const lines = readFileSync('/etc/os-release', 'utf8').split('\n')
  return Object.fromEntries(lines.filter(line => line.includes('=')).map(line => {
    const at = line.indexOf('=')
    return [line.slice(0, at), line.slice(at + 1).replace(/^"(.*)"$/, '$1')]
  }))
}
