import t from 'tap'
import { countCalls } from '../../scripts/bench/audit.ts'
import { listed, processesIn, total } from '../../scripts/bench/trace.ts'

const event = (verb: string, requestURI: string, resource?: string, username = 'lab-admin'): string =>
  JSON.stringify({ kind: 'Event', verb, requestURI, user: { username }, ...(resource === undefined ? {} : { objectRef: { resource } }) })

void t.test('calls of the API are counted for the one who is measured', t => {
  const log = [
    event('get', '/api?timeout=32s'),
    event('get', '/apis/apps/v1?timeout=32s'),
    event('get', '/openapi/v2?timeout=32s'),
    event('get', '/version?timeout=32s'),
    event('list', '/api/v1/nodes', 'nodes'),
    event('list', '/api/v1/nodes', 'nodes', 'system:serviceaccount:kube-system:traefik'),
    event('create', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', 'selfsubjectrulesreviews'),
    event('patch', '/api/v1/namespaces/airflow/secrets/x', 'secrets'),
    '',
  ].join('\n')
  const { all, discovery, writes, by } = countCalls(log)
  t.same({ all, discovery, writes }, { all: 7, discovery: 3, writes: 1 }, 'a review is a question, not a write')
  t.equal(by['list nodes'], 1)
  t.equal(by['get /version'], 1)
  t.same(countCalls('').all, 0)
  t.end()
})

void t.test('processes are those that were started, by what they became, not what was looked for', t => {
  const trace = [
    '10 execve("/usr/bin/bash", ["bash", "-c", "x"], 0x7ffd /* 20 vars */) = 0',
    '11 execve("/opt/kubectl", ["kubectl", "get"], 0x7ffd /* 20 vars */) = -1 ENOENT (No such file or directory)',
    '11 execve("/usr/bin/kubectl", ["kubectl", "get"], 0x7ffd /* 20 vars */ <unfinished ...>',
    '12 execve("/usr/bin/kubectl", ["kubectl", "a \\"quoted\\" word"], 0x7ffd /* 20 vars */) = 0',
    '11 <... execve resumed>)             = 0',
    '13 execve("/usr/bin/helm", ["helm"], 0x7ffd /* 20 vars */ <unfinished ...>',
    '13 <... execve resumed>)             = -1 EACCES (Permission denied)',
    '14 execve("/usr/bin/bash", ["bash", "-c", "kubectl"], 0x7ffd /* 20 vars */) = 0',
    '14 execve("/usr/bin/kubectl", ["kubectl"], 0x7ffd /* 20 vars */) = 0',
    '10 +++ exited with 0 +++',
  ].join('\n')
  t.same(processesIn(trace), { bash: 1, kubectl: 3 })
  t.equal(total(processesIn(trace)), 4)
  t.end()
})

void t.test('a list names the most frequent, and says how many it leaves out', t => {
  t.equal(listed({ a: 1, b: 5, c: 2, d: 3 }, 2), 'b 5, d 3, others 3')
  t.equal(listed({ a: 1 }), 'a 1')
  t.end()
})
