/**
 * What kubectl says of a cluster that it cannot ask, and what each of it means. The texts are kubectl's
 * and Go's; the first that fits is taken.
 */
import type { NonEmpty } from '../../../access.ts'
import type { Text } from '../../rule.ts'
import { type Case, type Lost, copyCommands, hostIn, isK3s, k3sFile, startCommands } from './way.ts'

const why = 'Nothing of the cluster could be looked at.'

export const cases: readonly Case[] = [
  {
    // Unable to connect to the server: proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused
    text: /proxyconnect tcp: (.+)|Proxy Authentication Required|socks connect tcp (.+)/,
    tell: ({ kubeconfig: { server } }, [, reason, socks]) => ({
      title: 'kubectl asks a proxy for the cluster, and the proxy does not lead there',
      why: `HTTPS_PROXY of the environment (or proxy-url of the kubeconfig) names it${(reason ?? socks) === undefined ? '' : `: ${reason ?? socks ?? ''}`}. Whether the cluster answers was not asked.`,
      fix: [`export NO_PROXY="\${NO_PROXY:+$NO_PROXY,}${hostIn(server)}"; export no_proxy="$NO_PROXY" # a cluster at home is asked without it; in the timer's environment as well`, 'env | grep -i proxy; kubectl config view --minify # who names it'],
    }),
  },
  {
    // x509: certificate has expired or is not yet valid: current time 2026-11-24T15:50:25Z is after 2024-01-01T00:00:00Z
    text: /certificate has expired or is not yet valid(?:: current time (\S+) is (after) (\S+))?/,
    when: ({ said }) => !said.includes(' is before '),
    id: 'kubeadm-certs-expired',
    tell: ({ kubeconfig }, [, now = '', , until = '']) => ({
      title: `The API server's certificate has ended${until === '' ? '' : ` at ${until}`}`,
      why: `${isK3s(kubeconfig) ? 'K3s renews its certificates when it starts, in their last weeks, and it has run longer than that' : 'kubeadm\'s certificates last one year and are renewed by an upgrade or by hand'}. Only where this machine's clock runs ahead${now === '' ? '' : ` (it says ${now})`} the certificate may be good.`,
      fix: renewal(kubeconfig),
    }),
  },
  {
    text: /current time (\S+) is before (\S+)/,
    id: 'clock-skew',
    tell: (_, [, now = '', from = '']) => ({
      title: 'A certificate is not valid yet: this machine\'s clock is behind',
      why: `This machine says ${now}, and the API server's certificate begins at ${from}.`,
      fix: ['sudo timedatectl set-ntp true; timedatectl # here, and on every node', 'chronyc tracking # where chrony keeps the time'],
    }),
  },
  {
    text: /Unauthorized|must be logged in|does not know who asks/,
    when: ({ kubeconfig: { certificate } }, at) => certificate !== undefined && Date.parse(certificate.validTo) < Date.parse(at),
    id: 'kubeadm-certs-expired',
    tell: ({ kubeconfig }) => ({
      title: `The certificate in the kubeconfig has ended at ${kubeconfig.certificate?.validTo ?? ''}`,
      why: `The API server knows the user of ${kubeconfig.file} by a certificate (${kubeconfig.certificate?.subject ?? ''}), and no longer accepts it.`,
      fix: renewal(kubeconfig),
    }),
  },
  { text: /Unauthorized|must be logged in|does not know who asks/, tell: refusedCredentials },
  {
    text: /certificate signed by unknown authority|certificate is not trusted/,
    tell: ({ kubeconfig }) => ({
      title: `The kubeconfig is of another cluster than the one at ${kubeconfig.server ?? 'its address'}`,
      why: 'The certificate there is from an authority that the kubeconfig does not know: the cluster was made anew, or the address is now another one\'s.',
      fix: [...copyCommands(kubeconfig)],
    }),
  },
  {
    text: /cannot validate certificate for \S+|certificate is valid for (.+), not (\S+)/,
    tell: ({ kubeconfig: { server, file, cluster = 'NAME' } }, [, names = '']) => ({
      title: `The API server's certificate is not for the address ${hostIn(server)}`,
      why: names === '' ? 'Another program answers there, or the node has got another address since its certificate was made.' : `It is for ${names}: the node has got another address or name since, or another program answers.`,
      fix: [
        // None of its addresses is sure to be one that this machine reaches: the first is most often a Service's, inside the cluster.
        `kubectl config set-cluster ${cluster} --tls-server-name=kubernetes --kubeconfig ${file} # kubeadm's and K3s' certificates have that name`,
        `sudo install -d -m 700 /var/backups/pki && sudo mv --backup=numbered /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key /var/backups/pki/ && sudo kubeadm init phase certs apiserver --apiserver-cert-extra-sans=${hostIn(server)} # on the node, then restart kube-apiserver`,
      ],
    }),
  },
  {
    // error: unable to read client-cert /home/joe/old.crt for admin due to open /home/joe/old.crt: no such file or directory
    // Asked before the kubeconfig itself: what may not be read is a certificate, and must not be copied into its place.
    text: /unable to read (client-cert|client-key|certificate-authority|tokenFile|client-certificate)\S* (\S+) (?:for|due to)(.*permission denied)?/,
    tell: ({ kubeconfig }, [, field = '', file = '', denied]) => ({
      title: denied === undefined ? `The kubeconfig names a file that is not there: ${file}` : `The kubeconfig names a file that this user may not read: ${file}`,
      why: `It is the ${field} of its user or cluster, which kubectl reads at each call.`,
      fix: [...copyCommands(kubeconfig)],
    }),
  },
  {
    text: /open (\S+): permission denied|stat (\S+): permission denied/,
    tell: ({ kubeconfig }, [, opened, stated]) => unreadable(kubeconfig, opened ?? stated ?? ''),
  },
  {
    text: /^error: stat (\S+): no such file or directory/m,
    tell: ({ kubeconfig }, [, file = '']) => ({ title: `There is no kubeconfig ${file}`, why, fix: [`ls -l ~/.kube/config; echo "$KUBECONFIG" # then --kubeconfig FILE`, ...copyCommands(kubeconfig)] }),
  },
  {
    text: /error loading config file "([^"]+)": (.+)|invalid configuration: (.+)/,
    tell: ({ kubeconfig }, [, file = 'the kubeconfig', reason, other]) => ({
      title: `${file} cannot be read as a kubeconfig`,
      why: `kubectl says: ${reason ?? other ?? ''}`,
      fix: [`kubectl config view --kubeconfig ${file} # correct what it names, or take a fresh copy:`, ...copyCommands(kubeconfig)],
    }),
  },
  {
    text: /context "([^"]*)" does not exist|context was not found for specified context: (\S+)/,
    tell: ({ kubeconfig: { file, contexts } }, [, flag, current]) => ({
      title: `The kubeconfig has no context ${flag ?? current ?? ''}`,
      why: contexts.length === 0 ? `${file} has no context at all.` : `${file} has ${contexts.join(', ')}.`,
      fix: [...(current === undefined ? contexts.map((name) => `npx tsx run.ts doctor --context ${name}`) : contexts.map((name) => `kubectl config use-context ${name} --kubeconfig ${file}`)), `kubectl config get-contexts --kubeconfig ${file}`] as [string],
    }),
  },
  {
    text: /(localhost|127\.0\.0\.1|\[::1\]):8080/,
    when: ({ kubeconfig: { server } }) => server === undefined,
    tell: ({ kubeconfig }) => ({
      title: kubeconfig.exists ? `The kubeconfig ${kubeconfig.file} names no cluster` : `There is no kubeconfig: ${kubeconfig.file} is not there`,
      why: 'kubectl then tries localhost:8080, where no cluster has listened for years. K3s\' own kubectl finds its file by itself; Helm and others do not.',
      fix: chooseContext(kubeconfig),
    }),
  },
  {
    // dial tcp: lookup home.example.org on 192.168.1.1:53: no such host
    text: /lookup ([^\s:]+)(?: on \S+)?: .*(?:no such host|Temporary failure in name resolution|server misbehaving|i\/o timeout)/,
    tell: (_, [, host = '']) => ({
      title: `The name ${host} of the cluster has no address here`,
      why: 'It is misspelt, the name server that knows it is out of reach, or it was the name of a machine that is gone.',
      fix: [`getent hosts ${host}; resolvectl query ${host}`, `echo "ADDRESS ${host}" | sudo tee -a /etc/hosts # where you know its address`],
    }),
  },
  { text: /connection refused|was refused - did you specify/, tell: refusedConnection },
  {
    text: /\/livez\/ping was answered/,
    id: 'control-plane-down',
    tell: ({ kubeconfig }) => ({
      title: `The API server at ${kubeconfig.server ?? 'the address of the kubeconfig'} runs, and gets nothing out of its store`,
      why: 'It says that it lives, and answers no question about the cluster: etcd, or the database of K3s, stands still, or its disk is too slow or full.',
      fix: isK3s(kubeconfig) ? ['sudo systemctl restart k3s; sudo journalctl -u k3s -n 50 --no-pager # on the server', 'df -h /var/lib/rancher # on the server'] : [
        'sudo crictl ps -a --name etcd; sudo crictl logs --tail 30 $(sudo crictl ps -aq --name etcd | head -n 1) # on the control plane: says what etcd waits for',
        'df -h /var/lib/etcd # on the control plane; and a disk that takes longer than 10 ms for a write is too slow for it',
        'sudo systemctl restart k3s # on the server, where it is K3s',
      ],
    }),
  },
  {
    text: /i\/o timeout|no route to host|network is unreachable|no answer within|TLS handshake timeout|deadline exceeded|request canceled/,
    tell: ({ kubeconfig }) => ({
      title: `Nobody answers at ${kubeconfig.server ?? 'the address of the kubeconfig'}`,
      why: 'The machine is off or has another address now, a firewall drops the question, or the way there (VPN) is closed.',
      fix: [`ping -c 3 ${hostIn(kubeconfig.server)}; nc -vz -w 3 ${hostIn(kubeconfig.server)} ${portIn(kubeconfig.server)}`, ...otherContexts(kubeconfig), 'sudo ufw status # on the node'],
    }),
  },
  {
    text: /HTTP request to an HTTPS server|HTTP response to HTTPS client/,
    tell: ({ kubeconfig: { server = '', file, cluster = 'NAME' } }) => {
      const right = server.startsWith('http:') ? server.replace(/^http:/, 'https:') : server
      return {
        title: server.startsWith('http:') ? 'The kubeconfig says http where the API server speaks https' : `What listens at ${server} is no API server`,
        why,
        fix: [`kubectl config set-cluster ${cluster} --server=${right} --kubeconfig ${file}`],
      }
    },
  },
  {
    // Please enter Username: error: EOF
    text: /Please enter Username/,
    tell: ({ kubeconfig: { file, context = '' } }) => ({
      title: `The user of the context ${context} has no credentials in ${file}`,
      why: 'kubectl asks for a name and a password then, and nobody is there to answer: the user is misspelt in the context, or was taken out of the file.',
      fix: [`kubectl config get-users --kubeconfig ${file}; kubectl config set-context ${context} --user=NAME --kubeconfig ${file} # one of these`],
    }),
  },
  {
    // exec: executable aws-iam-authenticator not found · exec: "kubelogin": executable file not found in $PATH
    text: /getting credentials: exec: (?:executable ([\w./-]+) not found|"([\w./-]+)": executable file not found)/,
    tell: (_, [, program, quoted]) => ({
      title: `The program ${program ?? quoted ?? ''}, which the kubeconfig asks for a login, is not installed`,
      why,
      fix: [`command -v ${program ?? quoted ?? ''} # install it, and put it on the PATH; a cluster at home needs no such program: take the file of its administrator`],
    }),
  },
  {
    text: /getting credentials: (.+)/,
    tell: (_, [, reason = '']) => ({
      title: 'The program that the kubeconfig asks for a login did not give one',
      why: reason,
      fix: ['kubectl config view --minify -o jsonpath=\'{.users[0].user.exec.command}\' # install it, or log in with it again'],
    }),
  },
]

function renewal(kubeconfig: Lost['kubeconfig']): NonEmpty<string> {
  const ofK3s = 'sudo systemctl restart k3s # on the server: K3s renews its own when it starts'
  if (isK3s(kubeconfig)) return [ofK3s, ...copyCommands(kubeconfig, k3sFile)]
  return [
    'sudo kubeadm certs check-expiration; sudo kubeadm certs renew all # on the node',
    'sudo crictl rm -f $(sudo crictl ps -q --name "kube-apiserver|kube-controller-manager|kube-scheduler|etcd") # on the node: the kubelet starts them again with the new ones',
    'sudo cp --backup=numbered /etc/kubernetes/admin.conf ~/.kube/config && sudo chown "$(id -u):$(id -g)" ~/.kube/config && chmod 600 ~/.kube/config',
    `${ofK3s}; then copy ${k3sFile} anew`,
  ]
}

/** A person's own is given back to them; of any other they get a copy. To root, who may read all, it is never refused. */
function unreadable(kubeconfig: Lost['kubeconfig'], file: string): Omit<Text, 'evidence'> {
  const own = /^\/(?:home|Users)\/[^/]+\/\.kube\/config$/.test(file)
  return {
    title: `This user may not read the kubeconfig ${file}`,
    why: own ? 'It lies where a person\'s own does, and most often something has written it by sudo: it is root\'s then.' : 'K3s and kubeadm keep the administrator\'s file for root. A copy of your own is better than to let everybody read it.',
    fix: own ? [`sudo chown "$(id -u):$(id -g)" ${file} && chmod 600 ${file} # where it is your own`] : [...copyCommands({ ...kubeconfig, others: [file] }), 'export KUBECONFIG=~/.kube/config # or --kubeconfig ~/.kube/config'],
  }
}

/** One that it has; where the present one is at fault, its cluster. */
function chooseContext(kubeconfig: Lost['kubeconfig']): [string, ...string[]] {
  const { file, context, contexts, cluster } = kubeconfig
  const [first, ...others] = contexts.filter((name) => name !== context)
  if (context !== undefined && contexts.includes(context)) return [`kubectl config get-clusters --kubeconfig ${file}; kubectl config set-context ${context} --cluster=NAME --kubeconfig ${file} # ${cluster ?? 'its cluster'} is none of these`]
  return first === undefined ? copyCommands(kubeconfig) : [first, ...others].map((name) => `kubectl config use-context ${name} --kubeconfig ${file}`) as [string, ...string[]]
}

function refusedCredentials({ kubeconfig }: Lost): Omit<Text, 'evidence'> {
  const { file, server = 'the cluster', certificate } = kubeconfig
  return {
    title: `${server} does not accept the credentials of ${file}`,
    why: `They are of another cluster or of one that was made anew, or the token has ended.${certificate === undefined ? '' : ` The certificate (${certificate.subject}) lasts until ${certificate.validTo}.`}`,
    fix: [...copyCommands(kubeconfig), ...otherContexts(kubeconfig)],
  }
}

function refusedConnection({ kubeconfig }: Lost): Omit<Text, 'evidence'> {
  const { server = 'the address of the kubeconfig' } = kubeconfig
  return {
    title: `No API server listens at ${server}`,
    why: 'The machine is there and says so: the API server is down, or has another port or address.',
    fix: [...startCommands(kubeconfig), ...otherContexts(kubeconfig), `kubectl config view --minify # is ${server} right?`],
  }
}

function otherContexts({ context, contexts }: Lost['kubeconfig']): string[] {
  return contexts.filter((name) => name !== context).slice(0, 3).map((name) => `npx tsx run.ts doctor --context ${name} # if that is the right one`)
}

function portIn(server = ''): string {
  const port = URL.canParse(server) ? new URL(server).port : ''
  return port === '' ? '443' : port
}
