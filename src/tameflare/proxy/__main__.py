"""`python -m tameflare.proxy`: the data plane."""

from __future__ import annotations

import sys
from typing import Final

_INTERRUPTED: Final = 130


def run() -> int:
    """The exit code; Ctrl-C while the modules are read is no fault."""
    try:
        from tameflare.proxy.main import main

        return main()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(run())
