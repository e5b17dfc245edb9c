import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { tar } from '../../../lib/adapters/tar.ts'

const entries = [
  { path: 'etc', mode: 0o700, uid: 50000, gid: 7 },
  { path: 'etc/words', bytes: 'two lines\nof text\n', mode: 0o640 },
  { path: 'bin/sh', link: '/bin/busybox' },
  { path: `deep/${'folder/'.repeat(20)}file`, bytes: '' },
]

void t.test('the system\'s tar reads what ours writes', t => {
  const archive = join(t.testdir(), 'layer.tar')
  writeFileSync(archive, tar(entries))
  const list = execFileSync('tar', ['--numeric-owner', '-tvf', archive], { encoding: 'utf8' }).split('\n')
  t.match(list[0], /^drwx------ 50000\/7 .* etc\/$/)
  t.match(list[1], /^-rw-r----- 0\/0 +18 .* etc\/words$/)
  t.match(list[2], /bin\/sh -> \/bin\/busybox$/)
  t.ok(list[3]?.endsWith('folder/file'), 'a long path is whole')
  t.equal(execFileSync('tar', ['-xOf', archive, 'etc/words'], { encoding: 'utf8' }), 'two lines\nof text\n')
  t.end()
})

void t.test('the same files give the same bytes', t => {
  t.ok(tar(entries).equals(tar(entries)))
  t.equal(tar(entries).length % 512, 0)
  t.end()
})

void t.test('a path that does not fit is refused, not cut', t => {
  t.throws(() => tar([{ path: 'x'.repeat(200), bytes: '' }]), /too long/)
  t.end()
})
