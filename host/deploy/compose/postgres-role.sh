#!/bin/bash
# Run once by Postgres' image, when it makes the database: the role of the service, which owns nothing.
# `certus db migrate` grants it what it needs. The password is read by psql itself, so that no list of
# processes shows it.
set -euo pipefail
export ROLE_PASSWORD_FILE=${ROLE_PASSWORD_FILE:-/run/secrets/database-password}
test -s "$ROLE_PASSWORD_FILE"
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set password `cat "$ROLE_PASSWORD_FILE"`
CREATE ROLE certus LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
SQL
