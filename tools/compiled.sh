#!/usr/bin/env bash
# Makes an environment whose tameflare is the compiled wheel; all other packages are those of the one given first.
# Usage: compiled.sh VENV NEW_VENV
set -euo pipefail

python=$1/bin/python new=$2
where='import sysconfig; print(sysconfig.get_path("purelib"))'
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT

echo "compiling the way of a request (about a minute)" >&2
TAMEFLARE_COMPILE=1 "$python" -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation -w "$wheels" .
rm -rf "$new"
"$python" -m venv --without-pip "$new"
"$python" -c "$where" >"$("$new/bin/python" -c "$where")/beside.pth"
"$python" -m pip --disable-pip-version-check --quiet --python "$new/bin/python" install --no-deps --no-index "$wheels"/*.whl
