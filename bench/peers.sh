#!/usr/bin/env bash
# Installs what keepgate is measured against into .cache/bench, each from its own committed lock file, without root.
#
#   fastmcp mcp-proxy litellm contextforge   from PyPI, bench/peers/NAME/requirements.txt, each in a venv of its own
#   npm                                      mcp-proxy and supergateway, bench/peers/npm/package-lock.json
#
# What cannot be installed here is named and skipped: the table then says so. A second run does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
into=$root/.cache/bench
mkdir -p "$into/stamps"

pypi() {
    "$root/.uv/bin/uv" venv --quiet --clear --python "$root/.venv/bin/python" "$into/$1"
    "$root/.uv/bin/uv" pip install --quiet --python "$into/$1/bin/python" --require-hashes --only-binary :all: \
        -r "bench/peers/$1/requirements.txt"
}

npm_packages() {
    rm -rf "$into/npm"
    mkdir -p "$into/npm"
    cp bench/peers/npm/package.json bench/peers/npm/package-lock.json "$into/npm/"
    (cd "$into/npm" && PATH="$root/.cache/peers/bin:$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

part() { # NAME LOCKFILE COMMAND...
    local now
    now=$(sha256sum <"$2")
    [ "$(cat "$into/stamps/$1" 2>/dev/null || true)" = "$now" ] && return 0
    echo "bench: installing $1"
    rm -f "$into/stamps/$1"
    if "${@:3}"; then
        echo "$now" >"$into/stamps/$1"
    else
        echo "bench: $1 cannot be installed here; the table leaves it out" >&2
    fi
}

for name in fastmcp mcp-proxy litellm contextforge; do
    part "$name" "bench/peers/$name/requirements.txt" pypi "$name"
done
part npm bench/peers/npm/package-lock.json npm_packages
