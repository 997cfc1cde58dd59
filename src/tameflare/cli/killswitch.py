"""`tf kill-switch`: stops everything, a gateway, a connector or an agent, at once."""

from __future__ import annotations

from typing import Any

import click

from tameflare.cli.options import json_option
from tameflare.cli.output import moment, note, picked, print_json, show

_COLUMNS = ("scope", "reason", "since", "by")
_SCOPE = click.option(
    "--scope", default="all", show_default=True, help="`all`, `connector:NAME`, `gateway:NAME`, `agent:ID` or a name."
)
_REASON = click.option("--reason", default="", help="Why; people and records see it.")


@click.group(
    "kill-switch",
    invoke_without_command=True,
    epilog="""\b
Examples:
  tf kill-switch on --reason "strange refunds"
  tf kill-switch on --scope connector:stripe
  tf kill-switch off --scope connector:stripe
  tf kill-switch status
  tf kill-switch --activate""",
)
@click.option("--activate", is_flag=True, help="The same as `on`.")
@_SCOPE
@_REASON
@click.pass_context
def command(context: click.Context, activate: bool, scope: str, reason: str) -> None:
    """Stop agents at once, or let them go on."""
    if context.invoked_subcommand is not None:
        if activate or scope != "all" or reason:
            raise click.UsageError("write the options behind `on` or `off`")
        return
    if not activate:
        raise click.UsageError("write `tf kill-switch on`, `off` or `status`")
    _throw(True, scope, reason, as_json=False)


@command.command("on", epilog="\b\nExample:\n  tf kill-switch on --scope connector:stripe --reason 'strange refunds'")
@_SCOPE
@_REASON
@json_option
def on(scope: str, reason: str, as_json: bool) -> None:
    """Stop what SCOPE names; requests in flight are cut."""
    _throw(True, scope, reason, as_json)


@command.command("off", epilog="\b\nExample:\n  tf kill-switch off --scope connector:stripe")
@_SCOPE
@_REASON
@json_option
def off(scope: str, reason: str, as_json: bool) -> None:
    """Let SCOPE go on. Each scope is on or off by itself."""
    _throw(False, scope, reason, as_json)


@command.command("status", epilog="\b\nExample:\n  tf kill-switch status --json")
@json_option
def status(as_json: bool) -> None:
    """Show which scopes are on; exit code 0 either way."""
    from tameflare.cli.client import connect

    with connect() as api:
        found: Any = api.get("/api/dashboard/kill-switch")
    rows = [switch | {"since": moment(switch.get("since"))} for switch in found.get("switches", ())]
    show(found, as_json, _COLUMNS, picked(rows, *_COLUMNS), "kill switch is off")


def _throw(active: bool, scope: str, reason: str, as_json: bool) -> None:
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    with connect() as api:
        answer = api.post("/api/v1/kill-switch", {"active": active, "scope": scope, "reason": reason})
        settle(api)
    if as_json:
        print_json(answer)
        return
    done = answer.get("scope", scope) if isinstance(answer, dict) else scope
    note(f"Kill switch is active for {done}" if active else f"kill switch is off for {done}")
