/** Celery at once on a fresh cluster; then to Kubernetes, where Redis and workers must go; then back. */
import t from 'tap'
import { kubectl, list, recordsOf, secretsOf } from './cluster.ts'
import { exits, site, type Overrides } from './site.ts'

const withExecutor = (executor: string): Overrides => ({ airflow: { executor } })

void t.test('from one executor to the other', async t => {
  const it = await site(t, 'executor', withExecutor('CeleryExecutor'))

  await t.test('a fresh install has Celery at once', async t => {
    exits(t, await it.airstrip(['apply']), 0)
    t.same(await celeryParts(), ['airflow-redis', 'airflow-worker'])
    t.same(await recordsOf('executor'), ['deployed'], 'in one revision')
    t.equal(await executorInPods(), 'CeleryExecutor')
  })
  const keys = await secretsOf('executor')

  await t.test('to KubernetesExecutor: Redis and workers are gone', async t => {
    it.write(withExecutor('KubernetesExecutor'))
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 2)
    t.same(await celeryParts(), [])
    t.same((await list('pods', 'executor')).map(({ metadata }) => metadata.name).filter(name => /redis|worker/.test(name)), [], 'their pods too')
    t.equal(await executorInPods(), 'KubernetesExecutor')
    t.equal(it.state().steps.executor?.status, 'done')
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
  })

  await t.test('a change that fails is taken back, though what it failed of is as it was', async t => {
    const sick = { images: { redis: { repository: 'No/Image' } } }
    it.write({ airflow: { executor: 'CeleryExecutor', values: sick } })
    exits(t, await it.airstrip(['apply']), 1)
    it.write({ airflow: { executor: 'KubernetesExecutor', values: sick } })
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 2)
    t.same((await list('statefulsets', 'executor')).map(({ metadata }) => metadata.name).filter(name => /redis|worker/.test(name)), [])
    t.equal(await executorInPods(), 'KubernetesExecutor')
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
  })

  await t.test('and back', async t => {
    it.write(withExecutor('CeleryExecutor'))
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 2)
    t.same(await celeryParts(), ['airflow-redis', 'airflow-worker'])
    t.equal(await executorInPods(), 'CeleryExecutor')
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
  })

  t.same(await secretsOf('executor'), keys, 'keys and passwords never changed')
  t.notOk((await recordsOf('executor')).some(status => status.startsWith('uninstall')), 'nothing was uninstalled')
  t.equal((await recordsOf('executor')).at(-1), 'deployed')
})

async function celeryParts(): Promise<string[]> {
  return (await list('statefulsets', 'executor')).filter(({ metadata, status }) => /redis|worker/.test(metadata.name) && (status as { readyReplicas?: number }).readyReplicas === 1).map(({ metadata }) => metadata.name).sort()
}

async function executorInPods(): Promise<string> {
  const line = await kubectl(['-n', 'executor', 'exec', 'deployment/airflow-scheduler', '-c', 'scheduler', '--', '/entrypoint', 'config', 'get-value', 'core', 'executor'])
  return line.trim().split('\n').at(-1) ?? ''
}
