/** What is wrong between a node and a registry. The texts are of containerd and the kubelet, as a registry at home makes them say. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import { container, deployment, event, pod } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const found = (parts: Partial<Evidence>) => diagnose(evidence({ release: undefined, ...parts }), [], processRules).findings

function pulling(text: string): Partial<Evidence> {
  const image = 'registry.home:5000/airflow:1'
  const one = pod({ spec: { containers: [{ name: 'scheduler', image }] }, status: { phase: 'Pending', containerStatuses: [container({ image, state: { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } } })] } })
  return { pods: [one], events: [event(one, 'Failed', `Failed to pull image "${image}": ${text}`)] }
}

void t.test('a registry of plain HTTP is declared as one, and a node whose clock is wrong is set right', (t) => {
  const asking = 'rpc error: code = Unknown desc = failed to do request: Head "https://registry.home:5000/v2/airflow/manifests/1"'
  const http = pulling(`${asking}: http: server gave HTTP response to HTTPS client`)
  const all = diagnose(evidence({ ...http, workloads: [deployment('airflow-scheduler', 0)] })).findings.filter(({ id }) => id === 'image-registry-unreachable')
  t.match(all, [{ title: 'Registry registry.home:5000 speaks plain HTTP, and node home asks it by HTTPS', fix: [/printf .*server = "http:\/\/registry\.home:5000".* \| sudo tee \/etc\/containerd\/certs\.d\/registry\.home:5000\/hosts\.toml && sudo systemctl restart containerd/, /registries\.yaml && sudo systemctl restart k3s/] }])
  t.equal(all.length, 1, 'and once')
  const untrusted = pulling(`${asking}: x509: certificate signed by unknown authority`)
  t.equal(diagnose(evidence({ ...untrusted, workloads: [deployment('airflow-scheduler', 0)] })).findings.filter(({ id }) => id === 'image-registry-unreachable').length, 1)
  const clock = (time: string) => pulling(`${asking}: x509: certificate has expired or is not yet valid: current time ${time}`)
  t.match(found(clock('2023-01-10T10:17:01Z is before 2023-05-10T00:00:00Z')), [{ id: 'image-registry-unreachable', title: 'The clock of node home is wrong, so it takes no registry\'s certificate', why: /2023-01-10T10:17:01Z/, fix: [/^sudo timedatectl set-ntp true; timedatectl # on home/] }])
  t.match(found(clock('2023-09-10T10:17:01Z is after 2023-08-10T00:00:00Z')), [{ title: /^The clock of node home is wrong/ }], 'one that runs ahead')
  t.match(found(clock('2023-08-02T10:29:01Z is after 2023-08-01T00:00:00Z')), [{ title: 'The certificate of registry registry.home:5000 has ended', fix: [/^openssl s_client .*-connect registry\.home:5000/] }])
  t.end()
})

void t.test('a runtime that cannot look for an image is no registry that turns it away', (t) => {
  const text = 'Failed to inspect image "apache/airflow:2.6.2": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"'
  t.same(found({ pods: [pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'ImageInspectError', message: text } } })] } })] }), [])
  t.end()
})
