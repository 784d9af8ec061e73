#!/usr/bin/env bash
# Makes sure that programs which only Debian's packages bring are there: as root they are installed, otherwise named.
#
#   system.sh chromium ...     package names; a program of the same name must be on PATH afterwards
#
# Missing ones are an error under CI=true; elsewhere the tests that need them are skipped and say so.
set -euo pipefail
missing=()
for name in "$@"; do
    command -v "$name" >/dev/null 2>&1 || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "system: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null && apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null || true
fi

left=()
for name in "${missing[@]}"; do
    command -v "$name" >/dev/null 2>&1 || left+=("$name")
done
[ ${#left[@]} -gt 0 ] || exit 0
echo "system: not installed: ${left[*]} (as root: apt-get install ${left[*]}); the tests that need them are skipped" >&2
[ "${CI:-}" != true ] || { echo "system: CI=true allows no skips" >&2; exit 1; }
