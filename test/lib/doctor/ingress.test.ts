/** The texts of Traefik are of its source and of the catalogue's threads; answers and objects were seen on the lab. */
import t from 'tap'
import { container, crashed, event, inManifest, release } from '../observe/objects.ts'
import { long } from './evidence.ts'
import { answers, definitions, group, healthy, judged, makeEndpoints, makeService, roots, routes, rule, saysTraefik, service, silent, traefik, traefikPod, unrouted, webPod, webserver, wanted } from './way.ts'

const edited = (edit: Record<string, unknown>, parts: Parameters<typeof roots>[0] = {}) => ({ routes: routes(edit), answered: answers(unrouted), ...parts })
const young = '2023-08-02T10:29:50Z'

void t.test('a site that works has no finding, also where Traefik is elsewhere, of no known version, or set up by a file', (t) => {
  t.same(judged().findings, [])
  t.same(judged({ system: [], logs: [] }).findings, [], 'outside the cluster')
  t.same(judged({ system: [traefik({ image: 'traefik', args: [] })] }).findings, [])
  t.same(judged({ system: [traefik({ image: 'traefik:v2.11.0' })], routes: [...routes({}, 'traefik.io'), ...routes()], definitions: [...definitions(group), ...definitions('traefik.io')] }).findings, [])
  t.same(judged({ definitions: undefined, answered: answers(unrouted) }).findings, [], 'and nothing is said where a fact is missing')
  t.same(judged({ routes: undefined, answered: answers(unrouted) }).findings, [])
  t.end()
})

void t.test('during a first install the route is not missed, and a new one has its time', (t) => {
  const record = (status: string, updatedAt: string) => release({ status, updatedAt, objects: [inManifest(webserver()), makeService()] })
  t.same(judged({ record: record('pending-install', long), routes: [], answered: answers(unrouted) }).findings, [])
  t.same(judged({ record: record('deployed', young), routes: [], answered: answers(unrouted) }).findings, [])
  t.same(roots({ record: record('deployed', young), state: { path: 'x', doneAt: { ingress: '2023-08-02T10:29:55Z' } }, routes: [], answered: answers(unrouted) }), ['route-missing error'])
  t.same(judged({ record: record('deployed', young), state: { path: 'x', doneAt: { ingress: long } }, routes: [], answered: answers(unrouted) }).findings, [], 'done for a release before this one')
  const fresh = routes().map((object) => ({ ...object, metadata: { ...object.metadata, creationTimestamp: young } }))
  t.same(judged({ routes: fresh, answered: answers(unrouted) }).findings, [])
  const alone = (creationTimestamp: string) => routes().filter(({ kind }) => kind === 'IngressRoute').map((object) => ({ ...object, metadata: { ...object.metadata, creationTimestamp } }))
  t.same(judged({ routes: alone('2023-08-02T10:29:55Z'), answered: answers(unrouted) }).findings, [], 'its Middleware comes with it')
  t.same(roots({ routes: alone('2023-08-02T10:29:45Z'), answered: answers(unrouted) }), ['traefik-404-route-not-loaded error'], 'or not at all')
  t.same(judged({ answered: answers({ status: 503, body: 'Service Unavailable' }), pods: [webPod({ status: { phase: 'Running' } })], endpoints: [makeEndpoints([{ notReadyAddresses: [{ ip: '10.244.0.9' }] }])] }).findings, [])
  t.same(judged({ answered: answers(unrouted), pods: [], endpoints: [makeEndpoints()] }).findings.filter(({ severity }) => severity === 'error'), [], 'no pod yet is a 404 too')
  t.end()
})

void t.test('a route that is gone, or is not the one that airstrip writes, is named with the field', (t) => {
  t.match(judged({ routes: [], answered: answers(unrouted) }).findings, [{ id: 'route-missing', title: /airflow\/airflow-webserver is not there/, fix: ['npx tsx run.ts apply --only ingress'] }])
  const host = judged(edited(rule({ match: 'Host(`other.test`) && PathPrefix(`/airflow`)' }))).findings
  t.match(host[0], { id: 'route-missing', title: /spec.routes\[0\].match/, evidence: [/is "Host\(`other.test`\).*airstrip writes "Host\(`home.example.org`\)/] })
  t.match(host[1], { id: 'traefik-404-route-not-loaded', causes: [{ id: 'route-missing' }] })
  t.same(roots(edited({ entryPoints: ['web'] })), ['route-missing error'])
  t.same(roots({ routes: routes(rule({ match: 'Host(`home.example.org`)' })) }), ['route-missing warning'], 'it works all the same')
  t.same(roots({ routes: routes(rule({ match: 'Host(`home.example.org`)' })), wanted: { ...wanted, ignore: [{ kind: 'IngressRoute', path: '/spec/routes', reason: 'mine' }] } }), [], 'what the person calls no drift is none')
  t.end()
})

void t.test('a reference to nothing is named as what Traefik drops the route for', (t) => {
  const titles: [Parameters<typeof judged>[0], RegExp, string][] = [
    [{ routes: routes().filter(({ kind }) => kind === 'IngressRoute'), answered: answers(unrouted) }, /Middleware airflow\/airflow-webserver does not exist/, 'npx tsx run.ts apply --only ingress'],
    [edited(rule({ middlewares: [{ name: 'nope' }] })), /Middleware airflow\/nope does not exist/, 'npx tsx run.ts apply --only ingress'],
    [edited(rule({ middlewares: [{ name: 'auth', namespace: 'other' }] })), /Middleware other\/auth is in another namespace/, 'npx tsx run.ts apply --only ingress'],
    [edited(rule({ services: [{ name: service, port: 80 }] })), /has no port 80, only 8080/, 'npx tsx run.ts apply --only ingress'],
    [edited({ entryPoints: ['nope'] }), /entry point nope does not exist in Traefik, which has web, websecure/, 'npx tsx run.ts apply --only ingress'],
    [{ services: [], answered: answers(unrouted) }, /Service airflow\/airflow-webserver does not exist/, 'npx tsx run.ts apply --from helm # makes the release\'s Service again'],
    [{ system: [traefik({ args: ['--entrypoints.websecure.address=:443', '--providers.kubernetesingress'] })], answered: answers(unrouted) }, /Traefik reads no routes: its arguments have no --providers\.kubernetescrd/, 'kubectl -n traefik patch deployment traefik --type json -p \'[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--providers.kubernetescrd"}]\''],
    [{ system: [traefik({ args: ['--entrypoints.websecure.address=:443', '--providers.kubernetescrd=false'] })], answered: answers(unrouted) }, /Traefik reads no routes: its arguments have --providers\.kubernetescrd=false/, 'kubectl -n traefik edit deployment traefik # its arguments --providers.kubernetescrd'],
    [{ system: [traefik({ args: ['--providers.kubernetescrd', '--providers.kubernetescrd.labelselector=app=foo'] })], answered: answers(unrouted) }, /reads routes with the labels app=foo only/, 'kubectl -n traefik edit deployment traefik # its arguments --providers.kubernetescrd.namespaces and .ingressclass, or .labelselector'],
    [{ system: [traefik({ args: ['--providers.kubernetescrd.namespaces=default,kube-system'] })], answered: answers(unrouted) }, /reads routes of the namespaces default, kube-system only/, 'kubectl -n traefik edit deployment traefik # its arguments --providers.kubernetescrd.namespaces and .ingressclass'],
  ]
  for (const [parts, title, fix] of titles) {
    t.match(judged(parts).findings[0], { id: 'traefik-404-route-not-loaded', severity: 'error', title, fix: [fix] })
    t.same(roots(parts), ['traefik-404-route-not-loaded error'])
  }
  for (const args of [['--entrypoints.websecure.address=:443', '--configfile=/etc/traefik/traefik.yaml'], ['--providers.kubernetescrd', '--providers.kubernetescrd.labelselector=app!=foo'], ['--providers.kubernetescrd', '--providers.kubernetescrd.labelselector=mine=yes']]) {
    const labelled = routes().map((object) => ({ ...object, metadata: { ...object.metadata, labels: { mine: 'yes' } } }))
    t.match(judged({ routes: labelled, system: [traefik({ args })], answered: answers(unrouted) }).findings[0], { title: 'Traefik answers, but has not loaded the route' }, `nothing is certain of ${args.join(' ')}`)
  }
  t.same(judged({ routes: routes(rule({ middlewares: [{ name: service }, { name: 'auth@file' }] })) }).findings.map(({ id }) => id), ['route-missing'], 'one of another provider is no bad reference')
  t.end()
})

void t.test('what cannot be seen on the objects is in Traefik\'s log, of which only this route\'s lines are told', (t) => {
  const logs = saysTraefik(
    'time="2023-08-02T10:28:00Z" level=error msg="middleware \\"default-other@kubernetescrd\\" does not exist" routerName=default-other-6b204d94623b3df4370c@kubernetescrd',
    'time="2023-08-02T10:29:00Z" level=error msg="error while parsing rule Host(`x`: 1:9: missing" routerName=airflow-airflow-webserver-6b204d94623b3df4370c@kubernetescrd',
  )
  const [first] = judged({ answered: answers(unrouted), logs }).findings
  t.match(first, { id: 'traefik-404-route-not-loaded', title: 'Traefik answers, but has not loaded the route' })
  const denied = 'level=error msg="Failed to watch *v1alpha1.IngressRoute: failed to list *v1alpha1.IngressRoute: ingressroutes.traefik.containo.us is forbidden: User \\"system:serviceaccount:traefik:traefik\\" cannot list resource \\"ingressroutes\\" in API group \\"traefik.containo.us\\" at the cluster scope"'
  t.match(judged({ answered: answers(unrouted), logs: saysTraefik(denied) }).findings[0], { id: 'traefik-404-route-not-loaded', title: 'Traefik may not read the cluster\'s routes', fix: [/--serviceaccount=traefik:\w+; done/, /its chart/] })
  const byClient = 'E0802 10:29:50.123456       1 reflector.go:138] k8s.io/client-go@v0.22.1/tools/cache/reflector.go:167: Failed to watch *v1alpha1.IngressRoute: failed to list *v1alpha1.IngressRoute: ingressroutes.traefik.containo.us is forbidden: User "system:serviceaccount:traefik:traefik" cannot list resource "ingressroutes" in API group "traefik.containo.us" at the cluster scope'
  t.match(judged({ answered: answers(unrouted), logs: saysTraefik(byClient) }).findings[0], { title: 'Traefik may not read the cluster\'s routes' }, 'as client-go itself writes it')
  const written = '10.0.0.1 - - "GET /x HTTP/1.1" 404 "x is forbidden: User \\"system:serviceaccount:a:$(id)\\" cannot list"'
  t.notMatch(JSON.stringify(judged({ answered: answers(unrouted), logs: saysTraefik(written, 'level=error msg="gateways.gateway.networking.k8s.io is forbidden: User \\"system:serviceaccount:traefik:traefik\\" cannot list"') }).findings), /may not read|\$\(id\)/, 'what anybody can write into an access log')
  t.match(first?.evidence.join(), /error while parsing rule/)
  t.notMatch(first?.evidence.join(), /default-other/)
  t.end()
})

void t.test('another route that Traefik prefers is named; one that it does not, or that is elsewhere, is not', (t) => {
  const other = (spec: Record<string, unknown>) => {
    const [route] = routes(spec).filter(({ kind }) => kind === 'IngressRoute')
    return route === undefined ? [] : [{ ...route, metadata: { name: 'other', namespace: 'default' } }]
  }
  const taken = (spec: Record<string, unknown>) => roots({ routes: [...routes(), ...other(spec)], answered: answers({ status: 418, body: 'teapot' }) })
  t.same(taken(rule({ priority: 1000, match: 'Host(`home.example.org`)' })), ['route-missing error'])
  const fixes = judged({ routes: [...routes(), ...other(rule({ priority: 1000, match: 'Host(`home.example.org`)' }))], answered: answers({ status: 418, body: 'teapot' }) }).findings[0]?.fix
  t.match(fixes, [/^kubectl -n default edit ingressroute\.traefik\.containo\.us other #/, /^\(umask 077 && kubectl -n default get ingressroute\.traefik\.containo\.us other -o yaml > \S+-before-\$\(date \+%s\)\.yaml\) && kubectl -n default delete ingressroute\.traefik\.containo\.us other #/], 'it is somebody else\'s')
  t.same(taken(rule({ match: 'Host(`HOME.example.org`) && PathPrefix(`/airflow`) && PathPrefix(`/`)' })), ['route-missing error'])
  for (const spec of [rule({ match: 'Host(`home.example.org`)' }), rule({ priority: 1000, match: 'Host(`b.test`)' }), { ...rule({ priority: 1000, match: 'Host(`home.example.org`)' }), entryPoints: ['web'] }]) t.same(taken(spec), ['ingress-unproven warning'])
  t.end()
})

void t.test('Traefik that does not run is told with its reason; while it starts, nothing is', (t) => {
  const refused = { answered: silent('connect ECONNREFUSED 10.0.0.2:443'), wanted: { ...wanted, address: '10.0.0.2' } }
  t.match(judged({ ...refused, system: [traefik({ replicas: 0 })] }).findings[0], { id: 'traefik-not-running', severity: 'error', title: /scaled to no pod/, fix: ['kubectl -n traefik scale deployment traefik --replicas=1'] })
  const pull = { phase: 'Pending', containerStatuses: [container({ name: 'traefik', image: 'traefik:v9', state: { waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } } })] }
  const broken = judged({ ...refused, system: [traefik({ available: 0 }), traefikPod(pull)] })
  t.match(broken.findings[0], { id: 'traefik-not-running', title: 'Traefik does not run: Image docker.io/library/traefik:v2.9.10 does not exist' })
  t.same(roots({ ...refused, system: [traefik({ available: 0 }), traefikPod(pull)] }), ['traefik-not-running error'])
  const ends = (restartCount: number, exitCode: number) => traefikPod({ phase: 'Running', containerStatuses: [crashed(restartCount, { exitCode }, { name: 'traefik' })] })
  const crash = (restartCount: number, exitCode = 1) => ({ ...refused, system: [traefik({ available: 0 }), { ...ends(restartCount, exitCode), metadata: { ...ends(restartCount, exitCode).metadata, creationTimestamp: '2023-08-02T10:29:00Z' } }], logs: saysTraefik('2023/08/02 10:29:50 command traefik error: failed to decode configuration from flags: field not found, node: nope') })
  t.match(judged(crash(2)).findings[0], { id: 'traefik-not-running', severity: 'error', title: /^Traefik does not run: Container traefik of Deployment traefik keeps crashing/, evidence: [/exit code 1, restarted 2 times/, /field not found, node: nope/, /refused/i], fix: [/--previous/, /rollout undo deployment\/traefik/] })
  t.same([crash(1), crash(2, 0)].map((parts) => judged(parts).findings[0]?.severity), ['warning', 'warning'], 'once may be a start, and what ends well says nothing')
  const starting = traefikPod({ phase: 'Pending', containerStatuses: [container({ name: 'traefik' })] })
  t.same(roots({ ...refused, system: [traefik({ available: 0 }), { ...starting, metadata: { ...starting.metadata, creationTimestamp: young } }] }), ['traefik-not-running warning'])
  t.same(judged({ system: [traefik({ available: 0 }), starting] }).findings, [], 'and nothing where HOST answers')
  t.same(roots({ ...refused, system: [] }), ['traefik-not-running error'])
  t.same(roots({ ...refused }), ['ingress-unproven error'], 'it runs, and yet nobody answers where it was said to be')
  t.match(judged({ answered: silent('10.0.0.1:443 took the request and gave no answer within 4 s') }).findings, [{ id: 'ingress-unproven', severity: 'warning', title: /takes long to answer/, fix: [/^kubectl -n airflow logs deployment\/airflow-webserver/] }])
  const mute = '10.0.0.2:443 took the connection and gave no answer within 4 s'
  t.match(judged({ ...refused, answered: silent(mute) }).findings, [{ id: 'ingress-unproven', severity: 'error', title: 'What listens at 10.0.0.2 takes the connection and says nothing', fix: [/^kubectl -n traefik logs deployment\/traefik/, /^kubectl get services -A/] }])
  t.same(roots({ answered: silent(mute) }), ['ingress-unproven warning'], 'and behind a public name that may be a router')
  t.same(roots({ answered: silent('home.example.org does not resolve here') }), ['ingress-unproven warning'], 'and a guess proves nothing')
  t.same(roots({ definitions: [], routes: [], answered: silent('refused') }), ['traefik-missing error'])
  const routesOnly = { definitions: definitions(group).slice(0, 1), routes: routes().slice(0, 1), answered: answers(unrouted) }
  t.match(judged(routesOnly).findings[0], { id: 'traefik-missing', severity: 'error', evidence: ['no CustomResourceDefinition middlewares.traefik.containo.us', /runs Traefik 2\.9\.10/], fix: [/^kubectl apply -f .*v2\.9/, /--only ingress/] }, 'or only one of its kinds')
  t.end()
})

void t.test('a kind of Traefik whose names another definition has taken is known by name and serves nothing', (t) => {
  const conditions = [{ type: 'NamesAccepted', status: 'False', message: '"IngressRouteList" is already in use' }, { type: 'Established', status: 'False', message: 'not all names are accepted' }]
  const taken = definitions(group).map((one, index) => (index === 0 ? { ...one, status: { conditions } } : one))
  t.match(judged({ definitions: taken, routes: [], answered: answers(unrouted) }).findings[0], { id: 'crd-names-conflict', evidence: [/ingressroutes\.traefik\.containo\.us: "IngressRouteList" is already in use/], fix: [/^kubectl get crd -o name \| grep '\.traefik\.containo\.us\$'/] })
  t.end()
})

void t.test('a Traefik of another version than the route\'s group', (t) => {
  const v3 = [traefik({ image: 'traefik:v3.0.0' })]
  t.match(judged({ system: v3, answered: answers(unrouted) }).findings[0], { id: 'traefik-crd-group-mismatch', title: /3.0.0 does not read traefik.containo.us/, fix: [/kubectl apply -f .*v3.0.*crd-definition/] })
  t.match(judged({ system: v3, answered: answers(unrouted), definitions: [...definitions(group), ...definitions('traefik.io')] }).findings[0], { id: 'traefik-crd-group-mismatch', title: /in a group that Traefik 3.0.0 does not read/, fix: ['npx tsx run.ts apply --only ingress'] })
  t.same(roots({ system: v3, answered: answers(unrouted) }), ['traefik-crd-group-mismatch error'])
  t.same(roots({ system: v3 }), [], 'where Airflow answers the tag says something else')
  t.end()
})

void t.test('the prefix: met twice, known before, and a probe that asks the old place', (t) => {
  const env = [{ name: 'AIRFLOW__WEBSERVER__BASE_URL', value: 'https://home.example.org/airflow' }]
  const lost = answers({ status: 404, body: 'Apache Airflow is not at this location' })
  const byValue = release({ objects: [inManifest(webserver()), makeService()], updatedAt: long, values: { config: { webserver: { base_url: 'https://home.example.org/airflow' } } } })
  t.match(judged({ record: byValue, answered: lost }).findings[0], { id: 'prefix-handled-twice', evidence: [/not at this location/, /config.webserver.base_url/, /stripPrefix/], fix: [/^Remove config.webserver.base_url/] })
  const ofCommunity = { ...byValue, values: { airflow: { config: { AIRFLOW__WEBSERVER__BASE_URL: 'https://home.example.org/airflow' } } } }
  t.match(judged({ record: ofCommunity, answered: lost }).findings[0], { id: 'prefix-handled-twice', evidence: [/./, /^airflow\.config\.AIRFLOW__WEBSERVER__BASE_URL/, /./], fix: [/^Remove airflow\.config\.AIRFLOW__WEBSERVER__BASE_URL from/] })
  t.same(judged({ record: byValue, wanted: { ...wanted, prefix: 'mount' }, routes: routes(rule({ middlewares: [] })) }).findings.map(({ id }) => id).filter((id) => id === 'prefix-handled-twice'), [], 'mount is right with a path')
  const moved = webPod({ status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }, container: { env } })
  const events = [event(moved, 'Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 404')]
  const found = judged({ workloads: [webserver({ env })], pods: [webPod(), moved], events }).findings
  t.match(found, [{ id: 'probe-path-mismatch', fix: ['kubectl -n airflow set env deployment/airflow-webserver AIRFLOW__WEBSERVER__BASE_URL-'] }, { id: 'prefix-handled-twice', causes: [{ id: 'probe-path-mismatch' }] }])
  t.same(judged({ pods: [webPod({ status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } })], events: [event(webPod(), 'Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503')] }).findings, [], 'a slow start is none')
  const logs = [{ namespace: 'airflow', pod: 'airflow-webserver-6f8-web01', container: 'webserver', previous: true, lines: ['airflow.exceptions.AirflowConfigException: webserver.base_url conf cannot have a trailing slash.'] }]
  t.match(judged({ logs }).findings, [{ id: 'prefix-handled-twice', title: /ends with a slash/ }])
  const page = { status: 302, headers: { location: '/home' }, body: '' }
  t.match(judged({ answered: { url: 'x', answer: healthy, page } }).findings, [{ id: 'prefix-handled-twice', severity: 'warning', title: /links lead out/ }])
  t.end()
})

void t.test('where the step was left out on purpose no route is missed, and Traefik is no matter of Airflow\'s', (t) => {
  const state = { path: 'x', skipped: ['ingress'] }
  const answered = silent('connect ECONNREFUSED 192.168.1.5:443')
  t.same(roots({ state, system: [], definitions: [], routes: [], answered }), ['traefik-missing warning'])
  t.same(roots({ state, definitions: [], routes: [], answered }), ['traefik-missing warning'], 'one that reads other kinds')
  t.same(roots({ state, system: [traefik({ replicas: 0 })], routes: [], answered }), ['traefik-not-running warning'])
  t.same(roots({ state, system: [traefik({ image: 'traefik:v3.0.0' })], routes: [], answered }), ['traefik-crd-group-mismatch warning'])
  t.same(judged({ state, routes: [], answered: answers(unrouted) }).findings, [])
  const balanced = { ...makeService({ type: 'LoadBalancer', selector: { app: 'traefik' } }), metadata: { name: 'traefik', namespace: 'traefik', creationTimestamp: long } }
  t.same(roots({ state, system: [traefik(), traefikPod(), balanced], routes: [], answered }), ['loadbalancer-never-ready warning'])
  t.same(roots({ state: { path: 'x', skipped: ['executor'] }, system: [], definitions: [], routes: [], answered }), ['traefik-missing error'], 'of another step that says nothing')
  t.end()
})
