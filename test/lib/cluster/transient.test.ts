import t from 'tap'
import { isTransient, isTurnedAway, isUnreachable } from '../../../lib/cluster/transient.ts'

/** As kubectl and Helm print them. */
const transient = [
  'The connection to the server 192.168.1.10:6443 was refused - did you specify the right host or port?',
  'Unable to connect to the server: net/http: TLS handshake timeout',
  'Unable to connect to the server: dial tcp 192.168.1.10:6443: i/o timeout',
  'Error: Kubernetes cluster unreachable: Get "https://192.168.1.10:6443/version": dial tcp 192.168.1.10:6443: connect: connection refused',
  'Unable to connect to the server: dial tcp 192.168.1.10:6443: connect: no route to host',
  'Unable to connect to the server: dial tcp 192.168.1.10:6443: connect: network is unreachable',
  'error: http2: client connection lost',
  'Error from server: etcdserver: leader changed',
  'Error from server: etcdserver: request timed out',
  'Error from server (ServiceUnavailable): the server is currently unable to handle the request (get pods)',
  'Error from server (TooManyRequests): the server has received too many requests and has asked us to try again later',
  'Error from server (Conflict): Operation cannot be fulfilled on persistentvolumes "airflow-local-dags-pv": the object has been modified; please apply your changes to the latest version and try again',
  'Error from server (Forbidden): error when creating "STDIN": configmaps "x" is forbidden: unable to create new content in namespace airflow because it is being terminated',
  'Error from server (InternalError): Internal error occurred: failed calling webhook "x": Post "https://x.svc:443/": dial tcp 10.96.0.4:443: connect: connection refused',
  'read tcp 10.0.0.1:5000->10.0.0.2:6443: read: connection reset by peer',
  'Get "https://192.168.1.10:6443/api": EOF',
  'error: unexpected EOF',
  'Error: failed post-install: Timeout: request did not complete within requested timeout 34s',
  'Unable to connect to the server: dial tcp: lookup home.example.org: Temporary failure in name resolution',
]

const final = [
  'Error from server (NotFound): secrets "x" not found',
  'Error from server (AlreadyExists): error when creating "STDIN": secrets "airflow-airstrip-admin" already exists',
  'Error from server (Forbidden): secrets is forbidden: User "viewer" cannot list resource "secrets" in API group "" in the namespace "airflow"',
  'The PersistentVolume "airflow-local-dags-pv" is invalid: spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
  'error: error validating "STDIN": error validating data: ValidationError(Service.spec): unknown field "prots" in io.k8s.api.core.v1.ServiceSpec',
  'Error: values don\'t meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- executor: executor must be one of the following: "LocalExecutor"',
  'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress',
  'Error: INSTALLATION FAILED: failed post-install: timed out waiting for the condition',
  'error: unable to recognize "STDIN": no matches for kind "IngressRoute" in version "traefik.io/v1alpha1"',
  'Error: chart "airflow" version "9.9.9" not found in https://airflow.apache.org repository',
  'error: context "attic" does not exist',
  'Unable to connect to the server: dial tcp: lookup nowhere.invalid: no such host',
  '',
]

const unreachable = [
  ...transient.slice(0, 6),
  'Unable to connect to the server: x509: certificate signed by unknown authority',
  'Unable to connect to the server: dial tcp: lookup nowhere.invalid: no such host',
  'error: context "attic" does not exist',
  'error: error loading config file "/home/joe/.kube/config": open /home/joe/.kube/config: permission denied',
  'error: stat /home/joe/kubeconfig: no such file or directory',
  'error: invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable',
  'error: You must be logged in to the server (Unauthorized)',
]

void t.test('a refusal that the same call can overcome a moment later is transient', (t) => {
  for (const text of transient) t.equal(isTransient(text), true, text)
  t.end()
})

void t.test('a refusal that stays is not', (t) => {
  for (const text of final) t.equal(isTransient(text), false, text)
  t.end()
})

void t.test('an API server that cannot be talked to is told from one that says no', (t) => {
  for (const text of unreachable) t.equal(isUnreachable(text), true, text)
  for (const text of final.filter((one) => !unreachable.includes(one))) t.equal(isUnreachable(text), false, text)
  t.end()
})

void t.test('who is turned away is told from who gets no answer', (t) => {
  t.same(unreachable.filter((text) => !isTurnedAway(text)), [...transient.slice(0, 6), 'Unable to connect to the server: dial tcp: lookup nowhere.invalid: no such host'])
  t.end()
})
