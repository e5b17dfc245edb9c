import type { Site } from './site.ts'

interface Task {
  name: string
  [module: string]: unknown
}

/** The same as the shell commands, by the modules that Ansible has for it; written to change nothing the second time. */
export function playbook(site: Site): object[] {
  const tasks: Task[] = [
    { 'name': 'folders', 'ansible.builtin.file': { path: `{{ item }}`, state: 'directory', owner: '50000', group: '0' }, 'loop': [`${site.storagePath}/dags`, `${site.storagePath}/logs`] },
    { 'name': 'provisioner', 'kubernetes.core.k8s': { state: 'present', src: site.provisioner } },
    { 'name': 'default class', 'kubernetes.core.k8s': { state: 'present', definition: defaultClass } },
    { 'name': 'namespace and volumes', 'kubernetes.core.k8s': { state: 'present', src: site.storage } },
    { 'name': 'Airflow', 'kubernetes.core.helm': { name: 'airflow', namespace: 'airflow', chart_ref: site.chart, values_files: [site.values] } },
    { 'name': 'ingress', 'kubernetes.core.k8s': { state: 'present', src: site.ingress } },
    ready('Deployment', 'local-path-storage'),
    ready('Deployment', 'airflow'),
    ready('StatefulSet', 'airflow'),
    // This module cannot be told an address for a name, so it asks the address for the host.
    { 'name': 'health', 'ansible.builtin.uri': { url: `https://${site.lab.nodeIP}/airflow/health`, headers: { Host: site.host }, validate_certs: false }, 'register': 'health', 'until': 'health is succeeded', 'retries': 10, 'delay': 1 },
  ]
  return [{ name: 'Airflow', hosts: 'localhost', connection: 'local', gather_facts: false, vars: { ansible_python_interpreter: '{{ ansible_playbook_python }}' }, tasks }]
}

const defaultClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'local-path', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'rancher.io/local-path',
  volumeBindingMode: 'WaitForFirstConsumer',
  reclaimPolicy: 'Delete',
}

function ready(kind: string, namespace: string): Task {
  return { 'name': `${kind}s of ${namespace}`, 'kubernetes.core.k8s_info': { api_version: 'apps/v1', kind, namespace, wait: true, wait_timeout: 300 } }
}
