"""`tf trust`: accepts a `.tf` folder that `tf init` did not write here."""

from __future__ import annotations

from pathlib import Path

import click

from tameflare.cli import project, trust
from tameflare.cli.options import json_option
from tameflare.cli.output import clean, note, print_json
from tameflare.core.errors import SettingError


@click.command(
    "trust",
    epilog="""\b
Examples:
  tf trust
  tf trust --project ~/agents/mine
  tf trust --remove

A `.tf` folder leads a program's traffic to a proxy. `tf init` trusts the one that
it writes; one that was moved, edited or came from elsewhere is refused until
you have looked at it and trust it as it is.""",
)
@click.option("--project", "directory", metavar="DIR", help="Directory whose .tf is meant [default: this one].")
@click.option("--remove", is_flag=True, help="No longer trust it.")
@json_option
def command(directory: str | None, remove: bool, as_json: bool) -> None:
    """Trust this directory's .tf folder as it is."""
    folder = project.find_folder(Path(directory) if directory else None)
    if folder is None:
        raise SettingError("there is no `.tf` folder here", "run `tf init`")
    if remove:
        _forget(folder, as_json)
        return
    stored = project.accept(folder)
    if as_json:
        print_json({"folder": str(folder)} | {name: stored[name] for name in ("gateway", "server", "proxy")})
        return
    note(clean(f"{folder} is trusted: gateway `{stored['gateway']}` by {stored['proxy']}, server {stored['server']}"))


def _forget(folder: Path, as_json: bool) -> None:
    known = trust.forget(folder)
    if as_json:
        print_json({"folder": str(folder), "was_trusted": known})
    else:
        note(f"{folder} is no longer trusted" if known else f"{folder} was not trusted")
