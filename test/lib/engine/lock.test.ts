import t from 'tap'
import { takeLock, type Holder, type LockFile } from '../../../lib/engine/lock.ts'
import { thrown } from '../../fakes/caught.ts'

const path = 'state/state.json.lock'

function memory(content?: string): LockFile & { content: string | undefined } {
  return {
    path,
    content,
    read() {
      return this.content
    },
    create(text) {
      if (this.content !== undefined) return false
      this.content = text
      return true
    },
    removeIf(text) {
      if (this.content !== text) return false
      this.content = undefined
      return true
    },
  }
}

const holder = (pid: number, host = 'home'): Holder => ({ holder: `${host}/${pid}/1a2b-77`, since: '2023-08-02T10:00:00.000Z', command: 'airstrip apply --from storage' })
const nobodyAsked = (): boolean => {
  throw new Error('unscripted: alive')
}
const silent = (text: string): void => {
  throw new Error(`unscripted note: ${text}`)
}

void t.test('a free lock is taken and given back', (t) => {
  const file = memory()
  const unlock = takeLock(file, holder(1), nobodyAsked, silent)
  t.same(JSON.parse(file.content ?? ''), holder(1))
  unlock()
  t.equal(file.content, undefined)
  t.end()
})

void t.test('a lock that is held is refused at once, with pid, host, since and command', (t) => {
  for (const alive of [true, undefined]) {
    const file = memory(JSON.stringify(holder(4242, 'attic')))
    t.match(thrown(() => takeLock(file, holder(1), () => alive, silent)), {
      code: 'LOCKED', exitCode: 75, place: path,
      message: 'Another run holds the lock: pid 4242 on attic since 2023-08-02T10:00:00.000Z (airstrip apply --from storage).',
      next: /Wait for pid 4242 on attic/,
    }, alive === undefined ? 'on another host' : 'on this one')
    t.same(JSON.parse(file.content ?? ''), holder(4242, 'attic'), 'and is left as it is')
  }
  t.end()
})

void t.test('the lock of a run that is gone is taken over, and that is said', (t) => {
  const notes: string[] = []
  const file = memory(JSON.stringify(holder(4242)))
  takeLock(file, holder(1), (one) => one !== holder(4242).holder, (note) => notes.push(note))
  t.same(JSON.parse(file.content ?? ''), holder(1))
  t.match(notes, [/took over the lock of a run that is gone \(home\/4242\/1a2b-77, since 2023/])
  t.end()
})

void t.test('a lock that was cut at any byte was left by a machine that went down, and is taken over', (t) => {
  const whole = JSON.stringify(holder(4242))
  const wrong: number[] = []
  for (let length = 0; length < whole.length; length++) {
    for (const content of [whole.slice(0, length), whole.slice(0, length).padEnd(whole.length, '\0')]) {
      const notes: string[] = []
      const file = memory(content)
      takeLock(file, holder(1), nobodyAsked, (note) => notes.push(note))
      if (!notes.join('').includes('unreadable') || file.content !== JSON.stringify(holder(1))) wrong.push(length)
    }
  }
  t.same(wrong, [])
  t.end()
})

void t.test('a whole lock of another shape is refused: whoever wrote it may be at work', (t) => {
  for (const content of ['null', '[]', '{"holder":5}', '{"version":2,"by":"airstrip"}']) {
    const file = memory(content)
    t.match(thrown(() => takeLock(file, holder(1), nobodyAsked, silent)), { code: 'LOCKED', next: /delete state\/state\.json\.lock/ }, content)
    t.equal(file.content, content)
  }
  t.end()
})

void t.test('who was overtaken on the way to a dead lock meets the one who overtook', (t) => {
  const dead = holder(4242)
  const file = memory(JSON.stringify(dead))
  const alive = (one: string): boolean => {
    // Between reading and removing another run takes it over.
    if (one === dead.holder) file.content = JSON.stringify(holder(2))
    return one !== dead.holder
  }
  t.match(thrown(() => takeLock(file, holder(1), alive, silent)), { code: 'LOCKED', message: /pid 2 on home/ })
  t.same(JSON.parse(file.content ?? ''), holder(2))
  t.end()
})

void t.test('giving back does not take away what is somebody else\'s by now', (t) => {
  const file = memory()
  const unlock = takeLock(file, holder(1), nobodyAsked, silent)
  file.content = JSON.stringify(holder(2))
  unlock()
  t.same(JSON.parse(file.content), holder(2))
  t.end()
})

void t.test('of twenty that come to a dead lock at once exactly one gets it, whatever the order', (t) => {
  const random = seeded(7)
  for (let round = 0; round < 200; round++) {
    const file = memory(JSON.stringify(holder(4242)))
    const living = new Set<string>()
    let winners = 0
    // Whoever asks whether the holder lives may be overtaken there by any number of others.
    const contend = (rest: number[]): void => {
      const [pid, ...others] = rest
      if (pid === undefined) return
      const mine = holder(pid)
      let yielded = false
      const alive = (one: string): boolean => {
        const answer = living.has(one)
        if (!yielded && random() < 0.7) {
          yielded = true
          contend(others)
        }
        return answer
      }
      try {
        living.add(mine.holder)
        takeLock(file, mine, alive, () => undefined)
        winners += 1
      } catch {
        living.delete(mine.holder)
      }
      if (!yielded) contend(others)
    }
    contend(Array.from({ length: 20 }, (_, index) => index + 1))
    if (winners !== 1) t.fail(`round ${round}: ${winners} winners`)
  }
  t.end()
})

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}
