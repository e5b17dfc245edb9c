export interface Asked {
  host: string
  path: string
}

type Test = (asked: Asked) => boolean

const MATCHERS: Record<string, (values: string[]) => Test> = {
  Host: hosts => asked => hosts.some(host => host.toLowerCase() === asked.host.toLowerCase()),
  // Traefik compares letters, not path segments: /airflow takes /airflows too.
  PathPrefix: prefixes => asked => prefixes.some(prefix => asked.path.startsWith(prefix)),
  Path: paths => asked => paths.includes(asked.path),
}

/**
 * A Traefik rule as a function: matchers of backquoted or quoted strings, joined by &&, || and !, with
 * parentheses. Throws on anything else, and the route is then not served, as in Traefik.
 */
export function rule(source: string): Test {
  const tokens = [...source.matchAll(/\s*(&&|\|\||[!(),]|[A-Za-z]+|`[^`]*`|"[^"]*"|\S)/g)].map(match => match[1] ?? '')
  const reader = new Reader(tokens, source)
  const test = reader.either()
  reader.end()
  return test
}

class Reader {
  readonly #tokens: string[]
  readonly #source: string
  #at = 0

  constructor(tokens: string[], source: string) {
    this.#tokens = tokens
    this.#source = source
  }

  either(): Test {
    let test = this.#both()
    while (this.#skip('||')) test = join(test, this.#both(), (a, b) => a || b)
    return test
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#fail()
  }

  #both(): Test {
    let test = this.#one()
    while (this.#skip('&&')) test = join(test, this.#one(), (a, b) => a && b)
    return test
  }

  #one(): Test {
    if (this.#skip('!')) {
      const test = this.#one()
      return asked => !test(asked)
    }
    if (!this.#skip('(')) return this.#matcher()
    const test = this.either()
    if (!this.#skip(')')) this.#fail()
    return test
  }

  #matcher(): Test {
    const build = MATCHERS[this.#next()]
    if (build === undefined || !this.#skip('(')) this.#fail()
    const values: string[] = []
    do values.push(this.#string())
    while (this.#skip(','))
    if (!this.#skip(')')) this.#fail()
    return build(values)
  }

  #string(): string {
    const token = this.#next()
    if (!/^[`"]/.test(token) || token.length < 2) this.#fail()
    return token.slice(1, -1)
  }

  #next(): string {
    const token = this.#tokens[this.#at] ?? ''
    this.#at += 1
    return token
  }

  #skip(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false
    this.#at += 1
    return true
  }

  #fail(): never {
    throw new Error(`error while parsing rule ${this.#source}`)
  }
}

function join(a: Test, b: Test, combine: (a: boolean, b: boolean) => boolean): Test {
  return asked => combine(a(asked), b(asked))
}

/** The hosts that a rule names: Traefik asks for a certificate for each. */
export function hostsIn(source: string): string[] {
  return [...source.matchAll(/Host\(([^)]*)\)/g)].flatMap(match => [...(match[1] ?? '').matchAll(/[`"]([^`"]+)[`"]/g)].map(host => host[1] ?? ''))
}
