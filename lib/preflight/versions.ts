import { makerOf } from '../airflow/families.ts'
import { chartAsksFor, helmsFor, helmSupports, kubectlSkew, kubernetesMinor, verifiedPair } from '../airflow/versions.ts'
import type { Versions } from '../access.ts'
import type { Finding } from '../step.ts'
import { error, warning, type Requirements } from './facts.ts'

/** Helm, kubectl, Kubernetes and the chart against each other, each with the side to move. */
export function judgeVersions(versions: Versions, chartVersion: string, require: Requirements): Finding[] {
  const minor = kubernetesMinor(versions.server)
  if (minor === undefined) return [unknownVersion(versions.server)]
  return [...judgeKubernetes(versions.server, require), ...judgeHelm(versions, minor), ...judgeKubectl(versions, minor), ...judgeChart(chartVersion, minor)]
}

function unknownVersion(server: string): Finding {
  return warning('kubernetes-version-unknown', {
    title: `The API server's version ${server} is not one of Kubernetes 1`,
    evidence: [`kubectl version: ${server}`],
    why: 'Nothing can be said of how it goes with Helm and the chart.',
    fix: ['kubectl version -o yaml'],
  })
}

function judgeKubernetes(server: string, { kubernetes }: Requirements): Finding[] {
  const plain = server.replace(/^v/, '')
  const fits = (wanted: string): boolean => plain === wanted || plain.startsWith(`${wanted}.`) || plain.startsWith(`${wanted}+`)
  if (kubernetes !== undefined && !fits(kubernetes)) {
    return [error('kubernetes-version-required', {
      title: `Kubernetes is ${server}, but the configuration requires ${kubernetes}`,
      evidence: [`API server: ${server}`, `require.kubernetes: ${kubernetes}`],
      why: 'The configuration names this version as one that must hold.',
      fix: [`Move the cluster to ${kubernetes}, or change require.kubernetes.`],
    })]
  }
  if (kubernetes !== undefined || fits(verifiedPair.kubernetes)) return []
  return [warning('kubernetes-not-verified', {
    title: `Kubernetes ${server} is not the verified ${verifiedPair.kubernetes}`,
    evidence: [`API server: ${server}`],
    why: `The setup was proven on ${verifiedPair.kubernetes}; others usually work.`,
    fix: [`Nothing to do; to insist on a version write require.kubernetes.`],
  })]
}

function judgeHelm({ helm }: Versions, minor: number): Finding[] {
  const supported = helmSupports(helm)
  if (supported === undefined || (minor >= supported.from && minor <= supported.to)) return []
  const { from, to } = helmsFor(minor)
  const newer = minor < supported.from
  return [warning('helm-kubernetes-skew', {
    title: `Helm ${helm} is ${newer ? 'too new' : 'too old'} for Kubernetes 1.${minor}`,
    evidence: [`Helm ${helm} supports Kubernetes 1.${supported.from} to 1.${supported.to}`, `API server: 1.${minor}`],
    why: 'Helm talks to the API server with the client it was built with; outside its range objects may be refused or lose fields.',
    fix: [`Move Helm: install Helm 3.${from} to 3.${to}, which support Kubernetes 1.${minor}.`],
    link: 'https://helm.sh/docs/topics/version_skew/',
  })]
}

function judgeKubectl({ kubectl }: Versions, minor: number): Finding[] {
  const client = kubernetesMinor(kubectl.replace(/-.*$/, ''))
  if (client === undefined || Math.abs(client - minor) <= kubectlSkew) return []
  return [warning('kubectl-skew', {
    title: `kubectl ${kubectl} is ${Math.abs(client - minor)} minor versions from Kubernetes 1.${minor}`,
    evidence: [`kubectl ${kubectl}`, `API server: 1.${minor}`],
    why: 'kubectl is supported within one minor version of the API server.',
    fix: [`Move kubectl: install kubectl 1.${minor}.`],
    link: 'https://kubernetes.io/releases/version-skew-policy/#kubectl',
  })]
}

function judgeChart(chartVersion: string, minor: number): Finding[] {
  const asked = makerOf({ version: chartVersion }) === 'official' ? chartAsksFor(chartVersion) : undefined
  if (asked === undefined || minor >= asked) return []
  return [warning('chart-kubernetes-skew', {
    title: `Chart ${chartVersion} asks for Kubernetes 1.${asked} and the cluster is 1.${minor}`,
    evidence: [`The README of chart ${chartVersion} names Kubernetes 1.${asked}`, `API server: 1.${minor}`],
    why: 'The chart is tested there; older clusters often work, since Helm does not enforce it.',
    fix: ['Move the cluster, or choose an older chart with airflow.version.'],
  })]
}
