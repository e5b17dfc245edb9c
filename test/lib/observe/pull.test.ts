import t from 'tap'
import { observePod } from '../../../lib/observe/pod.ts'
import { container, context, event, pod } from './objects.ts'

const backOff = { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } }

/** A pod whose container cannot pull; the text is in an event, as the kubelet has it. */
function pulling(image: string, text: string, reason = 'ImagePullBackOff', imagePullPolicy = 'IfNotPresent') {
  const state = { waiting: { reason, message: reason === 'ImagePullBackOff' ? `Back-off pulling image "${image}"` : text } }
  const one = pod({ spec: { containers: [{ name: 'scheduler', image, imagePullPolicy }] }, status: { phase: 'Pending', containerStatuses: [container({ image, state })] } })
  const events = [
    event(one, 'Failed', `Failed to pull image "${image}": ${text}`, { lastTimestamp: '2023-08-02T10:29:50Z' }),
    event(one, 'Failed', 'Error: ImagePullBackOff'),
    event(one, 'BackOff', `Back-off pulling image "${image}"`, { type: 'Normal' }),
  ]
  return observePod(one, context({ events }))
}

const absent: [string, string][] = [
  ['containerd, no such tag', 'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/apache/airflow:9.9.9": failed to resolve reference "docker.io/apache/airflow:9.9.9": docker.io/apache/airflow:9.9.9: not found'],
  ['dockershim, no such tag', 'rpc error: code = Unknown desc = Error response from daemon: manifest for apache/airflow:9.9.9 not found: manifest unknown: manifest unknown'],
  ['dockershim, no such repository', 'rpc error: code = Unknown desc = Error response from daemon: pull access denied for apache/airflow, repository does not exist or may require \'docker login\': denied: requested access to the resource is denied'],
  ['containerd, no such repository', 'rpc error: code = Unknown desc = failed to pull and unpack image "x": failed to resolve reference "x": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'],
]

const unreachable = [
  'rpc error: code = Unknown desc = failed to pull and unpack image "x": failed to resolve reference "x": failed to do request: Head "https://registry-1.docker.io/v2/apache/airflow/manifests/2.6.2": dial tcp: lookup registry-1.docker.io: no such host',
  'rpc error: code = Unknown desc = failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp 54.1.2.3:443: i/o timeout',
  'rpc error: code = Unknown desc = failed to do request: Head "https://quay.io/v2/": dial tcp 10.0.0.1:443: connect: connection refused',
  'rpc error: code = NotFound desc = failed to do request: Head "https://mirror.home.example.org/v2/": dial tcp: lookup mirror.home.example.org: no such host: not found',
  'rpc error: code = Unknown desc = failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.0.0.53:53: read udp 10.0.0.2:49957->10.0.0.53:53: i/o timeout',
]

const passing = [
  'rpc error: code = Unknown desc = failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://quay.io/v2/": dial tcp 10.0.0.1:443: i/o timeout',
  'rpc error: code = Unknown desc = Error response from daemon: toomanyrequests: You have reached your pull rate limit.',
  'rpc error: code = Unknown desc = failed to copy: httpReadSeeker: failed open: unexpected status code 429 Too Many Requests',
  'rpc error: code = Unknown desc = Error response from daemon: Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout',
  'rpc error: code = Unknown desc = failed to do request: x509: certificate has expired or is not yet valid: current time 1970-01-01T00:02:10Z is before 2023-05-02T00:00:00Z',
  'rpc error: code = Unknown desc = failed to do request: x509: certificate signed by unknown authority (possibly because of "x509: certificate has expired or is not yet valid: current time 1970-01-01T00:02:10Z is before 2020-01-01T00:00:00Z" while trying to verify candidate authority certificate "Home CA")',
  // containerd: its own store, whose clean-up took what the try stood on.
  'rpc error: code = NotFound desc = failed to pull and unpack image "x": failed to prepare extraction snapshot "extract-77-abc sha256:ab12": parent snapshot sha256:cd34 does not exist: not found',
  'rpc error: code = Unknown desc = unexpected status code https://quay.io/v2/: 503 Service Unavailable',
  'rpc error: code = DeadlineExceeded desc = context deadline exceeded',
]

void t.test('an image that does not exist is hopeless, whoever says so', (t) => {
  for (const [name, text] of absent) {
    t.match(pulling('apache/airflow:9.9.9', text), { state: 'failed', settleMs: 20_000, finding: { id: 'image-not-found', title: /apache\/airflow:9.9.9/ } }, name)
  }
  t.match(pulling('apache/airflow:9.9.9', absent[0]?.[1] ?? '', 'ErrImagePull'), { state: 'failed' }, 'while it is said in the state itself')
  t.end()
})

void t.test('a registry that turned a pull away, or cut it off, is waited for, with what it said', (t) => {
  for (const text of passing) t.match(pulling('apache/airflow:2.6.2', text), { state: 'waiting', reason: /image apache\/airflow:2.6.2 could not be pulled yet: ./ }, text.slice(-40))
  t.end()
})

void t.test('an image that is asked for at each start may well be on the node, and is not called absent', (t) => {
  const [text = ''] = unreachable
  t.match(pulling('apache/airflow:2.6.2', text, 'ErrImagePull', 'Always'), { finding: { title: 'Image apache/airflow:2.6.2 is to be asked for at each start, and its registry cannot be reached', evidence: [/./, /./, /imagePullPolicy is Always/], fix: [/crictl/, /apply/, /import/, /patch deployment\/airflow-scheduler .*IfNotPresent.* # where the node has it/] } })
  t.match(pulling('apache/airflow:2.6.2', text), { finding: { title: /is not on the node/ } })
  t.end()
})

void t.test('a registry that cannot be reached is hopeless only after a minute of tries', (t) => {
  for (const text of unreachable) {
    t.match(pulling('apache/airflow:2.6.2', text), { state: 'failed', settleMs: 60_000, finding: { id: 'image-registry-unreachable' } }, text.slice(-40))
  }
  t.end()
})

void t.test('a registry that the node may not or cannot talk to as it does is hopeless after a minute, a clock that is not set yet is none', (t) => {
  const verdict = (title: RegExp, fix: RegExp) => ({ state: 'failed', settleMs: 60_000, finding: { id: 'image-registry-unreachable', title, fix: [fix, /./] } })
  const http = 'rpc error: code = Unknown desc = failed to do request: Head "https://nas:5000/v2/": http: server gave HTTP response to HTTPS client'
  t.match(pulling('nas:5000/airflow:1', http), verdict(/^Registry nas:5000 speaks plain HTTP/, /certs\.d\/nas:5000\/hosts\.toml/))
  t.match(pulling('apache/airflow:2.6.2', http), verdict(/speaks plain HTTP/, /certs\.d\/docker\.io && printf .*\[host\."http:\/\/nas:5000"\]/), 'a mirror of Docker Hub')
  for (const text of ['certificate signed by unknown authority', 'cannot validate certificate for 10.0.0.9 because it doesn\'t contain any IP SANs', 'certificate is not valid for any names, but wanted to match nas']) {
    t.match(pulling('nas:5000/airflow:1', `rpc error: code = Unknown desc = failed to do request: Head "https://nas:5000/v2/": x509: ${text}`), verdict(/^The node does not trust/, /update-ca-certificates/), text)
  }
  t.match(pulling('apache/airflow:2.6.2', 'rpc error: code = NotFound desc = failed to resolve reference "x": unexpected media type text/html for sha256:ab: not found'), { settleMs: 60_000, finding: { id: 'image-registry-unreachable' } }, 'a page is no answer of a registry')
  t.end()
})

void t.test('a pull that is under way is not judged by the failed one before it, nor told as news while it may only go unanswered', (t) => {
  const image = 'apache/airflow:9.9.9'
  const state = { waiting: { reason: 'ErrImagePull', message: `rpc error: code = NotFound desc = ${image}: not found` } }
  const one = pod({ spec: { containers: [{ name: 'scheduler', image }, { name: 'log-groomer', image }] }, status: { phase: 'Pending', containerStatuses: [container({ image, state })] } })
  const at = (reason: string, message: string, time: string, container = 'scheduler') =>
    event(one, reason, message, { lastTimestamp: `2023-08-02T10:${time}Z`, involvedObject: { kind: 'Pod', name: one.metadata.name, namespace: 'airflow', uid: one.metadata.uid, fieldPath: `spec.containers{${container}}` } })
  const said = at('Failed', `Failed to pull image "${image}": rpc error: code = NotFound desc = not found`, '20:00')
  const look = (...events: ReturnType<typeof at>[]) => observePod(one, context({ events: [said, ...events] }))
  const pulls = (time: string, container?: string) => at('Pulling', `Pulling image "${image}"`, time, container)
  t.match(look(pulls('21:00')), { state: 'waiting', reason: `scheduler: image ${image} is being pulled` })
  t.match(look(pulls('29:50')), { state: 'failed', settleMs: Infinity, finding: { id: 'image-not-found' } }, 'a try that has only begun may fail as fast, and what is held is held on')
  t.match(look(pulls('21:00'), at('BackOff', `Back-off pulling image "${image}"`, '29:40')), { state: 'failed', settleMs: 330_000 }, 'it has failed, too')
  t.match(look(pulls('20:00')), { state: 'failed', settleMs: 330_000 }, 'within one second the order is not told')
  t.match(look(pulls('29:50', 'log-groomer')), { state: 'failed', settleMs: 330_000 }, 'that of another container')
  t.match(look(at('Pulling', 'Pulling image "redis:7"', '29:50')), { state: 'failed', settleMs: 330_000 }, 'that of another image')
  const now = at('Failed', `Failed to pull image "${image}": rpc error: code = NotFound desc = not found`, '29:40')
  t.match(look(now, pulls('29:53')), { state: 'failed', settleMs: 20_000, finding: { id: 'image-not-found' } }, 'a clear answer of just now, though the next try stands in a queue')
  t.match(look(now, pulls('29:53'), at('Failed', 'Error: ErrImagePull', '29:41')), { state: 'failed', settleMs: 20_000 })
  const long = at('Failed', `Failed to pull image "${image}": rpc error: code = NotFound desc = not found`, '08:00')
  t.match(observePod(one, context({ events: [long, pulls('09:00')] })), { state: 'failed', settleMs: 330_000 }, 'of one that began very long ago nothing was said any more')
  t.end()
})

void t.test('an answer of some minutes ago is not the last word: the image may have been pushed since', (t) => {
  const image = 'apache/airflow:9.9.9'
  const state = { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } }
  const one = pod({ spec: { containers: [{ name: 'scheduler', image, imagePullPolicy: 'IfNotPresent' }] }, status: { phase: 'Pending', containerStatuses: [container({ state })] } })
  const said = event(one, 'Failed', `Failed to pull image "${image}": rpc error: code = NotFound desc = not found`, { lastTimestamp: '2023-08-02T10:26:00Z' })
  t.match(observePod(one, context({ events: [said] })), { state: 'failed', settleMs: 330_000 })
  t.end()
})

void t.test('the name of an image does not decide', (t) => {
  const named = 'example.org/timeout-tls:429'
  t.match(pulling(named, `rpc error: code = NotFound desc = failed to resolve reference "${named}": ${named}: not found`), { state: 'failed' })
  t.match(pulling('example.org/not-found:1', 'rpc error: dial tcp 10.0.0.1:443: i/o timeout'), { state: 'failed', finding: { id: 'image-registry-unreachable' } })
  t.end()
})

void t.test('back-off without a reason yet is waited for', (t) => {
  const one = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: backOff })] } })
  t.match(observePod(one, context()), { state: 'waiting', reason: /could not be pulled yet/ })
  t.end()
})

void t.test('the newest text counts: a registry that has come back and lacks the image', (t) => {
  const image = 'apache/airflow:9.9.9'
  const state = { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } }
  const one = pod({ spec: { containers: [{ name: 'scheduler', image, imagePullPolicy: 'IfNotPresent' }] }, status: { phase: 'Pending', containerStatuses: [container({ state })] } })
  const gone = event(one, 'Failed', `Failed to pull image "${image}": rpc error: code = NotFound desc = not found`)
  const slow = event(one, 'Failed', `Failed to pull image "${image}": rpc error: i/o timeout`)
  t.match(observePod(one, context({ events: [slow, gone] })), { state: 'waiting' }, 'oldest and newest are told by time, not by place')
  const later = { ...gone, lastTimestamp: '2023-08-02T10:29:59Z' }
  t.match(observePod(one, context({ events: [later, slow] })), { state: 'failed' })
  t.end()
})

void t.test('a removed Bitnami image has its own remedy, which keeps the major version', (t) => {
  const image = 'docker.io/bitnami/postgresql:16.1.0-debian-11-r15'
  const look = pulling(image, `rpc error: code = NotFound desc = failed to resolve reference "${image}": ${image}: not found`)
  t.match(look, { state: 'failed', finding: { id: 'bitnami-image-removed', fix: [/set image deployment\/airflow-scheduler scheduler=docker.io\/bitnamilegacy\/postgresql:16.1.0-debian-11-r15/, /postgresql.image.repository: bitnamilegacy\/postgresql/] } })
  t.match(pulling(image, 'toomanyrequests: You have reached your pull rate limit'), { state: 'waiting' })
  t.end()
})

void t.test('a StatefulSet waits for the pod that lacks the image, so the remedy ends that one', (t) => {
  const image = 'docker.io/bitnami/postgresql:11'
  const text = `rpc error: code = NotFound desc = failed to resolve reference "${image}": ${image}: not found`
  const one = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, spec: { containers: [{ name: 'postgresql', image }] }, status: { phase: 'Pending', containerStatuses: [container({ name: 'postgresql', image, state: { waiting: { reason: 'ErrImagePull', message: text } } })] } })
  t.match(observePod(one, context()), { finding: { fix: [/^kubectl -n airflow set image statefulset\/airflow-postgresql postgresql=docker\.io\/bitnamilegacy\/postgresql:11 && kubectl -n airflow delete pod airflow-postgresql-0 #/] } })
  t.end()
})

void t.test('other refusals have names of their own', (t) => {
  t.match(pulling('apache/airflow:2.2.0', 'rpc error: code = NotFound desc = no match for platform in manifest: not found'), { finding: { id: 'wrong-cpu-architecture' } })
  t.match(pulling('ghcr.io/me/airflow:1', 'rpc error: code = Unknown desc = failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized'), { finding: { id: 'image-pull-denied' } })
  t.match(pulling('apache/airflow:', 'Failed to apply default image tag "apache/airflow:": couldn\'t parse image reference', 'InvalidImageName'), { settleMs: 5_000, finding: { id: 'invalid-image-name' } })
  t.match(pulling('apache/airflow:2.6.2', 'Container image "apache/airflow:2.6.2" is not present with pull policy of Never', 'ErrImageNeverPull'), { finding: { id: 'image-not-found' } })
  t.end()
})

void t.test('who may not pull is told so by every registry and runtime, and a full disk is no refusal', (t) => {
  const denied = [
    // containerd 1.5 to 2.2, core/remotes/errors/errors.go: a registry that gives anonymous users no token.
    'failed to pull and unpack image "ghcr.io/me/airflow:1": failed to resolve reference "ghcr.io/me/airflow:1": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Ame%2Fairflow%3Apull&service=ghcr.io: 403 Forbidden',
    // Docker, the same registry.
    'Error response from daemon: Head "https://ghcr.io/v2/me/airflow/manifests/1": denied',
    'rpc error: code = Unknown desc = Error response from daemon: denied: requested access to the resource is denied',
  ]
  for (const text of denied) t.match(pulling('ghcr.io/me/airflow:1', text), { finding: { id: 'image-pull-denied', fix: [/^test -s FILE && printf .* ghcr\.io .* secret generic registry-login /, /./] } }, text.slice(-40))
  t.match(pulling('ghcr.io/me/airflow:1', 'failed to pull and unpack image "ghcr.io/me/airflow:1": failed to extract layer sha256:c1: mkdir /var/lib/containerd/x: permission denied: unknown'), { state: 'waiting' })
  t.match(pulling('ghcr.io/me/airflow:1', 'failed to pull and unpack image "ghcr.io/me/airflow:1": failed to extract layer sha256:c1: write /var/lib/containerd/x: no space left on device: unknown'), { state: 'waiting' })
  t.end()
})

void t.test('a tag without the node\'s architecture is told by every runtime', (t) => {
  const texts = [
    // containerd, core/images/image.go
    'rpc error: code = NotFound desc = failed to pull and unpack image "x": no match for platform in manifest: not found',
    // Docker
    'rpc error: code = Unknown desc = no matching manifest for linux/arm64/v8 in the manifest list entries',
    // CRI-O: containers/image, internal/manifest/oci_index.go and docker_schema2_list.go
    'choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"',
    'choosing image instance: no image found in manifest list for architecture arm64, variant "v8", OS linux',
  ]
  for (const text of texts) t.match(pulling('apache/airflow:2.2.0', text), { finding: { id: 'wrong-cpu-architecture' } }, text.slice(-40))
  t.end()
})

void t.test('what the kubelet tells as one of many similar events is read as the event itself', (t) => {
  const image = 'apache/airflow:2.6.2'
  const one = pod({ spec: { containers: [{ name: 'scheduler', image }] }, status: { phase: 'Pending', containerStatuses: [container({ image, state: { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } } })] } })
  const said = event(one, 'Failed', `(combined from similar events): Failed to pull image "${image}": rpc error: code = Unknown desc = failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 127.0.0.53:53: read udp 127.0.0.1:43821->127.0.0.53:53: i/o timeout`)
  t.match(observePod(one, context({ events: [said] })), { state: 'failed', finding: { id: 'image-registry-unreachable', evidence: [/./, /^Failed to pull image/] } })
  t.end()
})

void t.test('a short name that CRI-O does not complete is no image reference for it', (t) => {
  const texts = [
    // CRI-O 1.34, which asks by image and not by pull.
    'Failed to inspect image "": rpc error: code = Unknown desc = short name mode is enforcing, but image name apache/airflow:2.6.2 returns ambiguous list',
    // containers/image, pkg/shortnames
    'Failed to inspect image "": rpc error: code = Unknown desc = short-name "apache/airflow:2.6.2" did not resolve to an alias and no unqualified-search registries are defined in "/etc/containers/registries.conf"',
  ]
  for (const text of texts) {
    t.match(pulling('apache/airflow:2.6.2', text, 'ImageInspectError'), { state: 'failed', settleMs: 5_000, finding: { id: 'invalid-image-name', title: 'Image name "apache/airflow:2.6.2" leaves open of which registry it is', fix: [/set image deployment\/airflow-scheduler scheduler=docker\.io\/apache\/airflow:2\.6\.2/, /docker\.io\/apache\/airflow/] } }, text.slice(-40))
  }
  t.match(pulling('apache/airflow:2.6.2', 'Failed to inspect image "apache/airflow:2.6.2": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"', 'ImageInspectError'), { state: 'waiting' }, 'a runtime that is down is no registry')
  const state = { waiting: { reason: 'ImageInspectError', message: texts[0] } }
  const two = pod({ spec: { initContainers: [{ name: 'wait', image: 'redis:7' }], containers: [{ name: 'redis', image: 'redis:7' }] }, status: { phase: 'Pending', initContainerStatuses: [container({ name: 'wait', state })] } })
  t.match(observePod(two, context()), { finding: { fix: [/ wait=docker\.io\/library\/redis:7 redis=docker\.io\/library\/redis:7 #/] } }, 'for all containers that have it')
  t.end()
})

void t.test('the kubelet\'s own words for a failed pull are failed pulls', (t) => {
  const unsigned = 'image pull failed for apache/airflow:2.6.2 because the signature validation failed: Source image rejected: A signature was required, but no signature exists'
  t.match(pulling('apache/airflow:2.6.2', unsigned, 'SignatureValidationFailed'), { state: 'failed', finding: { id: 'image-pull-denied', title: 'The node refuses image apache/airflow:2.6.2 for its signature', fix: [/policy\.json/] } })
  const down = 'image pull failed for apache/airflow:2.6.2 because the registry is unavailable: pinging container registry registry-1.docker.io: Get "https://registry-1.docker.io/v2/": dial tcp 54.1.2.3:443: i/o timeout'
  t.match(pulling('apache/airflow:2.6.2', down, 'RegistryUnavailable'), { state: 'failed', finding: { id: 'image-registry-unreachable' } })
  t.match(pulling('apache/airflow:2.6.2', 'image pull failed for apache/airflow:2.6.2 because the registry is unavailable: pinging container registry', 'RegistryUnavailable'), { state: 'waiting', reason: /could not be pulled yet/ })
  t.end()
})

void t.test('a copy on the node that has lost a part is made anew, and its registry has the image', (t) => {
  const lost = 'failed to extract layer sha256:aa: failed to get reader from content store: content digest sha256:1b930d010525941c1d56ec53b97bd057a67ae1865eebf042686d2a2d18271ced: not found'
  const verdict = { state: 'failed', finding: { id: 'container-config-error', title: 'The copy of image apache/airflow:2.6.2 on node home has lost a part', fix: [/^sudo crictl rmi apache\/airflow:2\.6\.2; sudo crictl pull apache\/airflow:2\.6\.2 # on home/] } }
  t.match(pulling('apache/airflow:2.6.2', `rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/apache/airflow:2.6.2": ${lost}`), verdict)
  const creating = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerError', message: `failed to create containerd container: error unpacking image: ${lost}` } } })] } })
  t.match(observePod(creating, context()), verdict, 'also where it was pulled some time ago')
  t.end()
})

void t.test('an init container\'s missing image is as hopeless', (t) => {
  const image = 'docker.io/bitnami/bitnami-shell:11-debian-11-r39'
  const state = { waiting: { reason: 'ErrImagePull', message: `rpc error: code = NotFound desc = ${image}: not found` } }
  const one = pod({
    spec: { initContainers: [{ name: 'init-chmod-data', image }] },
    status: { phase: 'Pending', initContainerStatuses: [container({ name: 'init-chmod-data', state })], containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })] },
  })
  t.match(observePod(one, context()), { state: 'failed', finding: { id: 'bitnami-image-removed', fix: [/init-chmod-data=docker\.io\/bitnamilegacy\/bitnami-shell/, /^For good: Set postgresql\.volumePermissions\.image\.repository: bitnamilegacy\/bitnami-shell in/] } })
  const beside = { ...one, spec: { initContainers: [{ name: 'init-chmod-data', image }], containers: [{ name: 'redis', image: 'docker.io/bitnami/redis:5.0' }] } }
  t.match(observePod(beside, context()), { finding: { fix: [/./, /^For good: Set redis\.volumePermissions\.image\.repository/] } }, 'of the part that it helps')
  t.end()
})
