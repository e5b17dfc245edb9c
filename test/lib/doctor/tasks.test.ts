import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import { pod, ready } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const scheduler = pod({ name: 'airflow-scheduler-6d5-x', owner: { kind: 'ReplicaSet', name: 'airflow-scheduler-6d5' }, labels: { 'tier': 'airflow', 'component': 'scheduler', 'pod-template-hash': '6d5' }, status: ready })
const said = (line: string, others: (typeof scheduler)[] = []) => diagnose(evidence({ pods: [scheduler, ...others], logs: [{ namespace: 'airflow', pod: scheduler.metadata.name, container: 'scheduler', previous: false, lines: [line] }] }), [], processRules).findings
const begin = (time: string) => `[2023-08-02T${time}.123+0000] {kubernetes_executor.py:396} ERROR - ApiException when attempting to run task, re-queueing. Reason: 'Forbidden'. `

void t.test('what the API server refuses the executor is told, though no event has it', (t) => {
  const quota = `${begin('10:29:40')}Message: pods "etl-extract-ab12" is forbidden: exceeded quota: few, requested: pods=1, used: pods=5, limited: pods=5`
  t.match(said(quota), [{ id: 'quota-exceeded', severity: 'warning', title: 'Quota few leaves no room', evidence: [/exceeded quota: few/], why: /which stays queued/, fix: [/patch resourcequota few/] }])
  const body = `${begin('10:29:40')}HTTP response body: {"kind":"Status","status":"Failure","message":"pods \\"etl-extract-ab12\\" is forbidden: error looking up service account airflow/none: serviceaccount \\"none\\" not found","reason":"Forbidden","code":403}`
  t.match(said(body), [{ id: 'service-account-missing', severity: 'warning', evidence: [/looking up service account/] }])
  t.match(said(`${begin('10:29:40')}Message: pods "etl" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false`), [{ id: 'admission-refused' }])
  t.same(said(quota.replace('few,', 'few;$(reboot),')), [], 'words that are no names make no command')
  t.end()
})

void t.test('a quota that other tasks will give back, and what was refused long ago, is no matter', (t) => {
  const quota = (time: string) => `${begin(time)}Message: pods "etl" is forbidden: exceeded quota: few, requested: pods=1, used: pods=5, limited: pods=5`
  t.same(said(quota('10:10:00')), [])
  const task = pod({ name: 'etl-load', owner: { kind: 'Job', name: 'x' }, labels: { kubernetes_executor: 'True' }, spec: { nodeName: 'home', restartPolicy: 'Never' }, status: { phase: 'Running', containerStatuses: [{ name: 'base', restartCount: 0, ready: true }] } })
  t.same(said(quota('10:29:40'), [task]), [])
  t.end()
})
