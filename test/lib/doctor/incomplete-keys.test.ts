/** Secrets of airstrip's own that lost what is in them. The kubelet's words are the lab's. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { container, deployment, inManifest, pod, release } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const scheduler = deployment('airflow-scheduler', 0)
const lacks = (key: string, name: string) => {
  const message = `couldn't find key ${key} in Secret airflow/${name}`
  const waits = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerConfigError', message } } })] } })
  const { findings } = diagnose(evidence({ workloads: [scheduler], pods: [waits], record: release({ objects: [inManifest(scheduler)], updatedAt: long }) }))
  return findings.filter(({ id }) => id === 'container-config-error')
}

void t.test('a key that only sessions depend on is made anew with its Secret, and a connection from its siblings', (t) => {
  const found = lacks('webserver-secret-key', 'airflow-airstrip-webserver-secret-key')
  t.equal(found.length, 1)
  t.match(found, [{ title: 'A container needs what does not exist: couldn\'t find key webserver-secret-key in Secret airflow/airflow-airstrip-webserver-secret-key', why: /^airstrip made this Secret/, fix: [/get secret airflow-airstrip-webserver-secret-key -o yaml > .* delete secret airflow-airstrip-webserver-secret-key.* && npx tsx run\.ts apply # makes another/, /describe secret/] }])
  t.match(lacks('connection', 'airflow-airstrip-metadata'), [{ fix: [/ delete secret airflow-airstrip-metadata.* && npx tsx run\.ts apply # makes it again, with the password/] }])
  t.end()
})

void t.test('what opens a database is never made anew', (t) => {
  for (const [key, name] of [['fernet-key', 'airflow-airstrip-fernet-key'], ['password', 'airflow-airstrip-postgresql'], ['password', 'airflow-airstrip-admin']] as const) {
    const [finding] = lacks(key, name)
    t.match(finding?.fix, [new RegExp(`^test -s FILE && .*get secret ${name} .*--from-file=${key}=FILE`), /keys import FILE/], name)
    t.notMatch(finding?.fix.join('\n'), /delete secret/, name)
  }
  t.end()
})

void t.test('of a Secret that is somebody else\'s the advice is as ever', (t) => {
  t.match(lacks('other', 'my-own'), [{ why: /nothing of the release makes it later/, fix: [/^npx tsx run\.ts apply --from helm # once the reference/] }])
  t.end()
})
