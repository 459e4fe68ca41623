#!/usr/bin/env bash
# The side-by-side benchmark: Admit, the least that net/http does, and other authorization
# and identity servers, in one run. It writes docs/reference/performance.md.
#
#   scripts/bench.sh [FLAG...]   flags of test/load (-help lists them)
#
# PostgreSQL, if it is installed, is started for the run with everything durable, and
# removed afterwards; without it, what needs it is reported as not measured. Peers are taken
# from PEERS_DIR (default .cache/peers), where scripts/peers.sh builds them; one that is not
# there is reported as absent; oidc-provider comes with the tests' own packages (make deps). With
# peers a run takes about twenty-five minutes at most, without them ten.
set -euo pipefail
cd "$(dirname "$0")/.."

flags=()
work=$(mktemp -d)
chmod 711 "$work"
finish() {
  trap - EXIT INT TERM
  if [ -n "${postgres:-}" ]; then scripts/postgres.sh stop "$postgres"; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

postgres=$work/postgres
if url=$(PG_SETTINGS="-c fsync=on -c full_page_writes=on -c synchronous_commit=on -c shared_buffers=256MB -c max_wal_size=2GB" \
  scripts/postgres.sh start "$postgres"); then
  flags+=(-postgres "$url")
else
  echo "bench.sh: no PostgreSQL; two nodes and the peers on PostgreSQL are not measured" >&2
  postgres=
fi
peers=${PEERS_DIR:-.cache/peers}
for name in openfga spicedb cerbos dex hydra; do
  [ -x "$peers/$name" ] || echo "bench.sh: $name is not in $peers; scripts/peers.sh builds it" >&2
done
go build -o "$work/load" ./test/load
"$work/load" -binary bin/admit -peers "$peers" "${flags[@]}" "$@"
