"""`tf keys`: the keys that decision tokens are signed with."""

from __future__ import annotations

from typing import Any

import click

from tameflare.cli.group import Group
from tameflare.cli.options import json_option
from tameflare.cli.output import moment, note, print_json, show

_PATH = "/api/dashboard/signing-keys"
_COLUMNS = ("kid", "signs", "source", "made", "accepted until")


@click.group("keys", cls=Group, epilog="\b\nExamples:\n  tf keys list\n  tf keys rotate")
def command() -> None:
    """List and rotate the keys of decision tokens."""


@command.command("list", epilog="\b\nExample:\n  tf keys list --json")
@json_option
def list_(as_json: bool) -> None:
    """List the key that signs, and former ones that still count."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get(_PATH))
    show(found, as_json, _COLUMNS, map(_row, found), "no keys")


def _row(key: dict[str, Any]) -> list[object]:
    signs = "yes" if key["signs"] else "no"
    return [key["kid"], signs, key["source"], moment(key["made_at"]), moment(key["accepted_until"])]


@command.command("rotate", epilog="\b\nExample:\n  tf keys rotate")
@json_option
def rotate(as_json: bool) -> None:
    """Have a new key sign from now on.

    Tokens of the former key stay good until they expire, five minutes after
    they were made at most. Refused where SIGNING_KEY_PRIVATE sets the key.
    """
    from tameflare.cli.client import connect

    with connect() as api:
        made = api.post(f"{_PATH}/rotate")
    if as_json:
        print_json(made)
    else:
        stay = "those of the former key stay good until they expire"
        note(f"decision tokens are signed with `{made['kid']}` from now on; {stay}")
