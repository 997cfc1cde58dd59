"""`tf kill-switch`: stops everything, a gateway, a connector or an agent, at once."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from tameflare.cli import completing
from tameflare.cli.errors import Exit
from tameflare.cli.group import Group
from tameflare.cli.options import json_option
from tameflare.cli.output import moment, note, picked, print_json, show
from tameflare.link.local import Ask

_COLUMNS = ("scope", "reason", "since", "by")
_WAY_BACK = "; let it go on with `tf kill-switch off`"
_SCOPE = click.option(
    "--scope",
    metavar="SCOPE",
    default="all",
    show_default=True,
    shell_complete=completing.scopes,
    help="`all`, `connector:NAME`, `gateway:NAME`, `agent:ID` or a name.",
)
_REASON = click.option("--reason", "-m", metavar="TEXT", default="", help="Why; people and records see it.")
_LOCAL = click.option(
    "--local", is_flag=True, help="Only at the proxy of this machine; needs no log-in and no control plane."
)


@click.group(
    "kill-switch",
    cls=Group,
    invoke_without_command=True,
    epilog="""\b
Examples:
  tf kill-switch on --reason "strange refunds"
  tf kill-switch on --scope connector:stripe
  tf kill-switch off --scope connector:stripe
  tf kill-switch on --local
  tf kill-switch status
  tf kill-switch --activate

A switch that is thrown with --local is in force beside those of the control
plane and is cleared with `off --local` alone.""",
)
@click.option("--activate", is_flag=True, help="The same as `on`.")
@_SCOPE
@_REASON
@json_option
@click.pass_context
def command(context: click.Context, activate: bool, scope: str, reason: str, as_json: bool) -> None:
    """Stop agents at once, or let them go on."""
    if context.invoked_subcommand is not None:
        if activate or scope != "all" or reason or as_json:
            raise click.UsageError("write the options behind `on` or `off`")
        return
    if not activate:
        raise click.UsageError("write `tf kill-switch on`, `off` or `status`")
    _throw(True, scope, reason, as_json)


@command.command("on", epilog="\b\nExample:\n  tf kill-switch on --scope connector:stripe --reason 'strange refunds'")
@_SCOPE
@_REASON
@_LOCAL
@json_option
def on(scope: str, reason: str, local: bool, as_json: bool) -> int:
    """Stop what SCOPE names; requests in flight are cut."""
    return _throw_here(True, scope, reason, as_json) if local else _throw(True, scope, reason, as_json)


@command.command("off", epilog="\b\nExample:\n  tf kill-switch off --scope connector:stripe")
@_SCOPE
@_REASON
@_LOCAL
@json_option
def off(scope: str, reason: str, local: bool, as_json: bool) -> int:
    """Let SCOPE go on. Each scope is on or off by itself."""
    return _throw_here(False, scope, reason, as_json) if local else _throw(False, scope, reason, as_json)


@command.command("status", epilog="\b\nExample:\n  tf kill-switch status --json")
@_LOCAL
@json_option
def status(local: bool, as_json: bool) -> None:
    """Show which scopes are on; exit code 0 either way."""
    from tameflare.cli.client import connect

    if local:
        found: Any = _told(Ask("status"))
    else:
        with connect() as api:
            found = api.get("/api/dashboard/kill-switch")
    rows = [switch | {"since": moment(switch.get("since"))} for switch in found.get("switches", ())]
    show(found, as_json, _COLUMNS, picked(rows, *_COLUMNS), "kill switch is off")


def _throw(active: bool, scope: str, reason: str, as_json: bool) -> int:
    from tameflare.cli.client import connect
    from tameflare.cli.settle import settle

    with connect() as api:
        answer = api.post("/api/v1/kill-switch", {"active": active, "scope": scope, "reason": reason})
        settle(api)
        left = [] if active or as_json else api.get("/api/dashboard/kill-switch").get("switches", [])
    if as_json:
        print_json(answer)
        return Exit.OK
    done = answer.get("scope", scope) if isinstance(answer, dict) else scope
    if active:
        note(f"Kill switch is active for {done}{_WAY_BACK if done == 'all' else ''}")
    else:
        note(f"kill switch is off for {done}")
        _note_what_remains({"switches": [], "central": [each["scope"] for each in left]})
    return Exit.OK


def _throw_here(active: bool, scope: str, reason: str, as_json: bool) -> int:
    """The same at this machine's proxy. Exit code 1 where it is in force but would not survive a restart."""
    answer = _told(Ask("on" if active else "off", scope, reason))
    if as_json:
        print_json(answer)
    elif active:
        note(f"Kill switch is active for {answer['scope']} at this proxy")
    else:
        note(f"kill switch is off for {answer['scope']} at this proxy")
        _note_what_remains(answer)
    if answer["problem"]:
        note(f"tf: {answer['problem']}; after a restart of the proxy it would be off")
    return Exit.FAILED if answer["problem"] else Exit.OK


def _note_what_remains(answer: dict[str, Any]) -> None:
    for place, scopes in (("here", [each["scope"] for each in answer["switches"]]), ("centrally", answer["central"])):
        if scopes:
            note(f"still active {place} for {', '.join(scopes)}")


def _told(wish: Ask) -> dict[str, Any]:
    from tameflare.cli.local_proxy import ask

    told: dict[str, Any] = msgspec.to_builtins(ask(wish))
    del told["answer"]
    return told
