/** One entry of a layer: a file with its bytes, a link with its target, or a folder. */
export interface Entry {
  path: string
  mode?: number
  uid?: number
  gid?: number
  bytes?: Buffer | string
  link?: string
}

const BLOCK = 512

/**
 * A ustar archive, in memory. The system's tar would need every file on disk with its owner set, and
 * gives other bytes for the same files on another day; a layer's bytes decide its digest, and the digest
 * decides whether containerd unpacks it again.
 */
export function tar(entries: Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entry => member(entry)), Buffer.alloc(2 * BLOCK)])
}

function member(entry: Entry): Buffer[] {
  const bytes = Buffer.from(entry.bytes ?? '')
  return [header(entry, bytes.length), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]
}

function header(entry: Entry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const kind = entry.link !== undefined ? '2' : entry.bytes !== undefined ? '0' : '5'
  const { prefix, name } = split(kind === '5' ? `${entry.path}/` : entry.path)
  block.write(name, 0)
  octal(block, entry.mode ?? (kind === '5' ? 0o755 : 0o644), 100, 8)
  octal(block, entry.uid ?? 0, 108, 8)
  octal(block, entry.gid ?? 0, 116, 8)
  octal(block, size, 124, 12)
  octal(block, 0, 136, 12)
  block.write(kind, 156)
  block.write(fits(entry.link ?? '', 100), 157)
  block.write('ustar\u000000', 257)
  block.write(prefix, 345)
  // The checksum is taken with its own field full of spaces.
  block.fill(' ', 148, 156)
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function octal(block: Buffer, value: number, offset: number, width: number): void {
  block.write(value.toString(8).padStart(width - 1, '0'), offset)
}

function checksum(block: Buffer): number {
  return block.reduce((sum, byte) => sum + byte, 0)
}

/** ustar keeps a long path in two fields, cut at a slash: 155 bytes before it, 100 after. */
function split(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path }
  const cut = path.lastIndexOf('/', 155)
  return { prefix: fits(path.slice(0, Math.max(cut, 0)), 155), name: fits(path.slice(cut + 1), 100) }
}

function fits(text: string, limit: number): string {
  if (Buffer.byteLength(text) > limit) throw new Error(`too long for a ustar header: ${text}`)
  return text
}
