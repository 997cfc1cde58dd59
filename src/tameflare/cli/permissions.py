"""`tf permissions`: the access rules of a gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tameflare.cli import completing
from tameflare.cli.gateway_paths import gateway_path
from tameflare.cli.group import Group
from tameflare.cli.options import PRESETS, gateway_option, json_option
from tameflare.cli.output import note, picked, print_json, show
from tameflare.core.access import parse_pattern
from tameflare.core.action import Effect
from tameflare.core.errors import InvalidValue
from tameflare.core.roles import Role

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS = ("connector", "pattern", "effect", "decision", "id")
_ASKING = ("require_approval", "requires_approval")
_DECISIONS = ("allow", "deny", *_ASKING)
_APPROVERS = [role.value for role in Role if role is not Role.VIEWER]
_EFFECTS = [effect.value for effect in Effect]


@click.group(
    "permissions",
    cls=Group,
    epilog="""\b
Examples:
  tf permissions list
  tf permissions set github 'github.pr.*' allow
  tf permissions set github '**' deny --effect destructive
  tf permissions set stripe 'stripe.refund.*' require_approval --quorum 2
  tf permissions preset openai allow-all
  tf permissions remove github 'github.pr.*'

The most specific pattern wins; what no rule names is denied.""",
)
def command() -> None:
    """List, set and remove access rules."""


@command.command("list", epilog="\b\nExample:\n  tf permissions list --json")
@click.option("--connector", metavar="NAME", shell_complete=completing.connectors, help="Only this connector's.")
@gateway_option
@json_option
def list_(connector: str | None, gateway: str | None, as_json: bool) -> None:
    """List the gateway's access rules."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        if connector:
            api.get(gateway_path(gateway, "connectors", connector))
        found = items(api.get(gateway_path(gateway, "rules")))
        alone = api.get(gateway_path(gateway)).get("policy_only")
    if alone and not as_json:
        note("this gateway goes by policies alone: access rules do not count")
    found = [rule for rule in found if connector in {None, rule.get("connector")}]
    show(found, as_json, _COLUMNS, picked(found, *_COLUMNS), "no rules: everything is denied")


def terms_options(function: F) -> F:
    """Options that say who must agree, for a decision to ask."""
    options = (
        click.option("--approver-role", type=click.Choice(_APPROVERS), help="Ask: the lowest role that may answer."),
        click.option("--quorum", type=click.IntRange(1, 10), help="Ask: how many people must agree."),
        click.option(
            "--group", "groups", multiple=True, help="Ask: a group that must reach the quorum; may be repeated."
        ),
        click.option("--distinct", is_flag=True, help="Ask: nobody counts for two of the groups."),
        click.option("--timeout", type=click.IntRange(10), metavar="SECONDS", help="Ask: how long people have time."),
        click.option("--remember", is_flag=True, help="Ask: answers may be remembered, also about money."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command(
    "set",
    epilog="""\b
Examples:
  tf permissions set github 'github.pr.*' allow
  tf permissions set stripe 'stripe.refund.*' --ask
  tf permissions set stripe 'stripe.refund.*' --ask --quorum 2 --approver-role admin --timeout 3600
  tf permissions set github 'github.repo.delete' --ask --group security-team --group ops""",
)
@click.argument("connector", shell_complete=completing.connectors)
@click.argument("pattern", shell_complete=completing.patterns)
@click.argument("decision", type=click.Choice(_DECISIONS), required=False)
@click.option("--ask", is_flag=True, help="The same as the decision `require_approval`.")
@terms_options
@click.option("--effect", type=click.Choice(_EFFECTS), help="Only actions with this effect.")
@gateway_option
@json_option
def set_(
    connector: str,
    pattern: str,
    decision: str | None,
    ask: bool,
    approver_role: str | None,
    quorum: int | None,
    groups: tuple[str, ...],
    distinct: bool,
    timeout: int | None,
    remember: bool,
    effect: str | None,
    gateway: str | None,
    as_json: bool,
) -> None:
    """Write the rule for PATTERN (a glob over action types; quote it)."""
    from tameflare.cli import patterns
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    parse_pattern(pattern)
    decision = _decision(decision, ask)
    terms = {"role": approver_role, "quorum": quorum, "groups": list(groups) or None, "distinct": distinct or None,
             "timeout_seconds": timeout, "remember": remember or None}  # fmt: skip
    rule: dict[str, Any] = {"connector": connector, "pattern": pattern, "decision": decision}
    rule |= {"effect": effect} if effect else {}
    rule |= _approval(decision, {name: value for name, value in terms.items() if value is not None})
    with connect() as api:
        stored = api.post(gateway_path(gateway, "rules"), rule)
        type_ = api.get(gateway_path(gateway, "connectors", connector))["type"]
        settle(api)
    if as_json:
        print_json(stored)
    else:
        note(f"{decision}: `{pattern}` on `{connector}`")
    doubt = patterns.warning(type_, pattern)
    if doubt:
        note(f"warning: {doubt}")


def _decision(given: str | None, ask: bool) -> str:
    if ask and given not in (None, *_ASKING):
        raise click.UsageError(f"`--ask` contradicts `{given}`; write one of them")
    if not ask and given is None:
        raise click.UsageError("write `allow`, `deny` or `require_approval` behind the pattern")
    return given or _ASKING[0]


def _approval(decision: str, terms: dict[str, Any]) -> dict[str, Any]:
    if terms and decision not in _ASKING:
        raise click.UsageError(f"`{decision}` asks nobody; `--quorum` and the like go with `--ask`")
    return {"approval": terms} if terms else {}


@command.command("remove", epilog="\b\nExample:\n  tf permissions remove github 'github.pr.*'")
@click.argument("connector", shell_complete=completing.connectors)
@click.argument("pattern", shell_complete=completing.patterns)
@click.option("--effect", type=click.Choice(_EFFECTS), help="The rule for this effect.")
@gateway_option
@json_option
def remove(connector: str, pattern: str, effect: str | None, gateway: str | None, as_json: bool) -> None:
    """Remove the rule for PATTERN."""
    from tameflare.cli.client import connect, items
    from tameflare.cli.settle import settle

    with connect() as api:
        rule = _find(items(api.get(gateway_path(gateway, "rules"))), connector, pattern, effect)
        api.delete(gateway_path(gateway, "rules", rule["id"]))
        settle(api)
    if as_json:
        print_json({"removed": rule})
    else:
        note(f"rule for `{pattern}` on `{connector}` removed")


def _find(rules: list[dict[str, Any]], connector: str, pattern: str, effect: str | None) -> dict[str, Any]:
    wanted = (connector, pattern, effect)
    for rule in rules:
        if (rule.get("connector"), rule.get("pattern"), rule.get("effect") or None) == wanted:
            return rule
    raise InvalidValue(f"no rule for `{pattern}` on `{connector}`", "`tf permissions list` shows all")


@command.command("preset", epilog="\b\nExample:\n  tf permissions preset openai allow-all")
@click.argument("connector", shell_complete=completing.connectors)
@click.argument("preset", type=click.Choice(PRESETS))
@gateway_option
@json_option
def preset(connector: str, preset: str, gateway: str | None, as_json: bool) -> None:
    """Replace a connector's rules by a ready-made set."""
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    with connect() as api:
        wanted = {"connector": connector, "preset": preset.replace("-", "_")}
        stored = api.post(gateway_path(gateway, "rules", "preset"), wanted)
        settle(api)
    if as_json:
        print_json(stored)
    else:
        note(f"`{preset}` set on `{connector}`")
