#!/usr/bin/env bash
# Checks licences, bans and sources of every dependency, and known advisories where their database can be
# had. Where it cannot, says so in one line: not checked is not the same as none found.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
deny=$top/.tools/bin/cargo-deny
cd "$top"

"$deny" --locked check bans licenses sources

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if timeout 60 "$deny" fetch db >"$log" 2>&1; then
  "$deny" --locked check advisories
else
  echo "advisories NOT CHECKED: the advisory database could not be fetched ($(grep -v '^ *$' "$log" | tail -n 1 | sed 's/^ *//'))"
fi
