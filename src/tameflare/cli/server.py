"""`tf server`: the control plane alone."""

from __future__ import annotations

import os
import sys

import click

from tameflare.settings import Settings


@click.command(
    "server",
    epilog="""\b
Example:
  TF_PORT=3100 tf server

A proxy on another machine needs TF_SERVER_URL and TF_LINK_TOKEN; `tf up`
runs both here.""",
)
def command() -> None:
    """Run the control plane until Ctrl-C."""
    start("tameflare.control")


def start(module: str) -> None:
    """Become that process: the same program that `tf up` starts, under this process id."""
    Settings().check()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606 - our own module
