#!/usr/bin/env bash
# Makes sure that programs which only Debian's packages bring are there: as root they are installed, otherwise named.
#
#   system.sh chromium libc6-dev:/usr/include/stdio.h ...
#
# Package names, each with the program or file that it brings where that is called differently. Missing ones are an error
# under CI=true; elsewhere what needs them is skipped and says so. No service is started by installing one.
set -euo pipefail

lacking() { # PACKAGE[:WHAT]... : the packages of what is not there
    local each what
    for each in "$@"; do
        what=${each#*:}
        [[ $what = /* && -e $what ]] || PATH=$PATH:/usr/sbin command -v "$what" >/dev/null 2>&1 || echo "${each%%:*}"
    done
}

mapfile -t missing < <(lacking "$@")
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "system: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    for _ in 1 2 3; do # another installation may hold the lock
        apt-get update -qq </dev/null || true
        apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=60 "${missing[@]}" </dev/null >/dev/null && break
        sleep 2
    done
fi

mapfile -t left < <(lacking "$@")
[ ${#left[@]} -gt 0 ] || exit 0
echo "system: not installed: ${left[*]} (as root: apt-get install ${left[*]}); what needs them is skipped" >&2
[ "${CI:-}" != true ] || { echo "system: CI=true allows no skips" >&2; exit 1; }
