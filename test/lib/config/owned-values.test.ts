import t from 'tap'
import { errorOf, smallest } from './fixtures.ts'

void t.test('the executor is said in one place, and not among the chart\'s values', (t) => {
  const error = errorOf(`${smallest}airflow:\n  values:\n    executor: LocalExecutor\n    config:\n      core:\n        executor: LocalExecutor\n`)
  t.equal(error?.code, 'CONFIG_INVALID')
  t.match(error?.seen, [/:8:15 airflow\.values\.executor: .*write airflow\.executor instead/, /:11:19 airflow\.values\.config\.core\.executor/])
  t.end()
})
