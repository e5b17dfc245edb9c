import t from 'tap'
import type { KubeconfigFacts } from '../../../lib/access.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { node, release } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const kubeconfig: KubeconfigFacts = { file: '/home/me/.kube/config', exists: true, contexts: ['home', 'work'], context: 'home', cluster: 'home', server: 'https://192.168.1.10:6443', others: [] }

/** As kubectl 1.22 and its proxy said it on the lab; addresses and paths are made up, and what was not seen there is marked. */
function told(seen: string, facts: Partial<KubeconfigFacts> = {}, code = 'CLUSTER_UNREACHABLE') {
  return diagnose(evidence({ unreachable: { code, sentence: 'The cluster did not answer.', seen: [seen], kubeconfig: { ...kubeconfig, ...facts } } })).findings
}

const expired = 'Unable to connect to the server: x509: certificate has expired or is not yet valid: current time 2026-11-24T15:50:25Z is after 2024-01-01T00:00:00Z'
const unauthorized = 'error: You must be logged in to the server (Unauthorized)'
const nowhere = 'Unable to connect to the server: dial tcp 127.0.0.1:8080: connect: connection refused'
const lost: [what: string, seen: string, facts: Partial<KubeconfigFacts>, title: RegExp, fix: RegExp][] = [
  ['no kubeconfig at all', nowhere, { exists: false, contexts: [], context: undefined, server: undefined }, /There is no kubeconfig/, /sudo cp --backup=numbered \/etc\/kubernetes\/admin\.conf/],
  ['none, and K3s is here', nowhere, { exists: false, contexts: [], context: undefined, server: undefined, others: ['/etc/rancher/k3s/k3s.yaml'] }, /There is no kubeconfig/, /sudo cp --backup=numbered \/etc\/rancher\/k3s\/k3s\.yaml/],
  ['a kubeconfig without a current context', nowhere, { context: undefined, server: undefined }, /names no cluster/, /kubectl config use-context home/],
  ['a file that is not there', 'error: stat /home/me/gone: no such file or directory', { exists: false }, /no kubeconfig \/home\/me\/gone/, /ls -l/],
  ['K3s\' file of root', 'error: error loading config file "/etc/rancher/k3s/k3s.yaml": open /etc/rancher/k3s/k3s.yaml: permission denied', {}, /may not read the kubeconfig \/etc\/rancher/, /sudo cp --backup=numbered \/etc\/rancher\/k3s\/k3s\.yaml ~\/\.kube\/config/],
  ['one\'s own file, written by root', 'error: error loading config file "/home/me/.kube/config": open /home/me/.kube/config: permission denied', {}, /may not read the kubeconfig \/home\/me/, /^sudo chown "\$\(id -u\):\$\(id -g\)" \/home\/me\/\.kube\/config && chmod 600 \/home\/me\/\.kube\/config #/],
  ['a file of root\'s kubeconfig', 'Error in configuration: \n* unable to read client-cert /home/joe/.minikube/client.crt for minikube due to open /home/joe/.minikube/client.crt: permission denied', {}, /a file that this user may not read: \/home\/joe\/\.minikube\/client\.crt/, /cp --backup=numbered \/etc\/kubernetes\/admin\.conf ~\/\.kube\/config && sudo chown/],
  ['no YAML', 'error: error loading config file "/tmp/broken": yaml: line 1: did not find expected \',\' or \']\'', {}, /cannot be read as a kubeconfig/, /config view --kubeconfig \/tmp\/broken/],
  ['a wrong --context', 'error: context "nope" does not exist', {}, /no context nope/, /doctor --context home/],
  ['a current context that is gone', 'Error in configuration: context was not found for specified context: gone', {}, /no context gone/, /use-context home/],
  ['a wrong port', 'Unable to connect to the server: dial tcp 192.168.1.10:7443: connect: connection refused', {}, /No API server listens at https:\/\/192/, /systemctl restart kubelet/],
  ['a proxy that is not there', 'Unable to connect to the server: proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused', {}, /asks a proxy for the cluster/, /^export NO_PROXY=.*192\.168\.1\.10"/],
  ['kind that is stopped', 'Unable to connect to the server: dial tcp 127.0.0.1:36987: connect: connection refused', { context: 'kind-air', server: 'https://127.0.0.1:36987' }, /No API server listens/, /docker start .*kind\.cluster=air\)/],
  ['an own server on port 8080', nowhere, { server: 'http://127.0.0.1:8080' }, /No API server listens/, /kubelet/],
  ['no such host', 'Unable to connect to the server: dial tcp: lookup no.such.host.invalid on 10.0.0.53:53: no such host', { server: 'https://no.such.host.invalid:6443' }, /no\.such\.host\.invalid of the cluster has no address/, /getent hosts no\.such/],
  ['a wrong token', unauthorized, {}, /does not accept the credentials/, /admin\.conf/],
  ['a certificate of another cluster\'s user', 'Error from server (Forbidden): namespaces "kube-system" is forbidden: User "system:anonymous" cannot get resource\nThe cluster does not know who asks.', { certificate: { subject: 'CN=kubernetes-admin', validFrom: '2023-01-01T00:00:00.000Z', validTo: '2033-01-01T00:00:00.000Z' } }, /does not accept the credentials/, /admin\.conf/],
  ['another cluster', 'Unable to connect to the server: x509: certificate signed by unknown authority', {}, /of another cluster/, /admin\.conf/],
  // Go's words for a certificate of other addresses; on the lab it had none at all.
  ['another address', 'Unable to connect to the server: x509: certificate is valid for 10.96.0.1, 192.168.1.9, not 192.168.1.10', {}, /not for the address 192\.168\.1\.10/, /^kubectl config set-cluster home --tls-server-name=kubernetes --kubeconfig \/home\/me\/\.kube\/config #/],
  ['nobody there', 'Unable to connect to the server: net/http: request canceled (no answer within 6 s)', {}, /Nobody answers at https:\/\/192/, /ping -c 3 192\.168\.1\.10/],
  ['http', 'Error from server (HTTP 400): Client sent an HTTP request to an HTTPS server.', { server: 'http://192.168.1.10:6443' }, /says http where/, /set-cluster home --server=https:\/\/192/],
  // From reports; not made here.
  ['a login that fails', 'Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255', {}, /login/, /config view/],
  ['a login whose program is not installed', 'Unable to connect to the server: getting credentials: exec: executable aws not found', {}, /program aws, .* is not installed/, /^command -v aws/],
  ['a file of the kubeconfig that is gone', 'Error in configuration: \n* unable to read client-cert /gone.crt for joe due to open /gone.crt: no such file or directory', {}, /a file that is not there: \/gone\.crt/, /cp --backup/],
  ['a user that the kubeconfig does not have', 'Please enter Username: error: EOF', {}, /user of the context home has no credentials/, /get-users .*set-context home --user=NAME/],
  ['a cluster that the kubeconfig does not have', nowhere, { server: undefined, cluster: 'nuc' }, /names no cluster/, /get-clusters .*set-context home --cluster=NAME --kubeconfig .* # nuc is none of these/],
  ['anything else', 'Unable to connect to the server: something new', {}, /did not answer/, /cluster-info/],
]

for (const [what, seen, facts, title, fix] of lost) {
  void t.test(`the way to the cluster: ${what}`, (t) => {
    const findings = told(seen, facts)
    t.match(findings, [{ id: 'cluster-unreachable-kubeconfig', severity: 'error', title, fix: [fix] }])
    t.equal(findings.length, 1)
    t.notMatch(findings[0]?.fix.join('\n') ?? '', /cp \S+ (?!.*chown)|cp --backup=numbered \S+\.crt|\brm\b/, 'a copy belongs to who makes it, and nothing goes that cannot be put back')
    t.end()
  })
}

void t.test('the API server\'s clock is compared in both directions', (t) => {
  const skewed = (clock: string) => diagnose(evidence({ clock })).findings.filter(({ id }) => id === 'clock-skew')
  t.match(skewed('2023-08-02T10:25:00.000Z'), [{ severity: 'error', evidence: [/this machine: 2023-08-02T10:30/, 'the API server: 2023-08-02T10:25:00.000Z'], why: /300 s apart/ }])
  t.match(skewed('2023-08-02T10:31:00.000Z'), [{ why: /60 s apart/ }])
  t.same(skewed('2023-08-02T10:29:45.000Z'), [])
  t.end()
})

void t.test('an API server that lives and cannot read its store is no machine that is off', (t) => {
  // etcd was stopped beneath an API server 1.20.
  const said = 'Unable to connect to the server: net/http: request canceled (no answer within 6 s)\nGET /livez/ping was answered at once'
  t.match(told(said), [{ id: 'control-plane-down', title: /runs, and gets nothing out of its store/, fix: [/crictl logs .*etcd/, /df -h \/var\/lib\/etcd/] }])
  t.match(told(said, { others: ['/etc/rancher/k3s/k3s.yaml'] }), [{ id: 'control-plane-down', fix: [/restart k3s/] }])
  t.end()
})

void t.test('a certificate that has ended is told apart from a clock that is behind', (t) => {
  t.match(told(expired), [{ id: 'kubeadm-certs-expired', title: /2024-01-01/, fix: [/kubeadm certs renew all/] }])
  t.match(told(expired.replace('after 2024', 'before 2030')), [{ id: 'clock-skew', fix: [/set-ntp true/] }])
  const ofK3s = [/^sudo systemctl restart k3s/, /cp --backup=numbered \/etc\/rancher\/k3s\/k3s\.yaml/] as const
  const itsAdmin = { subject: 'O=system:masters, CN=system:admin', validFrom: '2021-01-01T00:00:00.000Z', validTo: '2022-01-01T00:00:00.000Z' }
  for (const facts of [{ others: ['/etc/rancher/k3s/k3s.yaml'] }, { file: '/etc/rancher/k3s/k3s.yaml' }, { certificate: itsAdmin }]) {
    const [finding] = told(expired, facts)
    t.match(finding, { id: 'kubeadm-certs-expired', fix: ofK3s, why: /K3s/ }, 'K3s renews its own')
    t.notMatch([finding?.why, ...finding?.fix ?? []].join(' '), /kubeadm/, 'and knows no kubeadm')
    t.equal(finding?.fix[1]?.includes('# on a node of K3s'), facts.others === undefined, 'where its file is not here it is said where')
  }
  t.match(told(expired, { others: ['/etc/rancher/k3s/k3s.yaml'], certificate: { ...itsAdmin, subject: 'O=system:masters, CN=kubernetes-admin' } }), [{ fix: [/kubeadm certs renew all/] }], 'a K3s on this machine may be another cluster')
  const certificate = { subject: 'CN=kubernetes-admin, O=system:masters', validFrom: '2021-01-01T00:00:00.000Z', validTo: '2022-01-01T00:00:00.000Z' }
  t.match(told(unauthorized, { certificate }), [{ id: 'kubeadm-certs-expired', title: /in the kubeconfig has ended at 2022/ }], 'of the user, which the server only calls Unauthorized')
  t.end()
})

void t.test('a tool that is missing is named, kubectl before anything else', (t) => {
  t.match(told('', {}, 'TOOL_MISSING'), [{ id: 'tool-missing', title: 'kubectl is not on the PATH', fix: [/install kubectl/] }])
  t.match(diagnose(well({ missingTools: ['helm'] })), { healthy: false, findings: [{ id: 'tool-missing', title: 'helm is not on the PATH', fix: [/get-helm-3/] }] })
  t.end()
})

function well(parts: Parameters<typeof evidence>[0]) {
  return evidence({ record: release({ updatedAt: long }), ...parts })
}

const lease = (renewTime: string) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'home', namespace: 'kube-node-lease' }, spec: { holderIdentity: 'home', leaseDurationSeconds: 40, renewTime } })

void t.test('a time that has not come yet is of another clock', (t) => {
  t.match(diagnose(well({ leases: [lease('2023-08-02T10:32:00.000000Z')] })), { findings: [{ id: 'clock-skew', evidence: [/this machine/, /home was heard of at 2023-08-02T10:32/] }] })
  const ahead = node({ conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2023-08-02T10:40:00Z' }] })
  t.match(diagnose(well({ nodes: [ahead] })), { findings: [{ id: 'clock-skew' }] })
  t.same(diagnose(well({ leases: [lease('2023-08-02T10:30:20.000000Z')] })).findings, [], 'some seconds are everyday')
  t.same(diagnose(well({ leases: [lease('2023-08-02T10:00:00.000000Z')] })).findings, [], 'one that is past proves no clock')
  t.end()
})

void t.test('what may not be read stays unknown, and the right that lacks is named', (t) => {
  const unknown = [
    'events in airflow could not be read: kubectl get --raw /api/v1/namespaces/airflow/events was refused. Error from server (Forbidden): events is forbidden: User "viewer" cannot list resource "events" in API group "" in the namespace "airflow"',
    'storageclasses.storage.k8s.io could not be read: … is forbidden: User "viewer" cannot list resource "storageclasses" in API group "storage.k8s.io" at the cluster scope',
  ]
  const { findings, healthy } = diagnose(well({ unknown }))
  t.equal(healthy, false)
  t.match(findings, [{ id: 'permissions-denied', severity: 'warning', evidence: ['cannot list events in airflow', 'cannot list storageclasses.storage.k8s.io'], fix: [/--kubeconfig/, /--resource=events,storageclasses\.storage\.k8s\.io/, /--user=viewer/] }])
  t.equal(findings.length, 1)
  t.match(diagnose(well({ unknown: unknown.map((line) => line.replaceAll('viewer', 'system:serviceaccount:ci:bot')) })).findings[0]?.fix[2], /--serviceaccount=ci:bot/)
  t.same(diagnose(well({ unknown: ['events in airflow could not be read: EOF'] })).findings, [])
  t.end()
})

void t.test('a state file that cannot be used is a finding, with what to do about it', (t) => {
  const of = (code: string, sentence = 'It is so.') => diagnose(well({ state: { path: '/srv/state.json', problem: { code, sentence } } })).findings
  t.match(of('STATE_DAMAGED'), [{ id: 'state-file', fix: [/^mv \/srv\/state\.json \/srv\/state\.json\.damaged/] }])
  t.match(of('STATE_NEWER'), [{ id: 'state-file', fix: [/git pull/] }])
  t.match(of('STATE_FOREIGN'), [{ id: 'state-file', fix: [/get-contexts/, /srv\/state-other\.json/] }])
  t.match(of('STATE_UNUSABLE', '/srv/state.json cannot be used: this user may not use it.'), [{ id: 'state-file', fix: [/^sudo chown "\$\(id -un\)" \/srv\/state\.json && chmod 600 \/srv\/state\.json #/] }], 'the file, and not what else is in its folder')
  t.match(of('STATE_UNUSABLE', '/srv/state.json cannot be used: a part of its path is a file, and a folder belongs there.'), [{ fix: [/^npx tsx run\.ts apply --state FILE/] }], 'an owner would not help')
  t.same(diagnose(well({ state: { path: 'state/state.json' } })).findings, [])
  t.end()
})
