#!/usr/bin/env bash
# Makes sure that what no Python package brings is there. Usage: system_parts.sh run|test|bench|chain|databases|peers|compile|browser|matrix
# Installs missing parts only as root on a machine with apt-get; anywhere else it says what is missing and how to get it.
set -euo pipefail

missing=()

want() { # Debian package, then a command that succeeds where it is there
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

want_header() { [ -n "$(find /usr/include /usr/local/include -path "*/$1" -print -quit 2>/dev/null)" ]; }

has_squid_with_tls() { squid -v | grep -- --with-openssl; }

has_postgresql() { command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres'; }

has_any() { command -v "$@"; }

has_python_header() {
  "$python" -c 'import pathlib, sys, sysconfig as at; sys.exit(not pathlib.Path(at.get_path("include"), "Python.h").exists())'
}

python=$("$(dirname "$0")/python.sh")
version=$("$python" -c 'import sys; print(f"{sys.version_info.major}.{sys.version_info.minor}")')
want "python$version-venv" "$python" -c 'import ensurepip, venv'

case ${1:-run} in
  run) ;;
  test)
    want git git --version
    want curl curl --version
    want openssl openssl version
    want nginx-light nginx -v
    want nodejs node --version
    want npm npm --version
    ;;
  bench)
    want gcc gcc --version
    want libssl-dev want_header openssl/ssl.h
    ;;
  compile)
    want gcc gcc --version
    want "python$version-dev" has_python_header
    ;;
  peers)
    want nginx-light nginx -v
    want squid-openssl has_squid_with_tls
    want golang-go go version
    ;;
  chain)
    want squid-openssl has_any squid
    want iproute2 has_any ip
    ;;
  databases)
    want postgresql has_postgresql
    ;;
  browser)
    want chromium has_any chromium chromium-browser google-chrome
    ;;
  shells)
    want zsh zsh --version
    want fish fish --version
    want mandoc has_any mandoc
    want groff-base has_any groff
    ;;
  matrix)
    want wget wget --version
    want git-lfs git lfs version
    want gh gh --version
    want golang-go go version
    want ruby ruby --version
    want php-cli php --version
    want php-curl php -r 'exit(function_exists("curl_init") ? 0 : 1);'
    want default-jdk-headless javac -version
    ;;
  *)
    echo "unknown set of parts: $1 (run, test, bench, peers, compile, chain, databases, browser, shells or matrix)" >&2
    exit 2
    ;;
esac

[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  policy=/usr/sbin/policy-rc.d # keeps packages from starting their servers, which are started here when they are wanted
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  exit 0
fi
echo "missing: ${missing[*]}" >&2
echo "install them (Debian: sudo apt-get install ${missing[*]}) and run make again" >&2
exit 1
