import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { CLUSTER_DNS } from '../network.ts'
import { clusterDns } from './cluster-dns.ts'
import { traefik, traefikDefinitions } from './traefik.ts'

type Kubectl = (args: string[], stdin?: string) => Promise<string>

const CHARTS = { official: 'scripts/lab/standin/chart', community: 'scripts/lab/standin/community' } as const
const PROVISIONER = 'scripts/lab/standin/provisioner.yaml'

/** The name that the lab's Airflow goes by. It is in no DNS; .test is reserved for that. */
export const LAB_HOST = 'airflow.lab.test'

/**
 * What is on a person's cluster before airstrip comes: names for services, and Traefik with its kinds and
 * one resolver. Can be applied again. With the internet the same objects run the real images.
 */
export async function applyFixtures(kubectl: Kubectl): Promise<void> {
  const apply = (objects: object[]): Promise<string> =>
    kubectl(['apply', '-f', '-'], objects.map(object => stringify(object, { aliasDuplicateObjects: false })).join('---\n'))
  await apply(traefikDefinitions())
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all'])
  await apply([...clusterDns(CLUSTER_DNS), ...traefik()])
}

export interface LabPlace {
  /** The checkout that the fixtures are in. */
  checkout: string
  /** Where the router listens; the host's name alone leads nowhere. */
  nodeIP: string
  /** A folder on the node, for DAGs and logs. */
  storagePath: string
}

/** The lab's own imitation of a maker's chart, as airstrip's configuration names it. */
export function standinChart(checkout: string, maker: keyof typeof CHARTS): { chart: string; version: string } {
  const chart = join(checkout, CHARTS[maker])
  const { version } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8')) as { version: string }
  return { chart, version }
}

/** airstrip's configuration for the lab with stand-ins, as YAML. */
export function labConfig({ checkout, nodeIP, storagePath }: LabPlace): string {
  return stringify({
    airflow: standinChart(checkout, 'official'),
    provisioner: { manifest: join(checkout, PROVISIONER) },
    storage: { path: storagePath },
    ingress: { host: LAB_HOST, certResolver: 'letsencrypt', address: nodeIP },
  })
}
