import t from 'tap'
import { deflateRawSync } from 'node:zlib'
import { freeNumber } from '../../scripts/lab/network.ts'
import { ownRules } from '../../scripts/lab/outside.ts'
import { cacheDir, instance } from '../../scripts/lab/paths.ts'
import { whyNot } from '../../scripts/lab/platform.ts'
import { mountsBelow } from '../../scripts/lab/remove.ts'
import { minorOf } from '../../scripts/lab/tools.ts'
import { unzip } from '../../scripts/lab/zip.ts'

void t.test('an instance has a name that fits into an interface, and files of its own', t => {
  for (const name of ['', 'Lab', 'a-b', '../x', '1a', 'abcdefghijklm']) t.throws(() => instance(name), name)
  t.match(instance('lab').kubeconfig, /state\/lab\/kubeconfig$/)
  t.match(instance('test').kubeconfig, /state\/lab\/test\/kubeconfig$/)
  t.equal(cacheDir({ XDG_CACHE_HOME: '/c' }), '/c/airstrip/lab')
  t.match(cacheDir({ XDG_CACHE_HOME: '' }), /\.cache\/airstrip\/lab$/)
  t.end()
})

void t.test('a network is free when neither an address nor a route speaks of it', t => {
  t.equal(freeNumber('inet 192.0.2.2/24'), 0)
  t.equal(freeNumber('inet 10.213.0.1/30 inet 10.213.2.1/30 10.214.1.0/24 via x'), 3)
  t.end()
})

void t.test('only rules that carry the whole tag are deleted', t => {
  const listed = [
    '-P POSTROUTING ACCEPT',
    '-A POSTROUTING -s 10.213.0.0/30 -m comment --comment airstrip-lab-a -j MASQUERADE',
    '-A POSTROUTING -s 10.213.1.0/30 -m comment --comment "airstrip-lab-ab" -j MASQUERADE',
    '-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE',
  ].join('\n')
  const rule = '-D POSTROUTING -s 10.213.1.0/30 -m comment --comment airstrip-lab-ab -j MASQUERADE'
  t.same(ownRules(listed, 'airstrip-lab-ab'), [rule.split(' ')])
  t.end()
})

void t.test('mounts below a folder come innermost first, a neighbour with a longer name not at all', t => {
  const line = (path: string): string => `36 35 98:0 / ${path} rw - ext4 /dev/x rw`
  const info = ['/run/lab/a', '/run/lab/a/b/c', '/run/lab/ab', '/'].map(line).join('\n')
  t.same(mountsBelow('/run/lab/a', info), ['/run/lab/a/b/c', '/run/lab/a'])
  t.end()
})

void t.test('where a node cannot be booted, a sentence says why', t => {
  t.equal(whyNot({ platform: 'linux', uid: 0, family: ['ubuntu', 'debian'] }), undefined)
  t.match(whyNot({ platform: 'darwin', uid: 0, family: [] }), /kind/)
  t.match(whyNot({ platform: 'linux', uid: 0, family: ['fedora'] }), /fedora/)
  t.match(whyNot({ platform: 'linux', uid: 1000, family: ['debian'] }), /needs root|as root|\broot\b/)
  t.end()
})

void t.test('versions are read from what kubectl and helm print', t => {
  t.equal(minorOf('{"clientVersion": {"gitVersion": "v1.22.0"}}'), 22)
  t.equal(minorOf('v3.9.4+gdbc6d8e'), 9)
  t.equal(minorOf('no version'), undefined)
  t.end()
})

void t.test('a zip archive is read through its directory', t => {
  const files = unzip(archive('a/b', Buffer.from('hello hello hello')), () => true)
  t.equal(files.get('a/b')?.toString(), 'hello hello hello')
  t.equal(unzip(archive('a/b', Buffer.from('x')), name => name !== 'a/b').size, 0)
  t.throws(() => unzip(Buffer.alloc(100), () => true), /not a zip/)
  t.end()
})

/** The smallest archive: one packed file, its directory entry, and the end record. */
function archive(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content)
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(name.length, 26)
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50, 0)
  entry.writeUInt16LE(8, 10)
  entry.writeUInt32LE(packed.length, 20)
  entry.writeUInt16LE(name.length, 28)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt32LE(30 + name.length + packed.length, 16)
  return Buffer.concat([local, Buffer.from(name), packed, entry, Buffer.from(name), end])
}
