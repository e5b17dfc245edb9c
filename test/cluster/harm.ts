/** The ways in which a person or a machine breaks an Airflow, for the tests of the doctor. */
import type { FaultId } from '../../lib/observe/faults.ts'
import { get, kubectl, until } from './cluster.ts'
import type { Fault } from './faults.ts'
import type { Site } from './site.ts'

export const kube = ({ namespace }: Site, ...args: string[]): Promise<string> => kubectl(['-n', namespace, ...args])

export type Component = 'scheduler' | 'webserver' | 'statsd'

const deploymentOf = (component: Component): string => `deployment/airflow-${component}`

/** kubectl edit of one object, as the strategic merge that it ends in. */
export const edit = (it: Site, object: string, fields: object, type = 'strategic'): Promise<string> => kube(it, 'patch', object, `--type=${type}`, '-p', JSON.stringify(fields))

/** kubectl edit of a Deployment's pods. */
export const editPods = (it: Site, component: Component, spec: object): Promise<string> => edit(it, deploymentOf(component), { spec: { template: { spec } } })

export const editContainer = (it: Site, component: Component, fields: object): Promise<string> => editPods(it, component, { containers: [{ name: component, ...fields }] })

export const setImage = (it: Site, component: Component, image: string): Promise<string> => kube(it, 'set', 'image', deploymentOf(component), `${component}=${image}`)

/** Old pods go at once, so that what new ones meet shows at once. */
export const deletePods = (it: Site, component: string): Promise<string> => kube(it, 'delete', 'pod', '-l', `component=${component}`, '--grace-period=1', '--wait=false')

export async function stopped(it: Site, ...workloads: string[]): Promise<void> {
  await kube(it, 'scale', ...workloads, '--replicas=0')
  const names = workloads.map(one => one.replace(/^.*\/airflow-/, '')).join(',')
  // Not for as long as each of them grants itself.
  await kube(it, 'delete', 'pod', '-l', `component in (${names})`, '--grace-period=1', '--wait=false')
  await until(`no pod of ${names}`, async () => (await kube(it, 'get', 'pods', '-l', `component in (${names})`, '-o', 'name')) === '')
}

/** One edit of a container, and what the doctor has to call it. */
export function container(name: string, component: Component, fields: object, id: FaultId | FaultId[], more: Partial<Fault> = {}): Fault {
  return { name, id, tells: new RegExp(`airflow-${component}`), harm: it => editContainer(it, component, fields), ...more }
}

/** As the superuser of the bundled database, whose password stays in its pod. */
export const sql = (it: Site, statement: string, database = 'postgres'): Promise<string> =>
  kube(it, 'exec', 'airflow-postgresql-0', '--', 'sh', '-c', `PGPASSWORD="\${POSTGRES_POSTGRES_PASSWORD:-$POSTGRES_PASSWORD}" psql -h 127.0.0.1 -U postgres -d ${database} -v ON_ERROR_STOP=1 -c '${statement}'`)

export const encoded = (text: string): string => Buffer.from(text).toString('base64')

/** As it is on the cluster, in base64. */
export const dataOf = async ({ namespace }: Site, secret: string): Promise<Record<string, string>> => ((await get('secret', secret, namespace))?.data ?? {}) as Record<string, string>
