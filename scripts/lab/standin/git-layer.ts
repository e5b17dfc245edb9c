import type { Layer } from './layers.ts'
import { packagesLayer } from './packages-layer.ts'

/** The servers are for tests: what a repository's host refuses has to come from one that is real. */
const PROGRAMS = ['usr/bin/git', 'usr/lib/git-core/git-remote-http', 'usr/bin/ssh', 'usr/bin/ssh-keygen', 'usr/sbin/sshd']

/** A real git with its ways to a repository, http and ssh: what git-sync says of a failure is git's own text. */
export function gitLayer(cacheDir: string): Promise<Layer> {
  return packagesLayer(cacheDir, {
    title: 'git and OpenSSH',
    folder: 'git',
    packages: [['git', 'openssh-client', 'openssh-server']],
    contents: () => ({
      programs: PROGRAMS,
      files: [],
      more: [
        { path: 'usr/lib/git-core/git-remote-https', link: 'git-remote-http' },
        // By its own name the far side starts it, through ssh.
        { path: 'usr/bin/git-upload-pack', link: 'git' },
        // Without the folder git warns, each time it makes a repository.
        { path: 'usr/share/git-core/templates' },
        // Where sshd's processes without rights are locked in.
        { path: 'run/sshd', mode: 0o755 },
      ],
    }),
  })
}
