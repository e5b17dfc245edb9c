/** A host of git repositories in the cluster: by http, with and without a login, and by ssh. */
import type { Test } from 'tap'
import { apply, kubectl, kubectlMaybe } from './cluster.ts'

export const gitHost = 'git.default'
/** The service has it, and nothing listens there; what asks for one that the service has not gets no answer at all. */
export const nobodysPort = 8022
export const login = { GIT_SYNC_USERNAME: 'airflow', GIT_SYNC_PASSWORD: 'a-token-of-the-lab' }
const authorization = `Basic ${Buffer.from(`${login.GIT_SYNC_USERNAME}:${login.GIT_SYNC_PASSWORD}`).toString('base64')}`

/** The older of git's two ways over http, which wants files and nothing else; whoever uses it cannot ask for a depth. */
const http = `require('http').createServer((request, response) => {
  const path = request.url.split('?')[0]
  if (path.startsWith('/private.git/') && request.headers.authorization !== '${authorization}') return response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
  require('fs').readFile('/srv' + path, (error, bytes) => { if (error) response.writeHead(404); response.end(bytes) })
}).listen(80)`

const hostKey = 'ssh-keygen -q -t ed25519 -N "" -f /keys/host'
const script = `set -e
mkdir -p /keys /srv /tmp/work && cd /tmp/work
git init -q -b main && echo 'print(1)' > hello.py && git add . && git -c user.name=lab -c user.email=lab@example.org commit -q -m DAGs
git clone -q --bare . /srv/private.git && git -C /srv/private.git update-server-info
ssh-keygen -q -t ed25519 -N "" -f /keys/deploy && cp /keys/deploy.pub /keys/authorized
${hostKey}
/usr/sbin/sshd -f /dev/null -h /keys/host -o PidFile=/keys/pid -o UsePAM=no -o StrictModes=no -o AuthorizedKeysFile=/keys/authorized
exec node -e "$HTTP"`

const meta = { name: 'git', namespace: 'default' }

export async function startGitHost(test: Test): Promise<void> {
  const container = {
    name: 'git', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script],
    env: [{ name: 'HTTP', value: http }], readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
  }
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }, { name: 'ssh', port: 22, protocol: 'TCP' }, { name: 'nobody', port: nobodysPort, protocol: 'TCP' }]
  // One that is still on its way out would be taken for this one, and has other keys.
  await kubectl(['-n', 'default', 'delete', 'pod/git', '--ignore-not-found'])
  await apply(
    { apiVersion: 'v1', kind: 'Service', metadata: meta, spec: { selector: { app: 'git' }, ports } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { ...meta, labels: { app: 'git' } }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } },
  )
  test.teardown(() => kubectlMaybe(['-n', 'default', 'delete', 'pod/git', 'service/git', '--ignore-not-found', '--wait=false']))
  await kubectl(['-n', 'default', 'wait', '--for=condition=Ready', 'pod/git', '--timeout=120s'])
}

export const onGitHost = (command: string): Promise<string> => kubectl(['-n', 'default', 'exec', 'git', '--', 'sh', '-c', command])

/** Its branch under another name: nothing is at the old one. */
export const renameBranch = (from: string, to: string): Promise<string> =>
  onGitHost(`cd /srv/private.git && git branch -m ${from} ${to} && git symbolic-ref HEAD refs/heads/${to} && git update-server-info`)

export const newHostKey = (): Promise<string> => onGitHost(`rm /keys/host* && ${hostKey} && kill -HUP $(cat /keys/pid)`)

/** As ssh-keyscan tells it. */
export const knownHosts = async (): Promise<string> => `${gitHost} ${(await onGitHost('cut -d " " -f 1,2 /keys/host.pub')).trim()}\n`
