import t from 'tap'
import { calendarOf, cronTimes, isDue, jitterSeconds, nextByCron, parseEvery } from '../../../lib/schedule/every.ts'
import { everyOf } from './plan.ts'

void t.test('a time is one that systemd and cron can both say', (t) => {
  const texts = ['1m', '5m', '15m', '30m', '60m', '1h', 'hourly', '6h', '24h', '1d', 'daily']
  t.same(texts.map((text) => parseEvery(text)?.text), ['1m', '5m', '15m', '30m', '1h', '1h', '1h', '6h', 'daily', 'daily', 'daily'])
  for (const text of ['', '0m', '7m', '90m', '5h', '48h', '2d', '15', '-5m', '1.5h', '15 m', '*:0/15', 'weekly', '15m\n']) t.equal(parseEvery(text), undefined, JSON.stringify(text))
  t.end()
})

void t.test('systemd is given a calendar, since no other timer catches up what was missed', (t) => {
  t.same(['1m', '15m', '1h', '6h', 'daily'].map((text) => calendarOf(everyOf(text))), ['*:0/1', '*:0/15', 'hourly', '0/6:00', 'daily'])
  t.same(['1m', '15m', 'daily'].map((text) => jitterSeconds(everyOf(text))), [6, 90, 900])
  t.end()
})

void t.test('cron gets a minute and second of its own, the same ones every time', (t) => {
  for (const text of ['5m', '15m', '1h', 'daily']) {
    const seeds = Array.from({ length: 200 }, (_, index) => `home-${index}/airstrip.yaml`)
    const times = seeds.map((seed) => cronTimes(everyOf(text), seed))
    t.ok(new Set(times.map(({ fields }) => fields)).size > 3, `${text} is spread over its minutes`)
    t.ok(times.every(({ sleep }) => sleep >= 0 && sleep < 60))
    t.same(seeds.map((seed) => cronTimes(everyOf(text), seed)), times)
  }
  t.match(cronTimes(everyOf('15m'), 'a').fields, /^([0-9]|1[0-4])-59\/15 \* \* \* \*$/)
  t.match(cronTimes(everyOf('6h'), 'a').fields, /^[0-5]?[0-9] \* \* \* \*$/, 'what is rare is looked at every hour')
  t.equal(cronTimes(everyOf('1m'), 'a').fields, '* * * * *')
  t.end()
})

void t.test('what cron missed is due at its next hour', (t) => {
  const at = (text: string): Date => new Date(`2023-08-02T${text}:00Z`)
  t.equal(isDue(everyOf('6h'), undefined, at('10:00')), true)
  t.equal(isDue(everyOf('6h'), at('06:10'), at('11:10')), false)
  t.equal(isDue(everyOf('6h'), at('06:10'), at('12:09')), true, 'a little early is on time')
  t.equal(isDue(everyOf('daily'), new Date('2023-07-30T10:00:00Z'), at('10:00')), true)
  t.equal(isDue(everyOf('15m'), at('10:00'), at('10:01')), true, 'cron keeps these times itself')
  t.equal(isDue(everyOf('6h'), at('11:00'), at('10:00')), true, 'a clock that was set back stops nothing')
  t.end()
})

void t.test('the next run is one that cron will start', (t) => {
  const now = new Date('2023-08-02T10:07:30Z')
  const next = nextByCron(everyOf('15m'), 'seed', undefined, now)
  t.ok(next > now && next.getTime() - now.getTime() <= 15 * 60_000)
  const [minute] = cronTimes(everyOf('15m'), 'seed').fields.split('-')
  t.equal(next.getMinutes() % 15, Number(minute))
  const later = nextByCron(everyOf('6h'), 'seed', now, now)
  t.ok(later.getTime() - now.getTime() > 5 * 3_600_000 && later.getTime() - now.getTime() <= 7 * 3_600_000)
  t.end()
})
