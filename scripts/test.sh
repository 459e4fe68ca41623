#!/usr/bin/env bash
# All tests, cheap ones first: scripts/test.sh [all|quick|lint|soak TIME]
#
# Ends with one line, "N passed, N failed", which counts tests (a step without tests counts as one).
# The full output of each step is in test/artifacts/log.
set -uo pipefail
cd "$(dirname "$0")/.."
what=${1:-all} long=${2:-10m}
logs=$PWD/test/artifacts/log
rm -rf "$logs" && mkdir -p "$logs"
passed=0 failed=0 began=$SECONDS number=0
# The race detector is for our code: what is C in other clothes, or computes and shares nothing, runs without it,
# in half of the time and less.
race=(-race '-gcflags=modernc.org/sqlite/lib=-race=false' '-gcflags=modernc.org/libc=-race=false' '-gcflags=golang.org/x/crypto/...=-race=false')
ADMIT_BIN=$PWD/bin/admit ADMIT_BIN_TESTCLOCK=$PWD/bin/admit-testclock
export -n ADMIT_BIN ADMIT_BIN_TESTCLOCK # until they are built
unset ADMIT_TEST_POSTGRES

# step NAME COMMAND...: run it, show what failed, count what ran.
step() {
  local name=$1 log start=$SECONDS
  shift
  new_log "$name"
  "$@" >"$log" 2>&1
  told "$name" "$log" $? $((SECONDS - start))
}

# behind NAME COMMAND...: begin a step that takes what the next ones leave of the processors, which is half of them, and
# last: those wait most of the time, and some of them measure.
behind() {
  local log
  name_behind=$1 start_behind=$(date +%s)
  shift
  new_log "$name_behind"
  log_behind=$log
  nice -n 10 "$@" >"$log" 2>&1 &
  behind=$!
}

# caught_up: wait for the step that was begun behind the others, and tell of it as of any.
caught_up() {
  local status
  wait "$behind"
  status=$?
  behind=
  told "$name_behind" "$log_behind" $status $(($(date -r "$log_behind" +%s) - start_behind))
}

# new_log NAME: sets log.
new_log() {
  number=$((number + 1))
  log=$(printf '%s/%02d-%s.log' "$logs" "$number" "${1// /-}")
}

# told NAME LOG STATUS SECONDS
told() {
  local name=$1 log=$2 status=$3 ok bad
  ok=$(count "$log" '^ *--- PASS: ' '^(# |ℹ )pass [0-9]+$')
  bad=$(count "$log" '^ *--- FAIL: ' '^(# |ℹ )fail [0-9]+$')
  if [ "$ok" = 0 ] && [ "$bad" = 0 ] && [ $status = 0 ]; then ok=1; fi
  if [ "$bad" = 0 ] && [ $status != 0 ]; then bad=1; fi
  passed=$((passed + ok)) failed=$((failed + bad))
  if [ "$bad" = 0 ]; then
    printf 'ok    %-34s %5d passed  %4ds\n' "$name" "$ok" "$4"
    grep -hE '^(skipped|note): ' "$log" | sed 's/^/      /'
  else
    printf 'FAIL  %-34s %5d passed, %d failed  %4ds  (%s)\n' "$name" "$ok" "$bad" "$4" "${log#"$PWD/"}"
    explain "$log"
  fi
  return $((bad > 0))
}

# count LOG GO-PATTERN NODE-PATTERN
count() {
  local go node
  go=$(grep -cE "$2" "$1")
  node=$(grep -E "$3" "$1" | awk '{n += $3} END {print n + 0}')
  echo $((go + node))
}

# explain LOG: the parts of a log that tell what went wrong.
explain() {
  if grep -qE '^ *--- FAIL: |^FAIL|^panic: |^✖ |^not ok ' "$1"; then
    grep -nE '^ *--- FAIL: |^panic: |^FAIL|DATA RACE|^✖ |^not ok ' "$1" | head -30 | sed 's/^/      /'
    said "$1" | head -80 | sed 's/^/      | /'
    sed -n '/^✖ failing tests:/,$p' "$1" | grep -vE '^ +at ' | head -80 | sed 's/^/      | /' # node says there what went wrong
    grep -E -A12 '^panic: |DATA RACE' "$1" | grep -vE '^ *--- PASS|^=== ' | head -80 | sed 's/^/      | /'
  else
    tail -40 "$1" | sed 's/^/      | /'
  fi
}

# said LOG: each Go test that failed, and what it had said, which -v prints before.
said() {
  awk '
    /^=== (RUN|CONT|NAME) / { now = $3; next }
    /^ *--- (PASS|SKIP): / { delete kept[$3]; next }
    /^ *--- FAIL: / { print; printf "%s", kept[$3]; delete kept[$3]; next }
    /^ +[A-Za-z0-9_]+\.go:[0-9]+: / { if (split(kept[now], lines, "\n") <= 12) kept[now] = kept[now] substr($0, 1, 600) "\n" }
  ' "$1"
}

finish() {
  if [ -n "${behind:-}" ]; then kill "$behind" 2>/dev/null; fi
  if [ -n "${pgdir:-}" ]; then ./scripts/postgres.sh stop "$pgdir"; fi
  if [ -n "${fast:-}" ]; then rm -rf "$fast"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM

close() {
  echo "took $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s"
  echo "$passed passed, $failed failed"
  exit $((failed > 0))
}

format() {
  local bad
  bad=$(gofmt -l $(git ls-files -co --exclude-standard '*.go'))
  [ -z "$bad" ] || { echo "not formatted (gofmt -w): $bad"; return 1; }
}

vulnerabilities() {
  local db=${GOVULNDB:-https://vuln.go.dev}
  case "$db" in
    file://*) [ -f "${db#file://}/index/db.json" ] || { echo "skipped: no vulnerability database at $db"; return 0; } ;;
    *) curl -fsS -m 5 -o /dev/null "$db/index/db.json" 2>/dev/null || { echo "skipped: the vulnerability database $db cannot be reached from here; set GOVULNDB to a copy (file:///...)"; return 0; } ;;
  esac
  go tool -modfile=tools/go.mod govulncheck -db "$db" ./...
}

binaries() {
  make -s build && CGO_ENABLED=0 go build -tags testclock -o "$ADMIT_BIN_TESTCLOCK" ./cmd/admit &&
    if command -v file >/dev/null && file bin/admit | grep -q 'dynamically linked'; then echo "bin/admit is not static"; return 1; fi
}

# memory keeps what tests write in memory, where there is room: no test is about what a disk does when the power fails,
# and most of them wait for it else.
memory() {
  local probe=/dev/shm/admit-test-$$ room free
  room=$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 {print $4}')
  free=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo 2>/dev/null)
  if [ "${room:-0}" -lt 6000 ] || [ "${free:-0}" -lt 10000 ] || ! mkdir -m 755 "$probe" 2>/dev/null; then return; fi
  fast=$probe
  if printf '#!/bin/sh\n' >"$fast/run" && chmod +x "$fast/run" && "$fast/run" 2>/dev/null; then # it may be mounted noexec
    export GOTMPDIR=${GOTMPDIR:-${TMPDIR:-/tmp}} TMPDIR=$fast
  fi
}

postgres() {
  pgdir=$(mktemp -d -t admit-postgres-XXXXXX)
  ADMIT_TEST_POSTGRES=$(./scripts/postgres.sh start "$pgdir") || return 1
  export ADMIT_TEST_POSTGRES
}

# In a function, so that the shell has read all of it before an edit can change the rest.
main() {
  if [ "$what" = soak ]; then
    step 'binaries' binaries || close
    export ADMIT_BIN
    postgres || { failed=1; close; }
    export ADMIT_TEST_SOAK=$long
    step 'rotation of keys' go test -count=1 -v -run TestSoakRotation ./internal/surface/oidc
    step 'soak' go test -count=1 -timeout 0 -v -run TestSoak ./test/attack
    close
  fi

  if [ "$what" = all ]; then memory; fi
  # The packages whose tests need no running server.
  local units
  units=$(go list ./... | grep -vE '/test/(attack|durable|local)$|/cmd/admit$|/internal/archtest$')

  step 'format' format || close
  step 'vet' go vet ./... || close # all of it, so that go test need not look again (-vet=off)
  step 'architecture' go test -count=1 -v ./internal/archtest
  # The step with both databases runs all of these again, with the race detector: once is enough there.
  if [ "$what" != all ]; then step 'units on SQLite' go test -v -vet=off -timeout 15m $units; fi
  if [ "$what" = quick ]; then close; fi
  step 'staticcheck' go tool -modfile=tools/go.mod staticcheck ./...
  step 'known vulnerabilities' vulnerabilities
  if [ "$what" = lint ]; then close; fi

  step 'binaries' binaries || close
  export ADMIT_BIN ADMIT_BIN_TESTCLOCK
  ./scripts/deps.sh || { failed=$((failed + 1)); close; }
  postgres || { failed=$((failed + 1)); close; }
  behind 'both databases, race detector' go test "${race[@]}" -v -vet=off -timeout 60m $units
  step 'command line' go test -count=1 -v -timeout 15m ./cmd/admit
  step 'kill -9, histories, two nodes' go test -count=1 -v -timeout 20m ./test/durable
  step 'attacks' go test -count=1 -v -parallel 4 -timeout 30m -skip '^TestENM_' ./test/attack
  step 'foreign SDKs' node test/run.mjs compat
  step 'strict clients' node test/run.mjs conformance
  step 'strict clients in Go' go test -C test/conformance -count=1 -v -timeout 15m ./...
  step 'browser' node test/run.mjs e2e
  caught_up
  step 'attacks by the time of answers' go test -count=1 -v -timeout 15m -run '^TestENM_' ./test/attack # wants a quiet machine
  step 'local decisions' go test "${race[@]}" -count=1 -v -parallel 4 -timeout 20m ./test/local
  close
}

main
