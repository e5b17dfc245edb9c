/** A database on a disk that the kernel has made read-only. The texts are those of PostgreSQL, its entrypoint and Bitnami's with that error of the system; none was produced here. */
import t from 'tap'
import { found, has, ids, refusing } from './airflow-on-database.ts'

const id = 'postgres-datadir-permission'

const locked = '2023-08-02 10:29:18.331 UTC [1] FATAL:  could not create lock file "postmaster.pid": Read-only file system'

void t.test('a database on a disk that has turned read-only is told with the disk, and with nothing that deletes', (t) => {
  const lines = [
    locked,
    '2023-08-02 10:29:18.331 UTC [1] FATAL:  could not open file "/bitnami/postgresql/data/postmaster.opts": Read-only file system',
    'mkdir: cannot create directory \'/bitnami/postgresql/conf\': Read-only file system',
    'chown: changing ownership of \'/var/lib/postgresql/data\': Read-only file system',
  ]
  for (const line of lines) {
    t.match(found(refusing(line))[0], {
      id, severity: 'error', causes: undefined, title: 'The disk under PostgreSQL\'s volume has turned read-only',
      evidence: [line, 'PersistentVolumeClaim airflow/data-airflow-postgresql-0 is /srv/airflow/database on home'],
      fix: [/^dmesg -T \| grep -iE 'remount\|I\/O error' # on home/, /^sudo mount -o remount,rw "\$\(findmnt -no TARGET -T \/srv\/airflow\/database\)" # on home/, /fsck/],
    }, line)
  }
  t.same(ids(refusing(locked)), [`${id} error`, 'crash-loop error explained'])
  t.notMatch(found(refusing(locked))[0]?.fix.join() ?? '', /delete|\brm\b|chown/)
  t.end()
})

void t.test('one that may write to nothing by its own settings is no matter of the disk', (t) => {
  t.notOk(has(refusing(locked, { securityContext: { readOnlyRootFilesystem: true } }), id))
  t.notOk(has(refusing(locked, { volumeMounts: [{ name: 'data', mountPath: '/bitnami/postgresql', readOnly: true }] }), id))
  t.ok(has(refusing(locked, { volumeMounts: [{ name: 'scripts', mountPath: '/docker-entrypoint-initdb.d', readOnly: true }] }), id), 'another mount says nothing of it')
  t.end()
})
