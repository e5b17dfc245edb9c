import { isAbsolute, join } from 'node:path'

const defaults = { XDG_CACHE_HOME: '.cache', XDG_CONFIG_HOME: '.config' }

/** A person's folder of that kind; empty and relative values count as none (XDG Base Directory Specification). */
export function baseFolder(name: keyof typeof defaults, env: NodeJS.ProcessEnv, home: string): string {
  const chosen = env[name] ?? ''
  return isAbsolute(chosen) ? chosen : join(home, defaults[name])
}
