import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openApt } from '../lab/apt.ts'
import { whole } from '../lab/cache.ts'
import { LabError, must, say } from '../lab/exec.ts'
import { cacheDir } from '../lab/paths.ts'
import { unpackedEnv } from '../lab/runtime.ts'

/** Debian's own Ansible with its collections, of which kubernetes.core is one. */
const PACKAGES = ['ansible', 'python3-kubernetes', 'strace']

const MODULES = 'usr/lib/python3/dist-packages'

export interface Packages {
  /** ansible-playbook, with the Python that Debian made it for: a person's PATH may begin with another. */
  ansible: readonly [python: string, program: string]
  strace: string
  /** In which the unpacked programs find their modules. */
  env: NodeJS.ProcessEnv
  /** `ansible-core 2.14.18, kubernetes.core 2.4.0`, as they say themselves. */
  versions: string
}

/** As the packages' install scripts do; without it every run would compile a thousand modules anew. */
async function compile(root: string): Promise<void> {
  const others = 'ansible_collections/(?!kubernetes|ansible)'
  await must(inEither(root, 'python3'), ['-m', 'compileall', '-q', '-j', '0', '-x', others, join(root, MODULES)])
}

/** What this system has already was not fetched. */
function inEither(root: string, name: string): string {
  const found = [join(root, 'usr/bin', name), join('/usr/bin', name)].find(path => existsSync(path))
  if (found === undefined) throw new LabError(`${root} lacks ${name}; delete it, and it is fetched anew`)
  return found
}

/** Unpacked beside the lab's programs, not installed: nothing has to be removed afterwards. */
export async function packages(): Promise<Packages> {
  const root = await whole(join(cacheDir(), 'bench'), 'fetching Ansible', async dir => {
    say('fetching Ansible and strace from the distribution…')
    const apt = await openApt(join(dir, 'apt'))
    await apt.unpack(PACKAGES, dir)
    rmSync(join(dir, 'apt'), { recursive: true })
    await compile(dir)
  })
  // A variable that forbids Python to keep what it compiled would make Ansible slow, and the comparison unfair.
  const env = { ...unpackedEnv([root]), PYTHONPATH: join(root, MODULES), PYTHONDONTWRITEBYTECODE: undefined }
  return {
    ansible: [inEither(root, 'python3'), inEither(root, 'ansible-playbook')],
    strace: inEither(root, 'strace'),
    env,
    versions: await versionsOf(root, env),
  }
}

async function versionsOf(root: string, env: NodeJS.ProcessEnv): Promise<string> {
  const ask = (name: string, args: string[]): Promise<string> => must(inEither(root, 'python3'), [inEither(root, name), ...args], { env })
  const [, core = 'unknown'] = /\[core ([^\]]+)\]/.exec(await ask('ansible-playbook', ['--version'])) ?? []
  const list = await ask('ansible-galaxy', ['collection', 'list', 'kubernetes.core'])
  const [, collection = 'unknown'] = /kubernetes\.core\s+(\S+)/.exec(list) ?? []
  return `ansible-core ${core}, kubernetes.core ${collection}`
}
