/**
 * What runs in the pod, as it stands: names come in as arguments ($1, $2), the password is in the
 * pod's own environment or files and is never said. Only what PostgreSQL 11's own clients know is used.
 */

/**
 * As the superuser where the pod has its password and the server still takes it (who gives a Secret
 * another password changes the pod's environment, and not what lies in the volume), else as Airflow's
 * own user. A client's pod has been told everything.
 */
const prelude = String.raw`set -eu
export PGCONNECT_TIMEOUT=10 PGOPTIONS='-c client_min_messages=warning -c statement_timeout=0'
of() {
  for name in "$@"; do
    eval "file=\${$name""_FILE:-} value=\${$name"":-}"
    if [ -n "$file" ]; then cat "$file"; return; fi
    if [ -n "$value" ]; then printf %s "$value"; return; fi
  done
}
if [ -z "$(of PGPASSWORD)" ]; then
  export PGHOST=127.0.0.1 PGPORT="$(of POSTGRESQL_PORT_NUMBER)" PGUSER=postgres
  [ -n "$PGPORT" ] || PGPORT=5432
  PGPASSWORD="$(of POSTGRES_POSTGRES_PASSWORD POSTGRESQL_POSTGRES_PASSWORD)"
  export PGPASSWORD
  if [ -z "$PGPASSWORD" ] || ! psql -XAtqc 'SELECT 1' -d "$1" > /dev/null 2>&1; then
    PGUSER="$(of POSTGRES_USER POSTGRESQL_USERNAME)"
    [ -n "$PGUSER" ] || PGUSER=postgres
    PGPASSWORD="$(of POSTGRES_PASSWORD POSTGRESQL_PASSWORD)"
  fi
fi
sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
`

/** Facts as lines: a word, a tab, what it is. */
const facts = String.raw`SELECT 'server' || chr(9) || current_setting('server_version');
SELECT 'bytes' || chr(9) || pg_database_size(current_database());
SELECT to_regclass('alembic_version') IS NOT NULL AS migrated \gset
\if :migrated
SELECT 'revision' || chr(9) || string_agg(version_num, ',' ORDER BY version_num) FROM alembic_version;
\endif
`

const counts = String.raw`SELECT format('SELECT %L || chr(9) || %L || chr(9) || count(*) FROM %I.%I', 'rows', CASE schemaname WHEN 'public' THEN tablename ELSE schemaname || '.' || tablename END, schemaname, tablename)
  FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY schemaname, tablename \gexec
`

/** Names that airstrip gives to a database of its own; the time is that of its run. */
export const names = { scratch: 'airstrip_scratch_', fresh: 'airstrip_restore_', kept: '_before_restore_' }

/** What is there, and how much room beside it. */
export const look = String.raw`${prelude}sql -d "$1" <<'SQL'
${facts}SELECT 'database' || chr(9) || datname FROM pg_database ORDER BY datname;
SQL
folder="$(of PGDATA)"
[ -n "$folder" ] || folder=/bitnami/postgresql
if [ "$PGHOST" = 127.0.0.1 ] && [ -d "$folder" ]; then printf 'free\t%s\n' "$(df -Pk "$folder" | tail -n 1)"; fi
`

/**
 * The dump on stdout. What is counted, on stderr, is of the very snapshot that is dumped, so that both
 * agree to the row while Airflow goes on writing. psql says nothing of how what it started has ended,
 * so that is said in its own line, which is also how a stream that was cut off shows.
 */
export const dump = String.raw`${prelude}export PGDATABASE="$1"
sql <<'SQL'
\o |cat >&2
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
${facts}${counts}\o
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\! pg_dump -Fc --snapshot="$SNAPSHOT"; printf 'ended\t%s\n' "$?" >&2
COMMIT;
SQL
`

/**
 * A dump from stdin into the new database $2, made as $1 is, with its owner and its rights; then what is
 * in it. Who is no superuser owns what he makes.
 */
export const load = String.raw`${prelude}sql -d postgres -v source="$1" -v fresh="$2" <<'SQL'
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', :'fresh', pg_encoding_to_char(encoding), datcollate, datctype)
  || CASE WHEN rolsuper THEN format(' OWNER %I', pg_get_userbyid(datdba)) ELSE '' END
  FROM pg_database, pg_roles WHERE datname = :'source' AND rolname = current_user \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'fresh') FROM pg_database WHERE datname = :'source' AND datacl IS NOT NULL \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s', privilege_type, :'fresh', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
  FROM pg_database, aclexplode(datacl) WHERE datname = :'source' \gexec
SELECT format('ALTER DATABASE %I SET %I = %L', :'fresh', split_part(one, '=', 1), substr(one, strpos(one, '=') + 1))
  FROM pg_database d, pg_db_role_setting s, unnest(setconfig) one
  WHERE d.oid = s.setdatabase AND setrole = 0 AND datname = :'source' AND one !~ '^(search_path|temp_tablespaces|.*_libraries)=' \gexec
SQL
owner=--no-owner
[ "$(sql -d postgres -c 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')" != t ] || owner=
pg_restore --exit-on-error $owner -d "$2"
sql -d "$2" <<'SQL'
${facts}${counts}SELECT 'ended' || chr(9) || 0;
SQL
`

/**
 * $2 becomes $1, and $1 becomes $3: in one transaction, so whatever is cut off, there is a database $1.
 * A rename waits for who is connected, and whoever comes back meanwhile waits for the rename.
 */
export const swap = String.raw`${prelude}tries=0
until sql -d postgres -v database="$1" -v fresh="$2" -v kept="$3" <<'SQL'
BEGIN;
\o /dev/null
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (:'database', :'fresh') AND pid <> pg_backend_pid();
\o
ALTER DATABASE :"database" RENAME TO :"kept";
ALTER DATABASE :"fresh" RENAME TO :"database";
COMMIT;
SQL
do
  tries=$((tries + 1))
  [ "$tries" -lt 8 ] || exit 1
  sleep 1
done
`

/** $2 is dropped, where it is there. */
export const drop = String.raw`${prelude}sql -d postgres -v name="$2" <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name' AND pid <> pg_backend_pid() \g /dev/null
DROP DATABASE IF EXISTS :"name";
SQL
`

/** Databases of ours that a run left behind which was killed, told from one at work by nobody being connected. */
export const sweep = String.raw`${prelude}psql -XAtq -d postgres -v scratch='${names.scratch}' -v fresh='${names.fresh}' <<'SQL'
SELECT datname AS name, 'swept' || chr(9) || datname AS said INTO TEMP left_over FROM pg_database d
  WHERE (starts_with(datname, :'scratch') OR starts_with(datname, :'fresh')) AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname);
SELECT format('DROP DATABASE %I', name) FROM left_over \gexec
SELECT said FROM left_over WHERE name NOT IN (SELECT datname FROM pg_database);
SQL
`
