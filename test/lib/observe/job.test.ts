import t from 'tap'
import { observe } from '../../../lib/observe/registry.ts'
import { container, context, crashed, job, pod } from './objects.ts'

const gone = { waiting: { reason: 'ErrImagePull', message: 'rpc error: code = NotFound desc = apache/airflow:9: not found' } }
const broken = { phase: 'Pending', containerStatuses: [container({ state: gone })] }

void t.test('a Job that has given up is final at once, with what its pod said', (t) => {
  const failed = job({ failed: 7, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }] })
  const owner = { kind: 'Job', name: 'airflow-run-airflow-migrations' }
  const pods = [pod({ name: 'm-1', owner, labels: {}, status: { phase: 'Failed', containerStatuses: [container({ name: 'run-airflow-migrations', state: { terminated: { exitCode: 1, reason: 'Error', message: 'Traceback\nsqlalchemy.exc.OperationalError: FATAL' } } })] } })]
  t.match(observe(failed, context({ pods })), { state: 'failed', settleMs: 0, finding: { id: 'job-failed', evidence: [/BackoffLimitExceeded/, /exit code 1: sqlalchemy/] } })
  t.end()
})

void t.test('a Job that still has tries is waited for, unless its pod can never start', (t) => {
  t.match(observe(job({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] }), context()), { state: 'done' })
  t.match(observe(job({ active: 1, failed: 2 }), context()), { state: 'waiting', reason: '0/1 completed, 2 failed of 7 tries' })
  const owner = { kind: 'Job', name: 'airflow-run-airflow-migrations' }
  const crashing = pod({ name: 'm-1', owner, labels: {}, status: { containerStatuses: [crashed(5, {})] } })
  t.match(observe(job({ active: 1 }), context({ pods: [crashing] })), { state: 'waiting', reason: /CrashLoopBackOff/ })
  t.match(observe(job({ active: 1 }), context({ pods: [pod({ name: 'm-1', owner, labels: {}, status: broken })] })), { state: 'failed', finding: { id: 'image-not-found' } })
  t.end()
})

void t.test('a Job whose work is done and whose pod a sidecar keeps alive is told with the sidecar', (t) => {
  const withTemplate = { ...job({ active: 1 }), spec: { backoffLimit: 6, template: { spec: { containers: [{ name: 'run-airflow-migrations' }] } } } }
  const look = (finishedAt: string, name = 'run-airflow-migrations', beside = 'istio-proxy') => observe(withTemplate, context({ pods: [pod({
    name: 'm-1', owner: { kind: 'Job', name: 'airflow-run-airflow-migrations' }, labels: {},
    status: { phase: 'Running', containerStatuses: [container({ name, state: { terminated: { exitCode: 0, finishedAt } } }), container({ name: beside, ready: true, state: { running: { startedAt: '2023-08-02T10:00:00Z' } } })] },
  })] }))
  t.match(look('2023-08-02T10:20:00Z'), { state: 'failed', settleMs: 60_000, finding: { id: 'pod-not-ending', title: 'Container istio-proxy keeps Job airflow-run-airflow-migrations from ending, whose work is done', fix: [/exec m-1 -c istio-proxy -- pilot-agent request POST quitquitquit/, /inject/] } })
  t.match(look('2023-08-02T10:29:30Z'), { state: 'waiting' }, 'it may notice yet')
  t.match(look('2023-08-02T10:20:00Z', 'helper', 'run-airflow-migrations'), { state: 'waiting' }, 'what ended is not what the Job is for')
  t.match(observe({ ...withTemplate, spec: { template: { spec: { containers: [{ name: 'run-airflow-migrations' }, { name: 'second' }] } } } }, context({ pods: [pod({ name: 'm-1', owner: { kind: 'Job', name: 'airflow-run-airflow-migrations' }, labels: {}, status: { phase: 'Running', containerStatuses: [container({ name: 'run-airflow-migrations', state: { terminated: { exitCode: 0, finishedAt: '2023-08-02T10:20:00Z' } } }), container({ name: 'second', ready: true, state: { running: {} } })] } })] })), { state: 'waiting' }, 'what the Job itself has may have work to do')
  t.end()
})
