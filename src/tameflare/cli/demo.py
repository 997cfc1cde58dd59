"""`tf demo`: the whole product against doubles of the vendors, without the internet."""

from __future__ import annotations

import click

from tameflare.core.errors import TameFlareError


@click.command("demo", epilog="\b\nExample:\n  tf demo\n\nNeeds `pip install 'tameflare[demo]'`.")
def command() -> int:
    """Show one call allowed and one denied.

    Also what an agent can see of its keys: nothing.
    """
    try:
        from tameflare.demo.run import main
    except ModuleNotFoundError as fault:
        raise TameFlareError(f"the demo needs `{fault.name}`", "run `pip install 'tameflare[demo]'`") from None
    return main()
