import t from 'tap'
import { renderRelease } from '../../../lib/cluster/render.ts'
import type { Chart } from '../../../lib/access.ts'
import { connectionOf, fakeExec } from '../../fakes/exec.ts'

const chart: Chart = { name: 'airflow', version: '1.10.0', appVersion: '2.6.2', home: '', fingerprint: '', path: '/cache/airflow.tgz', local: false }
const wish = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1.10.0' }, timeoutSeconds: 1, values: { secret: 'canary' } }
const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: airflow-config}\n'
const job = 'apiVersion: batch/v1\nkind: Job\nmetadata: {name: airflow-migrations, annotations: {helm.sh/hook: post-install}}\n'
const dryRun = { when: /^helm upgrade --install --dry-run/, answers: { stdout: JSON.stringify({ manifest: map, hooks: [{ manifest: job }] }) } }
const busy = { when: /^helm upgrade --install --dry-run/, answers: { exitCode: 1, stderr: 'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress' } }
const template = { when: /^helm template --is-upgrade --validate/, answers: { stdout: `---\n# Source: a\n${map}---\n# Source: b\n${job}` } }

const render = (script: Parameters<typeof fakeExec>[0], helm = 'v3.9.4') => {
  const { exec, calls, lines } = fakeExec(script)
  const machine = { chart: () => Promise.resolve(chart), tools: () => Promise.resolve({ kubectl: 'v1.22.8', helm }) }
  return { made: renderRelease(connectionOf(exec), machine, wish), calls, lines }
}

void t.test('objects and hooks come from Helm\'s own dry run, and the values go in by stdin', async (t) => {
  const { made, calls, lines } = render([dryRun])
  t.match(await made, { objects: [{ kind: 'ConfigMap', metadata: { namespace: 'airflow' } }], hooks: [{ kind: 'Job' }] })
  t.match(calls, [{ stdin: '{"secret":"canary"}' }])
  t.notMatch(lines().join(), /canary/)
})

void t.test('a Helm that can lets the chart look at the cluster, as it does when it is in earnest', async (t) => {
  for (const [helm, flag] of [['v3.12.3', '--dry-run'], ['v3.13.0', '--dry-run=server'], ['v4.1.4', '--dry-run=server']] as const) {
    const { made, lines } = render([dryRun], helm)
    t.match(await made, { hooks: [{ kind: 'Job' }] })
    t.match(lines(), [new RegExp(`^helm upgrade --install ${flag} -o json `)], helm)
  }
})

void t.test('an older one that misses what the chart looks for reads it as for a first install', async (t) => {
  const blind = { when: /^helm upgrade --install --dry-run/, answers: { exitCode: 1, stderr: "Error: UPGRADE FAILED: execution error at (airflow/charts/postgresql/templates/secrets.yaml:23:16): \nPASSWORDS ERROR: You must provide your current passwords when upgrading the release." } }
  const { made } = render([blind, { when: /^helm template --validate/, answers: template.answers }])
  t.match(await made, { objects: [{ kind: 'ConfigMap', metadata: { name: 'airflow-config' } }], hooks: [{ kind: 'Job' }] })
})

void t.test('what a Helm that was cut off has left does not keep the chart from being read', async (t) => {
  const { made } = render([busy, template])
  t.match(await made, { objects: [{ kind: 'ConfigMap', metadata: { name: 'airflow-config', namespace: 'airflow' } }], hooks: [{ kind: 'Job', metadata: { name: 'airflow-migrations' } }] })
})

void t.test('a refusal that quotes a secret is told without it', async (t) => {
  const { made } = render([{ when: /^helm upgrade/, answers: { exitCode: 1, stderr: 'Error: execution error at (airflow/x.yaml:1:2): tried with password \'Canary-2025-Orkan!\'' } }])
  await t.rejects(made, { code: 'HELM_FAILED', seen: [/tried with password '•+'/] })
})

void t.test('any other refusal is told as it was said', async (t) => {
  const { made } = render([{ when: /^helm upgrade/, answers: { exitCode: 1, stderr: 'Error: parse error at (airflow/x.yaml:1)' } }])
  await t.rejects(made, { code: 'HELM_FAILED', seen: ['Error: parse error at (airflow/x.yaml:1)'] })
})
