import t from 'tap'
import { formatDeb822, ownArchives, parseDeb822, parseOneLine } from '../../scripts/lab/apt-sources.ts'

const DEB822 = `# the archive
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: https://vendor.example/apt
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://old.example/debian
Suites: bookworm
Components: main
`

void t.test('the newer form: own suites are kept with their key, vendors and disabled entries are not', t => {
  const kept = ownArchives(parseDeb822(DEB822), 'bookworm')
  t.equal(kept.length, 1)
  t.equal(kept[0]?.get('Suites'), 'bookworm bookworm-updates')
  t.equal(kept[0]?.get('Types'), 'deb deb-src')
  t.match(kept[0]?.get('Signed-By'), /BEGIN PGP[^]*abc/)
  t.same(parseDeb822(formatDeb822(kept)), kept, 'what is written reads back as the same')
  t.end()
})

void t.test('the older form becomes the same stanzas, with its options', t => {
  const text = [
    '# deb http://mirror.example/debian bookworm main',
    'deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/a.gpg] http://mirror.example/debian bookworm main # ours',
    'deb-src http://mirror.example/debian bookworm main',
    'deb https://vendor.example/linux/debian bookworm stable',
    'deb http://mirror.example/security bookworm-security main contrib',
  ].join('\n')
  const kept = ownArchives(parseOneLine(text), 'bookworm')
  t.same(kept.map(stanza => stanza.get('URIs')), ['http://mirror.example/debian', 'http://mirror.example/security'])
  t.equal(kept[0]?.get('Signed-By'), '/usr/share/keyrings/a.gpg')
  t.equal(kept[0]?.get('Architectures'), 'amd64 arm64')
  t.end()
})

void t.test('another release of the distribution is not this one', t => {
  t.same(ownArchives(parseOneLine('deb http://mirror.example/debian trixie main'), 'bookworm'), [])
  t.end()
})
