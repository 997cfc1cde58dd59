"""`python -m tameflare.control`: the control plane as a process."""

from __future__ import annotations

import sys
from typing import Final

from tameflare.core.errors import TameFlareError
from tameflare.settings import Settings

_REFUSED: Final = 2
_SCHEMA: Final = 3
_INTERRUPTED: Final = 130


def main() -> int:
    """0 after a stop that was asked for, 2 where it could not start, 3 where the database has another schema."""
    try:
        from tameflare.control.serving import serve

        serve(Settings())
    except TameFlareError as fault:
        sys.stderr.write(f"tf: {fault}\n")
        return _SCHEMA if fault.code == "schema_mismatch" else _REFUSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
