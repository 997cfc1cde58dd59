"""`python -m tameflare` is `tf`."""

from __future__ import annotations

from tameflare.cli.main import main

if __name__ == "__main__":
    main()
