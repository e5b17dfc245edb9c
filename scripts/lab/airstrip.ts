import { spawn } from 'node:child_process'
import type { Lab } from './cluster.ts'
import { checkout } from './paths.ts'

/** Runs airstrip on the lab to the end, as a person would. */
export async function runAirstrip(lab: Pick<Lab, 'name' | 'kubeconfig'> & Partial<Lab>): Promise<number> {
  const env = { ...process.env, PATH: lab.path ?? process.env.PATH }
  const args = ['--import=tsx', 'run.ts', 'apply', '--kubeconfig', lab.kubeconfig, '--yes']
  const child = spawn(process.execPath, args, { cwd: checkout, env, stdio: 'inherit' })
  return new Promise(resolve => child.on('close', code => { resolve(code ?? 1) }))
}
