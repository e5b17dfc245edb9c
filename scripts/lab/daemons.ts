import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { apiServerFlags } from './api-server.ts'
import type { Binaries } from './binaries.ts'
import { containerdSocket, writeContainerdConfig } from './containerd.ts'
import { NODE_USER } from './credentials.ts'
import type { Credentials } from './credentials.ts'
import { run } from './exec.ts'
import { writeKubeletConfig } from './kubelet.ts'
import { writePodNetwork } from './network.ts'
import type { Network } from './network.ts'
import type { Instance } from './paths.ts'

export interface Daemon {
  name: string
  command: string[]
  isHealthy: () => Promise<boolean>
}

export interface NodeParts {
  instance: Instance
  net: Network
  credentials: Credentials
  binaries: Binaries
}

/** The order in which they are started; those of one row do not wait for each other. */
export function daemonRows(parts: NodeParts): Daemon[][] {
  return [[etcd(parts), containerd(parts)], [apiServer(parts)], [...controllers(parts), kubelet(parts), proxy(parts)]]
}

function etcd({ instance, net }: NodeParts): Daemon {
  const client = 'http://127.0.0.1:2379'
  return {
    name: 'etcd',
    command: [
      'etcd', '--name=lab', `--data-dir=${join(instance.data, 'etcd')}`, '--log-level=warn',
      `--listen-client-urls=${client}`, `--advertise-client-urls=${client}`,
      `--listen-metrics-urls=http://${net.nodeIP}:2381`,
      // A lab that lost its power is started anew; waiting for the disk would only make it slow.
      '--unsafe-no-fsync',
    ],
    isHealthy: () => answers(`http://${net.nodeIP}:2381/health`),
  }
}

function containerd({ instance, binaries }: NodeParts): Daemon {
  const config = writeContainerdConfig(instance, {
    cniConfig: join(instance.data, 'cni'),
    cniPlugins: binaries.cniPlugins,
    runc: binaries.runc,
    pauseImage: binaries.pauseImage,
  })
  return {
    name: 'containerd',
    command: ['containerd', '--config', config],
    async isHealthy() {
      const asked = await run('ctr', ['--address', containerdSocket(instance), 'version'], { env: binaries.env })
      return asked.code === 0
    },
  }
}

function apiServer({ instance, net, credentials, binaries }: NodeParts): Daemon {
  return {
    name: 'kube-apiserver',
    command: [join(binaries.servers, 'kube-apiserver'), ...apiServerFlags(instance, net, credentials.dir)],
    isHealthy: () => answers(`https://${net.nodeIP}:6443/readyz`, credentials.adminToken),
  }
}

function controllers({ net, credentials, binaries }: NodeParts): Daemon[] {
  const make = (name: string, user: string, port: number, flags: string[]): Daemon => ({
    name,
    command: [
      join(binaries.servers, name),
      ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(flag => `--${flag}=${credentials.dir}/${user}.kubeconfig`),
      '--leader-elect=false',
      ...flags,
    ],
    isHealthy: () => answers(`https://${net.nodeIP}:${port}/healthz`),
  })
  const keys = [
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${credentials.dir}/sa.key`,
    // Pods verify the API server with what they are given here.
    `--root-ca-file=${credentials.dir}/ca.crt`,
  ]
  return [
    make('kube-controller-manager', 'controller-manager', 10257, keys),
    make('kube-scheduler', 'scheduler', 10259, []),
  ]
}

function kubelet({ instance, net, credentials, binaries }: NodeParts): Daemon {
  const root = join(instance.data, 'kubelet')
  return {
    name: 'kubelet',
    command: [
      join(binaries.servers, 'kubelet'),
      `--kubeconfig=${credentials.dir}/${NODE_USER}.kubeconfig`,
      `--config=${writeKubeletConfig(instance, credentials.dir)}`,
      '--container-runtime=remote',
      `--container-runtime-endpoint=unix://${containerdSocket(instance)}`,
      `--root-dir=${root}`,
      `--cert-dir=${join(root, 'pki')}`,
      `--hostname-override=${instance.netns}`,
      `--node-ip=${net.nodeIP}`,
    ],
    isHealthy: () => answers(`http://${net.nodeIP}:10248/healthz`),
  }
}

function proxy({ instance, net, credentials, binaries }: NodeParts): Daemon {
  writePodNetwork(instance, net)
  return {
    name: 'kube-proxy',
    command: [
      join(binaries.servers, 'kube-proxy'),
      `--kubeconfig=${credentials.dir}/proxy.kubeconfig`,
      '--proxy-mode=iptables',
      `--cluster-cidr=${net.podCIDR}`,
      `--hostname-override=${instance.netns}`,
      // These belong to the whole machine; 0 leaves them as they are.
      '--conntrack-max-per-core=0', '--conntrack-min=0',
      '--conntrack-tcp-timeout-established=0s', '--conntrack-tcp-timeout-close-wait=0s',
    ],
    isHealthy: () => answers(`http://${net.nodeIP}:10256/healthz`),
  }
}

/** Certificates are not looked at: this only asks whether somebody is at home, at an address that is ours. */
export function answers(url: string, token?: string): Promise<boolean> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const ask = url.startsWith('https:') ? httpsRequest : httpRequest
  return new Promise(resolve => {
    const request = ask(url, { headers, timeout: 2000, rejectUnauthorized: false, agent: false }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => { resolve(false) })
    request.end()
  })
}
