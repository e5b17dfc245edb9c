import type { Entry } from '../../../lib/adapters/tar.ts'

const program = (name: string): string => `#!/bin/sh\nexec /usr/bin/node /opt/standin/${name}.js "$@"\n`

/**
 * Shell scripts in the images, by path. Each ends in exec: the program is then process 1 and gets TERM
 * itself; a shell as process 1 would sit on it until the grace period is over.
 */
export const SCRIPTS: Record<string, string> = {
  // Two scripts of the community chart want what busybox has not: Redis an array for its arguments, the cleaning of logs a find that counts.
  'bin/bash': `#!/bin/sh
case "$*" in
  */run.sh*ARGS*) exec redis-server --requirepass "$REDIS_PASSWORD" ;;
  *find*RETENTION_MINUTES*) exec /clean-logs ;;
esac
exec /bin/sh "$@"
`,
  'usr/local/bin/airflow': program('airflow'),
  'usr/local/bin/redis-server': program('redis'),
  // Only asked whether the server lives, every few seconds: node would take longer to start than its answer may take.
  'usr/local/bin/redis-cli': `#!/bin/sh
while [ $# -gt 1 ]; do case "$1" in -a) password=$2 ;; -h) host=$2 ;; -p) port=$2 ;; esac; shift; done
printf '*2\\r\\n$4\\r\\nAUTH\\r\\n$%s\\r\\n%s\\r\\n*1\\r\\n$4\\r\\nPING\\r\\n' "\${#password}" "$password" | nc "$host" "$port" | tr -d '\\r+' | tail -n 1
`,
  'usr/bin/curl': '#!/bin/sh\nexec wget -q -O - "$@"\n',
  'usr/bin/local-path-provisioner': program('provisioner'),
  // Airflow's entrypoint waits for the database before anything else, twenty tries unless told otherwise.
  entrypoint: `#!/bin/sh
if [ "\${CONNECTION_CHECK_MAX_COUNT:-20}" -gt 0 ]; then
  airflow lab wait-for-database & waiting=$!
  trap 'kill $waiting; exit 143' TERM
  wait $waiting || exit 1
  trap - TERM
fi
case "\${1:-bash}" in
  airflow|bash|python|sh) exec "\${@:-bash}" ;;
  *) exec airflow "$@" ;;
esac
`,
  'usr/bin/dumb-init': '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n',
  'usr/local/bin/pgbouncer': program('pgbouncer'),
  // The community chart makes its pooler a certificate, which nobody asks the stand-in for.
  'usr/bin/openssl': '#!/bin/sh\nwhile [ $# -gt 1 ]; do case "$1" in -keyout|-out) : > "$2" ;; esac; shift; done\n',
  'usr/local/bin/python3': '#!/bin/sh\nexec python "$@"\n',
  // Charts ask python whether a Celery worker answers and (before 2.5) whether a job is alive; the community chart has its own scripts besides.
  'usr/local/bin/python': `#!/bin/sh
case "$*" in
  *urllib.parse.quote*) read -r TEXT; export TEXT; exec node -p 'const [code] = process.argv.slice(1); const word = encodeURIComponent(process.env.TEXT); /:..{?encoded_pass/.test(code) ? (word === "" ? "" : ":" + word + "@") : word' -- "$*" ;;
  *db_migrations.py) exec airflow lab keep-migrated ;;
  *sync_users.py) exec airflow lab sync-users ;;
  *celery*ping*) exec airflow lab celery-ping ;;
  *TriggererJob*) exec airflow jobs check --job-type TriggererJob ;;
  *SchedulerJob*) exec airflow jobs check --job-type SchedulerJob ;;
  *check_migrations*|*migration*) exec airflow db check-migrations --migration-wait-timeout=60 ;;
  *) echo "the lab's stand-in for Airflow has no Python" >&2; exit 1 ;;
esac
`,
  'clean-logs': `#!/bin/sh
trap 'exit 0' TERM
echo "Cleaning logs every 900 seconds"
while :; do
  echo "Trimming airflow logs to \${AIRFLOW__LOG_RETENTION_DAYS:-15} days."
  find /opt/airflow/logs -type f -mtime "+\${AIRFLOW__LOG_RETENTION_DAYS:-15}" -name '*.log' -delete 2>/dev/null
  sleep 900 & wait $!
done
`,
}

const open = { mode: 0o777 }
const airflow = { mode: 0o775, uid: 50000, gid: 0 }

/** Folders that the real images have, with the owners that decide what their users may write. */
export const FOLDERS: Entry[] = [
  { path: 'tmp', mode: 0o1777 },
  { path: 'usr/bin/env', link: '/bin/busybox' },
  { path: 'data', ...open },
  { path: 'home/pgbouncer', ...open },
  { path: 'bitnami', mode: 0o775 },
  { path: 'bitnami/postgresql', mode: 0o775 },
  { path: 'opt/bitnami/postgresql/tmp', ...open },
  { path: 'opt/airflow', ...airflow },
  { path: 'opt/airflow/dags', ...airflow },
  { path: 'opt/airflow/logs', ...airflow },
  { path: 'opt/airflow/config', ...airflow },
  { path: 'etc/passwd', bytes: 'root:x:0:0:root:/:/bin/sh\nairflow:x:50000:0::/opt/airflow:/bin/sh\npostgres:x:1001:0::/:/bin/sh\nsshd:x:101:65534::/run/sshd:/bin/false\ngit-sync:x:65533:65533::/tmp:/bin/sh\n' },
  { path: 'etc/group', bytes: 'root:x:0:\n' },
]
