import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import type { Lab } from './cluster.ts'
import { say } from './exec.ts'
import { checkout, instance } from './paths.ts'

/** A kind cluster has less to tell: its daemons, audit log and tools are kind's own affair. */
export type AnyLab = Pick<Lab, 'name' | 'kubeconfig'> & Partial<Lab>

/** Runs airstrip on the lab to the end, as a person would, and gives its exit code. */
export async function runAirstrip(lab: AnyLab): Promise<number> {
  const dir = dirname(lab.kubeconfig)
  const config = join(dir, 'airstrip.yaml')
  mkdirSync(dir, { recursive: true })
  writeFileSync(config, await configFor(lab))
  const files = ['--config', config, '--kubeconfig', lab.kubeconfig, '--state', join(dir, 'state.json')]
  const env = { ...process.env, PATH: lab.path ?? process.env.PATH }
  const program = ['--import=tsx', 'run.ts', 'apply']
  const child = spawn(process.execPath, [...program, ...files, '--yes'], { cwd: checkout, env, stdio: 'inherit' })
  // Ctrl-C reaches both; airstrip ends in its own time, saves its state, and its exit code is ours.
  const wait = (): void => undefined
  process.on('SIGINT', wait)
  const code = await new Promise<number>(resolve => child.on('close', ended => { resolve(ended ?? 1) }))
  process.off('SIGINT', wait)
  await tell(lab, config)
  return code
}

async function configFor(lab: AnyLab): Promise<string> {
  const storagePath = lab.engine === undefined ? '/tmp/data' : join(instance(lab.name).data, 'storage')
  const { LAB_HOST, labConfig } = await import('./standin/fixtures.ts')
  if (lab.engine === 'debian') return labConfig({ checkout, nodeIP: lab.nodeIP ?? '', storagePath })
  // With the internet everything else is as the reference has it.
  const address = lab.nodeIP === undefined ? {} : { address: lab.nodeIP }
  return stringify({ storage: { path: storagePath }, ingress: { host: LAB_HOST, certResolver: 'letsencrypt', ...address } })
}

async function tell(lab: AnyLab, config: string): Promise<void> {
  const { LAB_HOST } = await import('./standin/fixtures.ts')
  say(`configuration ${config}, kubeconfig ${lab.kubeconfig}`)
  if (lab.engine === 'debian') {
    say('all images here are stand-ins made on this machine: they prove the pipeline, the chart, the storage, the probes')
    say('and the failures, not Airflow, Redis or Traefik themselves; the PostgreSQL is a real one')
  }
  if (lab.nodeIP !== undefined) {
    say(`https://${LAB_HOST}/airflow is in no DNS; look at it with`)
    say(`  curl -k --resolve ${LAB_HOST}:443:${lab.nodeIP} https://${LAB_HOST}/airflow/health`)
  }
}
