import { Command, Option } from 'commander'
import { runAirstrip } from './lab/airstrip.ts'
import type { AnyLab } from './lab/airstrip.ts'
import { down, status, up } from './lab/cluster.ts'
import type { Engine } from './lab/binaries.ts'
import { LabError, say } from './lab/exec.ts'
import { kindDown, kindExists, kindUp } from './lab/kind.ts'
import { instance } from './lab/paths.ts'
import { hasKind } from './lab/platform.ts'

interface Options {
  engine: Engine | 'kind' | 'auto'
  name: string
}

async function start(options: Options): Promise<AnyLab> {
  const place = instance(options.name)
  if (options.engine === 'kind') return kindUp(place)
  if (options.engine === 'auto' && (await status(options.name)).lab === undefined && await hasKind()) return kindUp(place)
  const lab = await up(options.name, { engine: options.engine })
  say(`Kubernetes ${lab.version} at ${lab.server}, kubeconfig ${lab.kubeconfig}`)
  return lab
}

async function end(options: Options): Promise<number> {
  const place = instance(options.name)
  if (await kindExists(place)) await kindDown(place)
  else await down(options.name)
  say(`"${options.name}" is down; what was built stays in the cache`)
  return 0
}

async function report(options: Options): Promise<number> {
  if (await kindExists(instance(options.name))) {
    console.log(`kind cluster "airstrip-${options.name}", kubeconfig ${instance(options.name).kubeconfig}`)
    return 0
  }
  const { lab, daemons, nodeReady } = await status(options.name)
  if (lab === undefined) {
    console.log(`"${options.name}" is not running`)
    return 1
  }
  for (const daemon of daemons) console.log(`${daemon.name.padEnd(24)} ${daemon.alive ? 'running' : 'ENDED'}`)
  console.log(`${'node'.padEnd(24)} ${nodeReady ? 'Ready' : 'not Ready'}`)
  console.log(`Kubernetes ${lab.version} (${lab.engine}) at ${lab.server}\nkubeconfig ${lab.kubeconfig}`)
  return nodeReady && daemons.every(daemon => daemon.alive) ? 0 : 1
}

function program(finish: (code: number) => void): Command {
  const root = new Command('lab')
    .description('A real Kubernetes on this machine, to run airstrip on; without a command: boot it and run airstrip to the end')
    .addOption(new Option('--engine <engine>', 'where Kubernetes comes from').choices(['auto', 'debian', 'official', 'kind']).default('auto'))
    .option('--name <name>', 'instances run side by side under different names', 'lab')
    .helpCommand(false)
  // The options belong to the root, which takes them before and after a command's name.
  const act = (command: Command, work: (options: Options) => Promise<number>): Command =>
    command.action(async () => { finish(await work(root.opts<Options>())) })
  act(root, async options => runAirstrip(await start(options)))
  act(root.command('up').description('boot a cluster, or find it running'), async options => {
    await start(options)
    return 0
  })
  act(root.command('down').description('end it and remove its data; binaries stay in the cache'), end)
  act(root.command('status').description('what runs; exit code 1 if it is not all well'), report)
  return root
}

try {
  await program(code => { process.exitCode = code }).parseAsync()
} catch (error) {
  // What the lab foresees is a sentence; anything else is shown whole, for whoever has to mend it.
  if (error instanceof LabError) say(error.message)
  else console.error(error)
  process.exitCode = 1
}
