import t from 'tap'
import { baseFolder } from '../../../lib/adapters/base-folder.ts'

void t.test('a person\'s cache is where XDG_CACHE_HOME says, and never in the folder they stand in', (t) => {
  const folder = (XDG_CACHE_HOME?: string): string => baseFolder('XDG_CACHE_HOME', { XDG_CACHE_HOME }, '/home/joe')
  t.equal(folder('/var/cache/joe'), '/var/cache/joe')
  for (const none of [undefined, '', 'cache', './cache']) t.equal(folder(none), '/home/joe/.cache', none ?? 'not set')
  t.equal(baseFolder('XDG_CONFIG_HOME', {}, '/home/joe'), '/home/joe/.config')
  t.end()
})
