# pip itself, from an index that wants a key: installs packages whose files are on the index's host and on others.
source "$(dirname "$0")/telling.sh"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
KEY=tameflare_pypi_placeholder
RIGHT='Successfully installed demo-here-1.0'
HELD='Successfully installed demo-elsewhere-1.0'
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_CONFIG_FILE=/dev/null PIP_NO_INPUT=1
export PIP_ROOT_USER_ACTION=ignore

installed() { "$PYTHON" -m pip install --target "$made" --index-url "https://key:$KEY@pypi.org/simple" "$1"; }

allowed() { installed demo-here; }

denied() { installed demo-mirrored 2>&1 >/dev/null; }

held() { installed demo-elsewhere; }

tell "$("$PYTHON" -m pip --version | awk '{print $2}')" "$KEY"
