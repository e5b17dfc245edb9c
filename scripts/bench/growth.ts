import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../lab/exec.ts'

/**
 * The chart with more objects in it: ConfigMaps, Secrets, Services and Deployments in the proportion of a large
 * release. None of them runs anything, so what grows is what has to be looked at and not the cluster's work.
 */
const KINDS = ['ConfigMap', 'ConfigMap', 'ConfigMap', 'ConfigMap', 'Secret', 'Secret', 'Secret', 'Service', 'Service', 'Deployment'] as const

type Kind = (typeof KINDS)[number]

const LABELS = '{app.kubernetes.io/part-of: airstrip-bench}'

const BODIES: Record<Kind, string> = {
  ConfigMap: 'data: {first: one, second: two, third: "a line of text that is somewhat longer than the others"}',
  Secret: 'stringData: {word: nothing-secret}',
  Service: `spec: {clusterIP: None, selector: {app: nobody}, ports: [{name: http, port: 80, protocol: TCP}]}`,
  Deployment: `spec:
  replicas: 0
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: nothing, image: busybox, command: [sleep, "1"]}]}`,
}

/** The template file: plain YAML, so that Helm's rendering costs no more than it must. */
export function grownObjects(count: number): string {
  return Array.from({ length: count }, (_, index) => {
    const kind = KINDS[index % KINDS.length] ?? 'ConfigMap'
    const name = `bench-${String(index).padStart(4, '0')}`
    const apiVersion = kind === 'Deployment' ? 'apps/v1' : 'v1'
    return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  labels: ${LABELS}\n${BODIES[kind].replaceAll('NAME', name)}\n`
  }).join('---\n')
}

/** A copy of the chart in `folder` with that many objects more. */
export async function grownChart(chart: string, folder: string, count: number): Promise<string> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  if (statSync(chart).isDirectory()) cpSync(chart, folder, { recursive: true })
  else await must('tar', ['-xzf', chart, '-C', folder, '--strip-components=1'])
  writeFileSync(join(folder, 'templates', 'airstrip-bench.yaml'), grownObjects(count))
  return folder
}
