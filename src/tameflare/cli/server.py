"""`tf server`: the control plane alone."""

from __future__ import annotations

import json
import os
import sys

import click

from tameflare.settings import Settings


@click.command(
    "server",
    epilog="""\b
Example:
  TF_PORT=3100 tf server
  tf server --print-openapi > tameflare.json

A proxy on another machine needs TF_SERVER_URL and TF_LINK_TOKEN; `tf up`
runs both here.""",
)
@click.option("--print-openapi", is_flag=True, help="Print the OpenAPI document of the API, and start nothing.")
def command(print_openapi: bool) -> None:
    """Run the control plane until Ctrl-C."""
    if print_openapi:
        _print_document()
    else:
        start("tameflare.control")


def _print_document() -> None:
    from tameflare.control.app import document

    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def start(module: str) -> None:
    """Become that process: the same program that `tf up` starts, under this process id."""
    Settings().check()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606 - our own module
