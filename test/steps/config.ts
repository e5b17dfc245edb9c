import { parseConfig } from '../../lib/config/load.ts'
import type { Config } from '../../lib/config/schema.ts'
import type { Change, Check } from '../../lib/step.ts'
import { objectsOf } from '../../lib/changes.ts'
import { familyOf } from '../../lib/airflow/families.ts'
import type { Chart } from '../../lib/access.ts'

/** What is asked of the place before a release is made: nothing speaks against it. */
export const place = { versions: { server: 'v1.23.0', kubectl: 'v1.23.0', helm: 'v3.9.4' }, rendered: { objects: [], hooks: [] } }

/** The chart of the reference. */
export const chart: Chart = { name: 'airflow', version: '1.10.0', appVersion: '2.6.2', home: 'https://airflow.apache.org/', fingerprint: 'f00d'.repeat(16), path: '/cache/airflow.tgz', local: false }
export const family = familyOf(chart)

export interface Sections {
  airflow?: string
  provisioner?: string
  ingress?: string
  require?: string
  diff?: string
}

/** The smallest configuration, with more where it is wanted, as flow maps without their braces. */
export function config({ airflow = '', provisioner = '', ingress = '', require = '', diff = '' }: Sections = {}): Config {
  const text = `storage: {path: /srv/airflow}\nairflow: {${airflow}}\nprovisioner: {${provisioner}}\nrequire: {${require}}\ndiff: {${diff}}\ningress: {host: home.example.org, certResolver: letsencrypt${ingress === '' ? '' : `, ${ingress}`}}\n`
  return parseConfig(text, '/home/joe/airstrip.yaml')
}

export function changesOf(check: Check): Change[] {
  return check.state === 'drifted' ? check.changes : []
}

/** `create ConfigMap airflow/x`, one per object. */
export function told(check: Check): string[] {
  return changesOf(check).flatMap((change) => objectsOf(change).map((object) => `${change.op} ${object}`))
}
