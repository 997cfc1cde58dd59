#!/usr/bin/env bash
# Puts mitmproxy and proxy.py into a virtual environment of their own. Usage: peers.sh DIRECTORY
# The newest mitmproxy needs Python 3.12. Where there is only 3.11, the last one for that is installed; the figures say so.
set -euo pipefail
cd "$(dirname "$0")/.."
directory=$1

is_new() { "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' >/dev/null 2>&1; }

python=$(tools/python.sh)
list=requirements/peers-3.11.txt
pyenv=${PYENV_ROOT:-$HOME/.pyenv}/versions
for candidate in python3.13 "$pyenv"/3.13.*/bin/python3 python3.12 "$pyenv"/3.12.*/bin/python3; do
  if is_new "$candidate"; then
    python=$candidate
    list=requirements/peers.txt
    break
  fi
done
echo "installing $list into $directory" >&2
"$python" -m venv --clear "$directory"
"$directory/bin/python" -m pip --disable-pip-version-check --quiet --quiet install --require-hashes -r "$list"
