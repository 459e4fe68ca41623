#!/usr/bin/env bash
# A private PostgreSQL for the tests, in a directory of its own on a free port.
#
#   scripts/postgres.sh start DIR   start it and print the postgres:// URL of the tests' role
#   scripts/postgres.sh stop DIR    stop it and remove DIR
#   scripts/postgres.sh kill DIR    end all its processes with SIGKILL
#   scripts/postgres.sh again DIR   start it again on the same data and port, after a kill
#
# With PG_DURABLE=1 an answered commit outlives a kill, which the other tests do not need.
# PG_SETTINGS is for further options of the server, which beat the ones here.
# The role may make databases and schemas but is no superuser, because a superuser passes by
# row-level security and the tests must not.
set -euo pipefail

fail() { echo "postgres.sh: $*" >&2; exit 1; }

binaries() {
  local dir
  for dir in "${PG_BIN:-}" "$(dirname "$(command -v pg_ctl 2>/dev/null || echo /none/pg_ctl)")" $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin 2>/dev/null | sort -rV); do
    if [ -n "$dir" ] && [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ] && [ -x "$dir/psql" ]; then echo "$dir"; return; fi
  done
  fail "PostgreSQL 15 or newer is not installed: apt-get install postgresql, or set PG_BIN to the folder of initdb"
}

# PostgreSQL refuses to run as root, so root hands over to the user that Debian's package makes.
as_owner() {
  if [ "$(id -u)" != 0 ]; then "$@"; return; fi
  id postgres >/dev/null 2>&1 || fail "as root this needs the system user postgres, which the package postgresql makes"
  (cd / && runuser -u postgres -- "$@")
}

free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 20000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
  fail "no free port"
}

run() {
  local dir=$1 bin=$2
  as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 -o "$(cat "$dir/options")" start >>"$dir.log" 2>&1
}

# The first line of postmaster.pid names the parent of all processes.
kill_all() {
  local parent
  parent=$(head -1 "$1/data/postmaster.pid")
  # shellcheck disable=SC2046 # the children are words
  kill -9 "$parent" $(pgrep -P "$parent")
  while ps -o stat= -p "$parent" | grep -qv Z; do sleep 0.01; done
  rm -f "$1/data/postmaster.pid" "$1"/.s.PGSQL.*.lock # where nobody reaps it, the dead parent would look alive
}

start() {
  local dir=$1 bin port commit=off
  if [ -n "${PG_DURABLE:-}" ]; then commit=on; fi
  bin=$(binaries)
  mkdir -p "$dir"
  if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; fi
  as_owner "$bin/initdb" -D "$dir/data" -U admin -A trust -E UTF8 --locale=C --no-sync >"$dir.log" 2>&1 || fail "initdb: $(tail -3 "$dir.log")"
  for attempt in 1 2 3; do
    port=$(free_port)
    # No fsync: the tests look for lost updates, not for power cuts, and PostgreSQL's own durability is not ours to test.
    echo "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir -c fsync=off -c full_page_writes=off -c synchronous_commit=$commit -c max_connections=500 -c shared_buffers=64MB -c autovacuum=off ${PG_SETTINGS:-}" >"$dir/options"
    if run "$dir" "$bin"; then break; fi
    [ "$attempt" = 3 ] && fail "the server does not start: $(as_owner tail -3 "$dir/server.log")"
  done
  as_owner "$bin/psql" -q -h 127.0.0.1 -p "$port" -U admin -d postgres -v ON_ERROR_STOP=1 \
    -c "CREATE ROLE admit_test LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS" -c "CREATE DATABASE admit_test OWNER admit_test" >>"$dir.log" 2>&1 || {
    tail -3 "$dir.log" >&2
    stop "$dir"
    fail "the tests' role cannot be made"
  }
  echo "postgres://admit_test@127.0.0.1:$port/admit_test?sslmode=disable"
}

stop() {
  local dir=$1 bin
  bin=$(binaries)
  if [ -d "$dir/data" ]; then as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true; fi
  rm -rf "$dir" "$dir.log"
}

case "${1:-}:${2:-}" in
  start:?*) start "$2" "${3:-}" ;;
  stop:?*) stop "$2" ;;
  kill:?*) kill_all "$2" ;;
  again:?*) run "$2" "$(binaries)" || fail "it does not start again: $(as_owner tail -3 "$2/server.log")" ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
