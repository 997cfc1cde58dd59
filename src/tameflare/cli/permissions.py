"""`tf permissions`: the access rules of a gateway."""

from __future__ import annotations

from typing import Any

import click

from tameflare.cli.connector import path as connector_path
from tameflare.cli.options import PRESETS, gateway_name, gateway_option, json_option
from tameflare.cli.output import note, picked, print_json, show
from tameflare.core.access import parse_pattern
from tameflare.core.action import Effect
from tameflare.core.errors import InvalidValue

_COLUMNS = ("connector", "pattern", "effect", "decision", "id")
_DECISIONS = ("allow", "deny", "require_approval", "requires_approval")
_EFFECTS = [effect.value for effect in Effect]


@click.group(
    "permissions",
    epilog="""\b
Examples:
  tf permissions list
  tf permissions set github 'github.pr.*' allow
  tf permissions set github '**' deny --effect destructive
  tf permissions preset openai allow-all
  tf permissions remove github 'github.pr.*'

The most specific pattern wins; what no rule names is denied.""",
)
def command() -> None:
    """List, set and remove access rules."""


def _path(gateway: str | None, rest: str = "") -> str:
    from tameflare.cli.client import segment

    return f"/api/dashboard/gateways/{segment(gateway_name(gateway))}/rules{rest}"


@command.command("list", epilog="\b\nExample:\n  tf permissions list --json")
@click.option("--connector", metavar="NAME", help="Only this connector's.")
@gateway_option
@json_option
def list_(connector: str | None, gateway: str | None, as_json: bool) -> None:
    """List the gateway's access rules."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        if connector:
            api.get(connector_path(gateway, connector))
        found = items(api.get(_path(gateway)))
    found = [rule for rule in found if connector in {None, rule.get("connector")}]
    show(found, as_json, _COLUMNS, picked(found, *_COLUMNS), "no rules: everything is denied")


@command.command("set", epilog="\b\nExample:\n  tf permissions set github 'github.pr.*' allow")
@click.argument("connector")
@click.argument("pattern")
@click.argument("decision", type=click.Choice(_DECISIONS))
@click.option("--effect", type=click.Choice(_EFFECTS), help="Only actions with this effect.")
@gateway_option
@json_option
def set_(connector: str, pattern: str, decision: str, effect: str | None, gateway: str | None, as_json: bool) -> None:
    """Write the rule for PATTERN (a glob over action types; quote it)."""
    from tameflare.cli import patterns
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    parse_pattern(pattern)
    rule = {"connector": connector, "pattern": pattern, "decision": decision}
    with connect() as api:
        stored = api.post(_path(gateway), rule | ({"effect": effect} if effect else {}))
        type_ = api.get(connector_path(gateway, connector))["type"]
        settle(api)
    if as_json:
        print_json(stored)
    else:
        note(f"{decision}: `{pattern}` on `{connector}`")
    doubt = patterns.warning(type_, pattern)
    if doubt:
        note(f"warning: {doubt}")


@command.command("remove", epilog="\b\nExample:\n  tf permissions remove github 'github.pr.*'")
@click.argument("connector")
@click.argument("pattern")
@click.option("--effect", type=click.Choice(_EFFECTS), help="The rule for this effect.")
@gateway_option
def remove(connector: str, pattern: str, effect: str | None, gateway: str | None) -> None:
    """Remove the rule for PATTERN."""
    from tameflare.cli.client import connect, items, segment
    from tameflare.cli.settle import settle

    with connect() as api:
        rule = _find(items(api.get(_path(gateway))), connector, pattern, effect)
        api.delete(_path(gateway, f"/{segment(rule['id'])}"))
        settle(api)
    note(f"rule for `{pattern}` on `{connector}` removed")


def _find(rules: list[dict[str, Any]], connector: str, pattern: str, effect: str | None) -> dict[str, Any]:
    wanted = (connector, pattern, effect)
    for rule in rules:
        if (rule.get("connector"), rule.get("pattern"), rule.get("effect") or None) == wanted:
            return rule
    raise InvalidValue(f"no rule for `{pattern}` on `{connector}`", "`tf permissions list` shows all")


@command.command("preset", epilog="\b\nExample:\n  tf permissions preset openai allow-all")
@click.argument("connector")
@click.argument("preset", type=click.Choice(PRESETS))
@gateway_option
@json_option
def preset(connector: str, preset: str, gateway: str | None, as_json: bool) -> None:
    """Replace a connector's rules by a ready-made set."""
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    with connect() as api:
        stored = api.post(_path(gateway, "/preset"), {"connector": connector, "preset": preset.replace("-", "_")})
        settle(api)
    if as_json:
        print_json(stored)
    else:
        note(f"`{preset}` set on `{connector}`")
