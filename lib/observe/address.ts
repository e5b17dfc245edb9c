import type { Reader } from '../access.ts'

/** Where HOST is asked: the configured address, else what DNS says, else the node itself, since there Traefik listens at home. */
export async function addressOf({ host, address }: { host: string; address?: string | undefined }, reader: Pick<Reader, 'resolve' | 'list'>): Promise<string | undefined> {
  if (address !== undefined) return address
  if ((await reader.resolve(host)).length > 0) return host
  const [node] = await reader.list({ resources: ['nodes'] })
  const addresses = (node?.status as { addresses?: { type: string; address: string }[] } | undefined)?.addresses
  return addresses?.find(({ type }) => type === 'InternalIP')?.address
}
