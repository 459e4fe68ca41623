#!/usr/bin/env bash
# What the tests need beyond Go: PostgreSQL, Chromium with fonts, Node with the SDKs under test,
# and relying parties from Debian.
# On Debian as root it installs what is missing; elsewhere it says in one line what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { # need PACKAGE TEST...: the package is missing when the test fails
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
has_postgres() { command -v initdb || ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb || [ -x "${PG_BIN:-/none}/initdb" ]; }
has_chromium() { [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; }
has_shell() { [ -n "${CHROMIUM_SHELL:-}" ] || command -v chromium-headless-shell; }
has_fonts() { [ -n "$(fc-list)" ]; }
has_japanese() { [ -n "$(fc-list :lang=ja)" ]; }
has_apache() { command -v apache2 || [ -x /usr/sbin/apache2 ]; }
has_auth_openidc() { [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ]; }
has_node() { command -v node && command -v npm && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; }

need postgresql has_postgres
need postgresql-client command -v psql
need chromium has_chromium
need fontconfig command -v fc-list
need fonts-dejavu-core has_fonts
need fonts-noto-cjk has_japanese
need nodejs has_node
need npm command -v npm
need make command -v make
# Relying parties that are not ours, for test/conformance. apache2-bin brings no running service.
need apache2-bin has_apache
need libapache2-mod-auth-openidc has_auth_openidc
need oidc-agent-cli command -v oidc-agent

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "deps: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
      tail -5 "$log" >&2
      echo "deps: install these yourself: ${missing[*]}" >&2
      exit 1
    fi
    rm -f "$log"
  else
    echo "deps: please install: ${missing[*]} (PG_BIN and CHROMIUM can name other places)" >&2
    exit 1
  fi
fi

# The engine of Chromium alone is not needed, only quicker: not every Debian has it.
if ! has_shell >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null 2>&1 ||
    echo "deps: without chromium-headless-shell the browser tests take twice as long"
fi

# npm ci where the installed packages are not those of the lock file.
for folder in test examples/quickstart; do
  [ -f "$folder/package-lock.json" ] || continue
  stamp="$folder/node_modules/.lock-sum"
  sum=$(cksum <"$folder/package-lock.json")
  if [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ]; then
    echo "deps: npm ci in $folder"
    (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error)
    echo "$sum" >"$stamp"
  fi
done
