"""`tf agents keys`: what an agent shows to the decision API."""

from __future__ import annotations

from typing import Any

import click

from tameflare.cli import completing
from tameflare.cli.gateway_paths import gateway_path
from tameflare.cli.group import Group
from tameflare.cli.options import confirm, gateway_option, json_option, yes_option
from tameflare.cli.output import moment, note, print_json, say, show
from tameflare.core.agent_keys import KeyKind

_COLUMNS = ("id", "name", "kind", "begins", "expires", "last used")
_KINDS = [kind.value for kind in KeyKind]


@click.group(
    "keys",
    cls=Group,
    epilog="""\b
Examples:
  tf agents keys add deploy-bot
  tf agents keys list deploy-bot
  tf agents keys revoke deploy-bot key_5f2c

A key is shown once, when it is made. See docs/decision-api.md.""",
)
def keys() -> None:
    """Make, list and revoke an agent's keys for the decision API."""


@keys.command(
    "add",
    epilog="\b\nExamples:\n  tf agents keys add deploy-bot\n  tf agents keys add deploy-bot --kind test --days 30",
)
@click.argument("agent", shell_complete=completing.agents)
@click.option("--name", metavar="TEXT", default="key", show_default=True, help="What the key is for.")
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default=KeyKind.LIVE.value,
    show_default=True,
    help="With `test` nothing ever reaches an upstream.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Days after which it expires; left out: never.")
@gateway_option
@json_option
def add(agent: str, name: str, kind: str, days: int | None, gateway: str | None, as_json: bool) -> None:
    """Make a key and print it, this once."""
    from tameflare.cli.client import connect

    body = {"name": name, "kind": kind} | ({"expires_in_days": days} if days else {})
    with connect() as api:
        made = api.post(gateway_path(gateway, "agents", agent, "keys"), body)
    if as_json:
        print_json(made)
        return
    say(made["key"])
    note(f"key `{made['id']}` of agent `{agent}`; it is not shown again")


@keys.command("list", epilog="\b\nExample:\n  tf agents keys list deploy-bot --json")
@click.argument("agent", shell_complete=completing.agents)
@gateway_option
@json_option
def list_(agent: str, gateway: str | None, as_json: bool) -> None:
    """List an agent's keys, by how they begin."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get(gateway_path(gateway, "agents", agent, "keys")))
    show(found, as_json, _COLUMNS, [_row(key) for key in found], "no keys")


@keys.command("revoke", epilog="\b\nExample:\n  tf agents keys revoke deploy-bot key_5f2c --yes")
@click.argument("agent", shell_complete=completing.agents)
@click.argument("key")
@yes_option
@gateway_option
@json_option
def revoke(agent: str, key: str, yes: bool, gateway: str | None, as_json: bool) -> None:
    """Revoke a key; it is refused at once."""
    from tameflare.cli.client import connect

    confirm(f"Revoke key `{key}` of agent `{agent}`?", yes)
    with connect() as api:
        api.delete(gateway_path(gateway, "agents", agent, "keys", key))
    if as_json:
        print_json({"revoked": key})
    else:
        note(f"key `{key}` revoked")


def _row(key: dict[str, Any]) -> list[str]:
    return [
        key["id"],
        key["name"],
        key["kind"],
        f"{key['prefix']}…",
        moment(key["expires_at"]) if key["expires_at"] else "never",
        moment(key["last_used_at"]) if key["last_used_at"] else "never",
    ]
