#!/usr/bin/env bash
# Builds the authorization and identity servers that `make bench` compares Admit with, from their sources.
#
#   scripts/peers.sh [DIR]   build what is missing into DIR (default: PEERS_DIR, else .cache/peers)
#                            and print DIR
#
# The sources come as Go modules, those of Dex from its repository (DEX_REPOSITORY names another
# copy of it), because its modules end years ago; it needs git and a C compiler. Modules are built in
# a copy of their folder, because their go.mod files hold replace directives, which `go install`
# refuses. It takes twenty minutes on two processors, 6 GB of disk for the build and 500 MB for the
# binaries. The file VERSIONS says what DIR holds; a binary of another version is built again.
set -euo pipefail
cd "$(dirname "$0")/.."

# Name, module, version; then, where they differ from ./cmd/NAME and none: the package, and the module
# whose replace directive names a folder that the module does not hold.
peers="openfga github.com/openfga/openfga v1.22.1
spicedb github.com/authzed/spicedb v1.56.0
cerbos github.com/cerbos/cerbos v0.55.0
hydra github.com/ory/hydra/v2 v2.3.0 . github.com/ory/hydra-client-go/v2"

case "${1:-}" in -h | --help) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit ;; esac
dir=${1:-${PEERS_DIR:-.cache/peers}}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

has() { [ -x "$dir/$1" ] && grep -qsx "$1 $2" "$dir/VERSIONS"; }

build() {
  local name=$1 module=$2 version=$3 package=${4:-./cmd/$1} replaced=${5:-} source work
  echo "peers.sh: building $name $version" >&2
  source=$(go mod download -json "$module@$version" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p')
  [ -n "$source" ] || { echo "peers.sh: $module $version cannot be had" >&2; return 1; }
  work=$(mktemp -d "$dir/build.XXXXXX")
  cp -r "$source/." "$work"
  chmod -R u+w "$work"
  if [ -n "$replaced" ]; then (cd "$work" && go mod edit -dropreplace "$replaced"); fi
  if (cd "$work" && GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0 go build -trimpath -o "$dir/$name.new" "$package") >&2; then
    mv "$dir/$name.new" "$dir/$name"
    { grep -v "^$name " "$dir/VERSIONS" 2>/dev/null || true; echo "$name $version"; } >"$dir/VERSIONS.new"
    mv "$dir/VERSIONS.new" "$dir/VERSIONS"
    rm -rf "$work"
  else
    rm -rf "$work" "$dir/$name.new"
    echo "peers.sh: $name $version does not build; the benchmark will say that it is absent" >&2
    return 1
  fi
}

dex=ab64ed778070e983cbb10cfc07ea4bb397d14312
build_dex() {
  local work
  echo "peers.sh: building dex $dex" >&2
  work=$(mktemp -d "$dir/build.XXXXXX")
  if git clone -q "${DEX_REPOSITORY:-https://github.com/dexidp/dex}" "$work" >&2 && git -C "$work" checkout -q "$dex" >&2 &&
    (cd "$work" && GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=1 go build -trimpath -o "$dir/dex.new" ./cmd/dex) >&2; then
    mv "$dir/dex.new" "$dir/dex"
    { grep -v "^dex " "$dir/VERSIONS" 2>/dev/null || true; echo "dex $dex"; } >"$dir/VERSIONS.new"
    mv "$dir/VERSIONS.new" "$dir/VERSIONS"
    rm -rf "$work"
  else
    rm -rf "$work" "$dir/dex.new"
    echo "peers.sh: dex cannot be had or does not build; the benchmark will say that it is absent" >&2
    return 1
  fi
}

failed=0
while read -r name module version package replaced; do
  has "$name" "$version" || build "$name" "$module" "$version" "$package" "$replaced" </dev/null || failed=1
done <<<"$peers"
has dex "$dex" || build_dex || failed=1
echo "$dir"
exit "$failed"
