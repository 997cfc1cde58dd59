#!/usr/bin/env bash
# Writes requirements/{runtime,demo,dev}.txt anew from pyproject.toml: exact versions with the hashes of all their files.
# Each list holds the one before it. Run it with the oldest Python that is supported. `--upgrade` moves to newer releases.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() { # name, then further arguments
  local name=$1
  shift
  "${LOCKER:-pip-compile}" --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
    --output-file "requirements/$name.txt" "$@" pyproject.toml requirements/build.in
}

upgrade=("$@")
compile runtime "${upgrade[@]}"
compile demo --extra demo -c requirements/runtime.txt "${upgrade[@]}"
compile dev --extra demo --extra dev -c requirements/demo.txt "${upgrade[@]}"
if grep -nE 'https?://|index-url|find-links' requirements/*.txt; then
  echo "a lock file names a download address; remove it" >&2
  exit 1
fi
