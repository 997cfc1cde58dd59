#!/usr/bin/env bash
# Writes requirements/peers.txt and peers-3.11.txt anew: the newest of requirements/peers.in that Python 3.12 and 3.11 can
# run. Usage: lock_peers.sh PIP_COMPILE_OF_3.12 PIP_COMPILE_OF_3.11
set -euo pipefail
cd "$(dirname "$0")/.."

compile() { # pip-compile, output
  "$1" --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file "$2" requirements/peers.in
}

compile "$1" requirements/peers.txt
compile "$2" requirements/peers-3.11.txt
