"""`python -m tameflare.control`: the control plane as a process."""

from __future__ import annotations

import sys

from tameflare.core.errors import TameFlareError
from tameflare.settings import Settings


def main() -> int:
    """0 after a stop that was asked for, 2 where it could not start."""
    from tameflare.control.serving import serve

    try:
        serve(Settings())
    except TameFlareError as fault:
        sys.stderr.write(f"tf: {fault}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
