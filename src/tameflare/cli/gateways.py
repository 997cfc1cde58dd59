"""`tf gateways`: the named profiles, with how strictly each judges, by what, and how much its agents may ask."""

from __future__ import annotations

from typing import Any, Final

import click

from tameflare.cli import completing
from tameflare.cli.group import Group
from tameflare.cli.options import confirm, json_option, yes_option
from tameflare.cli.output import note, picked, print_json, show
from tameflare.core.decision import EnforcementLevel
from tameflare.core.errors import InvalidValue

_COLUMNS: Final = ("name", "level", "rate_limit_per_minute", "policy_only", "id")
_STRICTEST_FIRST: Final = (
    EnforcementLevel.FULL_ENFORCE.value,
    EnforcementLevel.SOFT_ENFORCE.value,
    EnforcementLevel.MONITOR.value,
)
_PASSES: Final = {"soft_enforce": "what no rule names passes", "monitor": "everything passes and is only recorded"}


@click.group(
    "gateways",
    cls=Group,
    epilog="""\b
Examples:
  tf gateways list
  tf gateways set my-agent --rate-limit 300
  tf gateways set my-agent --level full_enforce
  tf gateways set deciders --policy-only

`tf init` makes a gateway. `tf gateway` without s is the proxy.""",
)
def command() -> None:
    """List gateways, set how each judges."""


@command.command("list", epilog="\b\nExample:\n  tf gateways list --json")
@json_option
def list_(as_json: bool) -> None:
    """List the gateways."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get("/api/dashboard/gateways"))
    show(found, as_json, _COLUMNS, picked(found, *_COLUMNS), "no gateways; `tf init` makes one")


@command.command("set", epilog="\b\nExample:\n  tf gateways set my-agent --level full_enforce")
@click.argument("name", shell_complete=completing.gateways)
@click.option("--level", type=click.Choice(_STRICTEST_FIRST), help="How verdicts bite; only owners lower it.")
@click.option("--rate-limit", type=click.IntRange(1), metavar="NUMBER", help="Requests a minute for each agent.")
@click.option(
    "--policy-only/--with-rules",
    "policy_only",
    default=None,
    help="By policies alone: one must allow, none deny; or by access rules, which policies narrow.",
)
@yes_option
@json_option
def set_(
    name: str, level: str | None, rate_limit: int | None, policy_only: bool | None, yes: bool, as_json: bool
) -> None:
    """Change a gateway's level, its rate limit, or what it judges by."""
    from tameflare.cli.client import connect, segment
    from tameflare.cli.settle import settle

    change: dict[str, Any] = {"level": level, "rate_limit_per_minute": rate_limit, "policy_only": policy_only}
    change = {field: value for field, value in change.items() if value is not None}
    if not change:
        raise InvalidValue("nothing to change", "give `--level`, `--rate-limit`, `--policy-only` or `--with-rules`")
    with connect() as api:
        path = f"/api/dashboard/gateways/{segment(name)}"
        _ask_before_lowering(api.get(path)["level"], level, name, yes)
        changed = api.patch(path, change)
        settle(api)
    if as_json:
        print_json(changed)
    else:
        by = ", by policies alone" if changed["policy_only"] else ""
        note(f"gateway `{name}` is at {changed['level']}{by}, {changed['rate_limit_per_minute']} requests a minute")


def _ask_before_lowering(now: str, wanted: str | None, name: str, yes: bool) -> None:
    if wanted and _STRICTEST_FIRST.index(wanted) > _STRICTEST_FIRST.index(now):
        confirm(f"At {wanted} {_PASSES[wanted]}. Set it for gateway `{name}`?", yes)
