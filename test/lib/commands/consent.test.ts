import t from 'tap'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { parseConfig } from '../../../lib/config/load.ts'
import { consent, type Asking } from '../../../lib/commands/consent.ts'
import type { Consented } from '../../../lib/engine/pipeline.ts'
import type { Event } from '../../../lib/engine/events.ts'
import type { Word } from '../../../lib/engine/agreement.ts'
import type { Change } from '../../../lib/step.ts'
import { caught } from '../../fakes/caught.ts'
import { clusterReader } from '../../fakes/reader.ts'

const change: Change = { op: 'create', want: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'airflow' }, data: { a: 'first-line' } }, why: 'it is not there' }
const plan = (word: Word): Consented[] => [{ step: 'storage', changes: [change], word }]

interface Asked extends Asking {
  said: string[]
  questions: string[]
  events: Event[]
}

/** Only what consent touches; the terminal is a list of answers. */
function asking(flags: Record<string, unknown>, answers?: string[], unattended = 'install'): Asked {
  const [said, questions, events]: [string[], string[], Event[]] = [[], [], []]
  const ask = (question: string): Promise<string> => {
    questions.push(question)
    return Promise.resolve(answers?.[questions.length - 1] ?? '')
  }
  const config = parseConfig(`storage: {path: /srv/airflow}\ningress: {host: home.example.org, certResolver: letsencrypt}\nunattended: ${unattended}\n`, '/x.yaml')
  return {
    said, questions, events,
    flags: { color: false, ...flags },
    deps: { colors: false, err: (line: string) => said.push(line), ...(answers === undefined ? {} : { ask }) },
    session: { config, redactor: createRedactor(), look: () => clusterReader() },
    emit: (event: Event) => events.push(event),
  } as unknown as Asked
}

void t.test('--yes agrees to everything and asks nobody', async (t) => {
  const all = asking({ yes: true }, [])
  t.equal(await consent(plan('change'), all), false)
  t.same(all.questions, [])
})

void t.test('with nobody to ask, no more is done than the configuration leaves to airstrip', async (t) => {
  const table: [flag: string | undefined, configured: string, word: Word, allowed: boolean][] = [
    [undefined, 'install', 'install', true], [undefined, 'install', 'repair', false], [undefined, 'install', 'change', false],
    [undefined, 'repair', 'repair', true], [undefined, 'repair', 'change', false], [undefined, 'nothing', 'install', false],
    ['repair', 'install', 'repair', true], ['nothing', 'repair', 'install', false],
  ]
  for (const [flag, configured, word, allowed] of table) {
    const all = asking(flag === undefined ? {} : { unattended: flag }, undefined, configured)
    const what = `${flag ?? 'no flag'}, ${configured}: ${word}`
    if (allowed) t.equal(await consent(plan(word), all), false, what)
    else t.match(await caught(consent(plan(word), all)), { code: 'CONSENT', seen: [/^storage: create ConfigMap airflow\/one \(it is not there\)/], next: /--yes/ }, what)
  }
})

void t.test('a refusal names the flag that would allow as much, where there is one', async (t) => {
  t.match((await caught(consent(plan('repair'), asking({})))), { next: /--unattended repair/ })
  t.notMatch((await caught(consent(plan('change'), asking({})))), { next: /--unattended/ })
})

void t.test('a person is shown the changes, asked, and taken at their word', async (t) => {
  const all = asking({}, ['y'])
  t.equal(await consent(plan('install'), all), true, 'and time has passed')
  t.match(all.said, [/^storage +create +ConfigMap airflow\/one \(it is not there\)$/])
  t.match(all.questions, [/^Make this change\?/])
  t.match(all.events, [{ type: 'asked', answer: 'y' }])
})

void t.test('anything but yes is no', async (t) => {
  for (const answer of ['', 'n', 'no', 'yess', 'ja', ' ']) t.match(await caught(consent(plan('install'), asking({}, [answer]))), { code: 'CONSENT', message: /left as it is/ }, JSON.stringify(answer))
})

void t.test('the diff is shown when it is asked for, and the question put again', async (t) => {
  const all = asking({}, ['d', 'YES'])
  t.equal(await consent(plan('install'), all), true)
  t.ok(all.said.some((line) => line.includes('+  a: first-line')))
  t.equal(all.questions.length, 2)
})

void t.test('who says what may be done unattended, or reads JSON, is not asked', async (t) => {
  for (const flags of [{ unattended: 'install' }, { json: true }]) {
    const all = asking(flags, ['y'])
    t.equal(await consent(plan('install'), all), false)
    t.match(await caught(consent(plan('change'), all)), { code: 'CONSENT' })
    t.same(all.questions, [])
  }
})
