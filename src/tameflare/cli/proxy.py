"""`tf proxy` (`tf gateway`): the data plane alone."""

from __future__ import annotations

import click

from tameflare.cli.server import start


@click.command(
    "proxy",
    epilog="""\b
Example:
  TF_SERVER_URL=https://tameflare.example.com TF_LINK_TOKEN=gwln_... tf proxy

`tf gateway` is the same. On the server's own machine it uses the link token in the
data directory.""",
)
def command() -> None:
    """Run the proxy until Ctrl-C."""
    start("tameflare.proxy")
