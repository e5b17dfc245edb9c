/**
 * The forms of names that end up in a Traefik rule, a Kubernetes object or a database.
 *
 * They are narrower than the systems behind them demand: a character that nobody needs in a name is
 * one that somebody can break out of a rule or a command with.
 */
import { isIP } from 'node:net'
import { text, type Rule } from './rule.ts'

const label = '[a-z0-9](?:[a-z0-9\\-]{0,61}[a-z0-9])?'
const dnsPattern = new RegExp(`^${label}(?:\\.${label})*$`, 'u')

const dns: Rule = {
  pattern: dnsPattern,
  max: 253,
  what: 'is not a DNS name',
  example: 'home.example.org',
  mend: bareHost,
  refuse: (value) =>
    /(?:^|\.)[0-9]+$/u.test(value) ? 'is an address, and a certificate and a route need a name' : undefined,
}

/** What remains of an address that was copied from a browser. */
function bareHost(value: string): string {
  const authority = /^(?:[a-z+]+:\/\/)?([^/?#]*)/iu.exec(value)?.[1] ?? ''
  return authority.replace(/^.*@/u, '').replace(/:[0-9]*$/u, '').replace(/\.$/u, '').toLowerCase()
}

export const host = text(dns)

/** A machine that is only connected to: a name or an address. */
export const databaseHost = text({
  pattern: new RegExp(`${dnsPattern.source}|^[0-9a-f:.]{2,45}$`, 'u'),
  max: 253,
  what: 'is neither a DNS name nor an IP address',
  example: 'postgres.example.org',
  mend: bareHost,
  refuse: (value) =>
    isIP(value) !== 0 || dns.refuse?.(value) === undefined && dnsPattern.test(value)
      ? undefined
      : 'is neither a DNS name nor an IP address',
})

export const address = text({
  pattern: /^(?:[0-9.]{7,15}(?::[0-9]{1,5})?|[0-9a-f:.]{2,45}|\[[0-9a-f:.]{2,45}\](?::[0-9]{1,5})?)$/u,
  max: 60,
  what: 'is not an IP address, with or without a port',
  example: '192.168.1.10:443',
  refuse: (value) => (isAddress(value) ? undefined : 'is not an IP address, with or without a port'),
})

function isAddress(value: string): boolean {
  if (isIP(value) !== 0) return true
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::([0-9]+))?$/u.exec(value) ?? []
  const family = v6 === undefined ? isIP(v4 ?? '') === 4 : isIP(v6) === 6
  return family && (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535))
}

export const namespace = text({
  pattern: new RegExp(`^${label}$`, 'u'),
  max: 63,
  what: 'is not a Kubernetes namespace name (lower-case letters, digits and dashes)',
  example: 'airflow',
  mend: (value) => value.toLowerCase().replace(/[_. ]/gu, '-'),
  refuse: (value) => (value.startsWith('kube-') ? 'belongs to Kubernetes itself' : undefined),
})

/** Helm's limit is 53; a Service is named after it, and a Service name begins with a letter. */
export const release = text({
  pattern: /^[a-z](?:[a-z0-9\-]{0,51}[a-z0-9])?$/u,
  max: 53,
  what: 'is not a Helm release name (lower-case letters, digits and dashes, a letter first)',
  example: 'airflow',
  mend: (value) => value.toLowerCase().replace(/[_. ]/gu, '-'),
})

const traefikName = (example: string, what: string) =>
  text({ pattern: /^[A-Za-z0-9][A-Za-z0-9_\-]*$/u, max: 63, what, example })

export const certResolver = traefikName('letsencrypt', 'is not the name of a certificate resolver')
export const entryPoint = traefikName('websecure', 'is not the name of an entry point')

export const databaseName = text({
  pattern: /^[A-Za-z_][A-Za-z0-9_]*$/u,
  max: 63,
  what: 'is not a PostgreSQL name (letters, digits and underscores)',
  example: 'airflow',
})

export const username = text({
  pattern: /^[A-Za-z0-9][A-Za-z0-9._@+\-]*$/u,
  max: 64,
  what: 'is not a user name (letters, digits and . _ @ + -)',
  example: 'admin',
})

export const email = text({
  pattern: /^[A-Za-z0-9][A-Za-z0-9._%+\-]*@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+$/u,
  max: 254,
  what: 'is not an e-mail address',
  example: 'admin@example.org',
})

export const personName = text({
  pattern: /^\p{L}[\p{L}\p{M}\p{N} .'’\-]*$/u,
  max: 64,
  what: 'is not a name (letters, digits, spaces, dots, dashes and apostrophes)',
  example: 'Air',
})

export const role = text({
  pattern: /^[A-Za-z][A-Za-z0-9 _\-]*$/u,
  max: 64,
  what: 'is not the name of an Airflow role',
  example: 'Admin',
})

export const environmentName = text({
  pattern: /^[A-Za-z_][A-Za-z0-9_]*$/u,
  max: 128,
  what: 'is not the name of an environment variable',
  example: 'AIRFLOW_ADMIN_PASSWORD',
})
