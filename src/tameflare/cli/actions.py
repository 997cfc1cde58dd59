"""`tf actions`: the names of actions that rules and policies are written with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import click

from tameflare.cli import completing
from tameflare.cli.options import json_option
from tameflare.core.action import Effect, Risk

if TYPE_CHECKING:
    from tameflare.connectors.catalogue import NamedAction

_COLUMNS: Final = ("action", "effect", "risk", "request")
_EFFECTS: Final = [effect.value for effect in Effect]
_RISKS: Final = [risk.value for risk in Risk]


@click.command(
    "actions",
    epilog="""\b
Examples:
  tf actions 'github.pr.*'
  tf actions refund
  tf actions --connector stripe --effect money
  tf actions github.pr.merge --json

PATTERN is a glob over action types as in rules, or a part of a name. With --json
each has its parameters. Asks no server: these are the tables that come along.""",
)
@click.argument("pattern", required=False, shell_complete=completing.actions)
@click.option("--connector", metavar="TYPE", shell_complete=completing.types, help="Only of this type of connectors.")
@click.option("--effect", type=click.Choice(_EFFECTS), help="Only with this effect.")
@click.option("--risk", type=click.Choice(_RISKS), help="Only of this risk.")
@json_option
def command(pattern: str | None, connector: str | None, effect: str | None, risk: str | None, as_json: bool) -> None:
    """Look up the names of actions."""
    import msgspec

    from tameflare.cli.output import note, show
    from tameflare.connectors import catalogue

    fits = _pattern(pattern or "")
    found = [
        action
        for action in (catalogue.of_connector(_known(connector)) if connector else catalogue.everything())
        if fits(action.type) and effect in (None, action.effect) and risk in (None, action.risk)
    ]
    data = [msgspec.to_builtins(action) for action in found]
    show(data, as_json, _COLUMNS, _rows(found), f"no action fits{_near(pattern or '')}")
    if len(found) > 1 and not as_json:
        note(f"{len(found)} actions")


def _rows(found: Iterable[NamedAction]) -> Iterable[tuple[str, ...]]:
    """A line for each request that is named so."""
    for action in found:
        for request in action.requests or ("",):
            yield action.type, action.effect.value, action.risk.value, request


def _pattern(written: str) -> Callable[[str], bool]:
    """Raises InvalidValue for a pattern that is none."""
    from tameflare.core.access import parse_pattern

    if "*" in written:
        return parse_pattern(written).matches
    return lambda action_type: written in action_type


def _known(connector: str) -> str:
    from tameflare.connectors import registry
    from tameflare.core.errors import InvalidValue
    from tameflare.core.policy.diagnostics import meant

    if connector not in registry.TYPES:
        raise InvalidValue(f"there is no type of connectors `{connector}`", meant(connector, registry.TYPES))
    return connector


def _near(written: str) -> str:
    import difflib

    from tameflare.connectors import catalogue

    near = difflib.get_close_matches(written, [action.type for action in catalogue.everything()], n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
