/** Kubernetes' quantities as numbers: `100m` CPU is 0.1, `2Gi` is 2147483648. */
const units: Record<string, number> = {
  n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60,
}

/** NaN for what is no quantity: every comparison with it is false, so nothing is concluded. */
export function quantity(text: string | number | undefined): number {
  if (text === undefined) return 0
  const [, number, unit] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(String(text)) ?? []
  return number === undefined ? NaN : Number(number) * (units[unit ?? ''] ?? NaN)
}
