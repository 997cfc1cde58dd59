#!/usr/bin/env bash
# Prints the Python to make the virtual environment with: $PYTHON if set, else the oldest supported one that is found.
set -euo pipefail

supported() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
  if supported "$candidate"; then
    command -v "$candidate"
    exit 0
  fi
done
echo "TameFlare needs Python 3.11 or newer, and found none${PYTHON:+ under the name $PYTHON}." >&2
echo "Install one (Debian: apt-get install python3 python3-venv) or name yours: make PYTHON=/path/to/python3.11" >&2
exit 1
