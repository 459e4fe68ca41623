#!/usr/bin/env bash
# Runs every fuzz target for a time: scripts/fuzz.sh 30s
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
grep -rl --include='*_test.go' '^func Fuzz' internal client cmd test 2>/dev/null | xargs -n1 dirname | sort -u | while read -r folder; do
  grep -ho '^func Fuzz[A-Za-z0-9_]*' "$folder"/*_test.go | sed 's/^func //' | sort -u | while read -r target; do
    echo "fuzz: $folder $target"
    go test -run='^$' -fuzz="^$target\$" -fuzztime="$time" "./$folder" </dev/null
  done
done
