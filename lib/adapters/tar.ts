/** One entry of an archive: a file with its bytes, a link with its target, or a folder. */
export interface Entry {
  path: string
  mode?: number
  uid?: number
  gid?: number
  bytes?: Buffer | string
  link?: string
  /** In seconds; 1970 where it is left out, so that the same files give the same bytes. */
  modified?: number
}

const BLOCK = 512

/**
 * A ustar archive, in memory. The system's tar would need every file on disk with its owner set, and
 * gives other bytes for the same files on another day; a layer's bytes decide its digest, and the digest
 * decides whether containerd unpacks it again.
 */
export function tar(entries: Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap((entry) => member(entry)), Buffer.alloc(2 * BLOCK)])
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
  octal(block, entry.modified ?? 0, 136, 12)
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

/**
 * The plain files of these names, as text. Whatever else lies in the archive is passed over unread, so that
 * no path, link or device of it has any say; undefined where it is no archive, is cut off, or names a file twice.
 */
export function filesIn(archive: Buffer, names: readonly string[]): Map<string, string> | undefined {
  const found = new Map<string, string>()
  for (let offset = 0; offset + BLOCK <= archive.length;) {
    const block = archive.subarray(offset, offset + BLOCK)
    if (block.every((byte) => byte === 0)) return found
    const size = sizeIn(block)
    if (size === undefined || offset + BLOCK + size > archive.length) return undefined
    const name = [textAt(block, 345, 155), textAt(block, 0, 100)].filter((part) => part !== '').join('/')
    if (names.includes(name) && ['0', '\0'].includes(String.fromCharCode(block[156] ?? 0))) {
      if (found.has(name)) return undefined
      found.set(name, archive.toString('utf8', offset + BLOCK, offset + BLOCK + size))
    }
    offset += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  return undefined
}

/** Of a header that is whole. */
function sizeIn(block: Buffer): number | undefined {
  const sum = parseInt(textAt(block, 148, 8), 8)
  const digits = textAt(block, 124, 12).trim()
  const blank = Buffer.from(block).fill(' ', 148, 156)
  return sum === checksum(blank) && /^[0-7]{1,11}$/.test(digits) ? parseInt(digits, 8) : undefined
}

function textAt(block: Buffer, offset: number, width: number): string {
  const field = block.toString('utf8', offset, offset + width)
  const end = field.indexOf('\0')
  return end === -1 ? field : field.slice(0, end)
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
