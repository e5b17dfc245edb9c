/** Where Kubernetes keeps quantities; elsewhere `1.10` and `1.1` are two different words. */
const quantityPath = /(^|\.)(requests|limits|capacity|sizeLimit|min|max|hard)(\.|$)/

const factors: Record<string, number> = {
  n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60,
}

/** `0.5` cores are `500m`, `1024Mi` is `1Gi`: the server writes what it likes best. */
export function sameQuantity(path: string, one: unknown, other: unknown): boolean {
  if (!quantityPath.test(path)) return false
  const [a, b] = [parseQuantity(one), parseQuantity(other)]
  return a !== undefined && b !== undefined && Math.abs(a - b) <= 1e-9 * Math.abs(a)
}

/** In the base unit (cores, bytes); undefined where it is no quantity. */
export function parseQuantity(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string') return undefined
  const [, digits, unit] = /^(\d+(?:\.\d+)?(?:e\d+)?)([num]|[kMGTPE]|[KMGTPE]i)?$/.exec(text) ?? []
  const factor = factors[unit ?? '']
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}
