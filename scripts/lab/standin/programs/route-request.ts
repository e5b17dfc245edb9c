export interface Stripped {
  url: string
  prefix?: string
}

/** Takes the first prefix off that fits. What is left may be empty, which HTTP does not allow: then it is the root. */
export function strip(url: string, prefixes: string[]): Stripped {
  const prefix = prefixes.find(candidate => url.startsWith(candidate))
  if (prefix === undefined) return { url }
  const rest = url.slice(prefix.length)
  return { url: rest.startsWith('/') ? rest : `/${rest}`, prefix: prefix.trim() }
}
