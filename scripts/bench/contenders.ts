import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Packages } from './packages.ts'
import { playbook } from './playbook.ts'
import { failed, type Contender, type Ended } from './processes.ts'
import type { Site } from './site.ts'

function words({ config, state, lab }: Site): string[] {
  return ['--config', config, '--state', state, '--kubeconfig', lab.kubeconfig]
}

/** The program itself; `npx tsx`, as the README has it for people, is npm and tsx's own process before it. */
export function airstrips(site: Site, checkout: string): Contender[] {
  const one = (id: string, title: string, argv: string[]): Contender =>
    ({ id, title, argv: [...argv, 'run.ts', '--quiet', ...words(site)], cwd: checkout, env: site.env, complaint: silent })
  return [
    one('airstrip', 'airstrip --quiet', [process.execPath, '--import=tsx']),
    one('npx', 'the same by npx tsx', ['npx', 'tsx']),
  ]
}

/** The doctor of a cluster that is well. */
export function doctors(site: Site, checkout: string): Contender {
  const argv = [process.execPath, '--import=tsx', 'run.ts', 'doctor', ...words(site)]
  return { id: 'doctor', title: 'airstrip doctor', argv, cwd: checkout, env: site.env, complaint: failed }
}

/** airstrip with something to do. */
export function applying(site: Site, checkout: string): Contender {
  const argv = [process.execPath, '--import=tsx', 'run.ts', 'apply', '--yes', ...words(site)]
  return { id: 'airstrip', title: 'airstrip apply', argv, cwd: checkout, env: site.env, complaint: failed }
}

function silent({ code, stdout, stderr }: Ended): string | undefined {
  if (code !== 0) return `ended with ${code}`
  return stdout + stderr === '' ? undefined : 'was not silent'
}

/**
 * The reference's own steps as a person would re-run them: every one can be repeated, and the last ones look
 * whether what was applied also works. A shell script, because that is what is compared with.
 */
export const SHELL = `set -euo pipefail
mkdir -p "$STORAGE/dags" "$STORAGE/logs"
chown 50000:0 "$STORAGE/dags" "$STORAGE/logs"
kubectl apply -f "$PROVISIONER"
kubectl annotate --overwrite storageclass local-path storageclass.kubernetes.io/is-default-class=true
kubectl apply -f "$STORAGE_MANIFEST"
helm upgrade --install airflow "$CHART" --namespace airflow --values "$VALUES" --timeout 10m
kubectl apply -f "$INGRESS_MANIFEST"
kubectl --namespace local-path-storage rollout status deployment/local-path-provisioner --timeout 5m
for workload in $(kubectl --namespace airflow get deployments,statefulsets --output name); do
  kubectl --namespace airflow rollout status "$workload" --timeout 5m
done
curl --fail --silent --show-error --insecure --retry 60 --retry-delay 1 --retry-all-errors --resolve "$HOST:443:$ADDRESS" "https://$HOST/airflow/health"
`

export function shell(site: Site): Contender {
  const env = {
    ...site.env,
    STORAGE: site.storagePath, PROVISIONER: site.provisioner, STORAGE_MANIFEST: site.storage, INGRESS_MANIFEST: site.ingress,
    CHART: site.chart, VALUES: site.values, HOST: site.host, ADDRESS: site.lab.nodeIP,
  }
  return { id: 'shell', title: 'kubectl, helm and curl', argv: ['bash', '-c', SHELL], cwd: site.folder, env, complaint: unchanged }
}

function unchanged({ code, stdout }: Ended): string | undefined {
  if (code !== 0) return `ended with ${code}`
  const touched = stdout.split('\n').find(line => / (created|configured)$/.test(line))
  return touched === undefined ? undefined : `changed something: ${touched}`
}

/**
 * What a person types who looks for what is wrong: the same kinds, one call for as many as kubectl takes at once,
 * Helm's own words, the ends of the logs and the page. It reads all of that and judges nothing. Secrets are in it:
 * it goes nowhere, so that a run that fails shows its complaint alone.
 */
export const LOOK = `set -euo pipefail
exec >/dev/null
kubectl version --output json
helm version
kubectl auth can-i --list --namespace airflow
kubectl get nodes,storageclasses,persistentvolumes,customresourcedefinitions,validatingwebhookconfigurations,mutatingwebhookconfigurations --output json
kubectl get deployments,daemonsets,ingressroutes.traefik.containo.us --all-namespaces --output json
kubectl get leases --namespace kube-node-lease --output json
kubectl get pods,persistentvolumeclaims,events,deployments,statefulsets,daemonsets,replicasets,jobs,services,endpoints,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,resourcequotas,horizontalpodautoscalers,middlewares.traefik.containo.us --namespace airflow --output json
for namespace in kube-system local-path-storage traefik; do
  kubectl get pods,services,endpoints,events --namespace "$namespace" --output json
done
helm status airflow --namespace airflow
helm history airflow --namespace airflow
helm get all airflow --namespace airflow
kubectl logs --namespace airflow --selector release=airflow --all-containers --tail 60 --max-log-requests 20
kubectl logs --namespace kube-system --selector k8s-app=kube-dns --tail 60
curl --fail --silent --show-error --insecure --resolve "$HOST:443:$ADDRESS" "https://$HOST/airflow/health"
`

export function look(site: Site): Contender {
  const env = { ...site.env, HOST: site.host, ADDRESS: site.lab.nodeIP }
  return { id: 'look', title: 'the same looked at by hand', argv: ['bash', '-c', LOOK], cwd: site.folder, env, complaint: failed }
}

export function ansible(site: Site, packages: Packages): Contender {
  const file = join(site.folder, 'playbook.yaml')
  writeFileSync(file, stringify(playbook(site)))
  const env = { ...packages.env, ...site.env, PATH: `${site.lab.path}:${packages.env.PATH ?? ''}`, ANSIBLE_NOCOLOR: '1', ANSIBLE_PIPELINING: '1' }
  return { id: 'ansible', title: `Ansible's kubernetes.core`, argv: [...packages.ansible, '-i', 'localhost,', file], cwd: site.folder, env, complaint: changedNothing }
}

function changedNothing({ code, stdout }: Ended): string | undefined {
  if (code !== 0) return `ended with ${code}`
  return /changed=0\s+unreachable=0\s+failed=0/.test(stdout) ? undefined : 'changed something'
}
