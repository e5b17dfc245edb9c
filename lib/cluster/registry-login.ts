/** The login that Helm itself would show to a registry. Only what is written out is taken: a credential helper is a program, and Helm's to run. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { parsedJson } from '../json.ts'

export interface RegistryLogin {
  /** As the header has it. */
  basic?: string
  /** Where another one is that Helm alone can use. */
  elsewhere?: string
}

const words = z.string().optional().catch(undefined)
const entry = z.object({ auth: words, identitytoken: words, registrytoken: words }).catch({ auth: undefined, identitytoken: undefined, registrytoken: undefined })

/** Docker's form, which Helm writes as well. */
const configSchema = z.object({
  auths: z.record(z.string(), entry).catch({}),
  credHelpers: z.record(z.string(), z.string()).catch({}),
  credsStore: words,
})

/** Of Helm's own file, and where that has none, of Docker's. */
export function loginFor(host: string, env: NodeJS.ProcessEnv): RegistryLogin {
  let elsewhere: string | undefined
  for (const file of filesOf(env)) {
    const { data } = configSchema.safeParse(parsedJson(readIfThere(file)))
    if (data === undefined) continue
    const found = entryFor(data.auths, host)
    const basic = basicOf(found?.auth)
    if (basic !== undefined) return { basic }
    if (entryFor(data.credHelpers, host) !== undefined || (found !== undefined && data.credsStore !== undefined)) elsewhere ??= `${file} leaves the login to a credential helper, which Helm alone asks`
    else if (found?.identitytoken !== undefined || found?.registrytoken !== undefined) elsewhere ??= `the login in ${file} is a token, which Helm alone uses`
  }
  return elsewhere === undefined ? {} : { elsewhere }
}

function filesOf(env: NodeJS.ProcessEnv): string[] {
  // An empty one counts as none, as for Helm.
  const named = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  const home = named('HOME') ?? homedir()
  const helm = named('HELM_CONFIG_HOME') ?? join(named('XDG_CONFIG_HOME') ?? join(home, '.config'), 'helm')
  return [named('HELM_REGISTRY_CONFIG') ?? join(helm, 'registry', 'config.json'), join(named('DOCKER_CONFIG') ?? join(home, '.docker'), 'config.json')]
}

/** Keys were addresses once, and those of Docker Hub still are. */
function entryFor<T>(record: Record<string, T>, host: string): T | undefined {
  const hub = ['docker.io', 'index.docker.io', 'registry-1.docker.io']
  const same = hub.includes(host) ? hub : [host]
  return Object.entries(record).find(([key]) => same.includes(key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')))?.[1]
}

/** What it says is written anew, so that nothing but a login gets into a header. */
function basicOf(auth: string | undefined): string | undefined {
  const plain = Buffer.from(auth ?? '', 'base64').toString()
  return /^[^:]+:./s.test(plain) ? `Basic ${Buffer.from(plain).toString('base64')}` : undefined
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
