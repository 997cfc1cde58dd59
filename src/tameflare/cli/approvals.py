"""`tf approvals`: what waits for people, and answering it."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import click

from tameflare.cli.group import Group
from tameflare.cli.options import json_option
from tameflare.cli.output import clean, moment, note, picked, print_json, say, show
from tameflare.core.errors import InvalidValue
from tameflare.core.text import spell_out

_COLUMNS: Final = ("id", "status", "gateway", "agent", "what", "needed", "waiting", "expires")
_MEMORY_COLUMNS: Final = ("id", "gateway", "agent", "connector", "what", "run", "by", "expires")
_BASE: Final = "/api/dashboard/approvals"
_WAIT: Final = 20
_AFTER_A_FAULT: Final = 2.0
_REMEMBER: Final = click.option(
    "--remember",
    type=click.Choice(["run", "hour"]),
    help="Have the answer stand for this run, an hour at most, or for an hour; it counts if all who agree say so.",
)
_REASON: Final = click.option("--reason", "-m", default="", help="Why; the agent and the records are told.")


@click.group(
    "approvals",
    cls=Group,
    epilog="""\b
Examples:
  tf approvals list
  tf approvals watch
  tf approvals show apr_5f2c
  tf approvals approve apr_5f2c
  tf approvals deny apr_5f2c --reason "wrong customer"

An id may be cut short as long as it means one pending approval.
`tf permissions set CONNECTOR PATTERN --ask` makes requests wait.""",
)
def command() -> None:
    """List, watch and answer what waits for people."""


@command.command("list", epilog="\b\nExamples:\n  tf approvals list\n  tf approvals list --status answered --last 10")
@click.option(
    "--status", type=click.Choice(["pending", "answered", "all"]), default="pending", show_default=True, help="Which."
)
@click.option("--last", "-n", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@json_option
def list_(status: str, last: int, as_json: bool) -> None:
    """List approvals."""
    from tameflare.cli.client import connect

    with connect() as api:
        found = _approvals(api.get(_BASE, status=status, limit=last))
    empty = "nothing waits for people" if status == "pending" else "no approvals"
    show(found, as_json, _COLUMNS, [_row(approval) for approval in found], empty)


@command.command("show", epilog="\b\nExample:\n  tf approvals show apr_5f2c")
@click.argument("approval")
@json_option
def show_(approval: str, as_json: bool) -> None:
    """Show what exactly will happen, and who agreed to it."""
    from tameflare.cli.client import connect

    with connect() as api:
        found = api.get(f"{_BASE}/{_resolve(api, approval)}")
    if as_json:
        print_json(found)
    else:
        _describe(found)


@command.command("watch", epilog="\b\nExamples:\n  tf approvals watch\n  tf approvals watch --json | jq .id")
@json_option
def watch(as_json: bool) -> None:
    """Print what waits, and what changes, until Ctrl-C.

    With --json one object a line.
    """
    from tameflare.cli.client import connect
    from tameflare.cli.errors import Unreachable

    with connect() as api:
        page = api.get(_BASE, limit=200)
        for approval in reversed(_approvals(page)):
            _tell(approval, as_json)
        revision = page["revision"]
        while True:
            try:
                news = api.get(f"{_BASE}/changes", after=revision, wait=_WAIT)
            except Unreachable as fault:
                note(f"{fault}; trying again")
                time.sleep(_AFTER_A_FAULT)
                continue
            for approval in _approvals(news):
                _tell(approval, as_json)
            revision = news["revision"]


@command.command(
    "approve", epilog="\b\nExamples:\n  tf approvals approve apr_5f2c\n  tf approvals approve apr_5f2c --remember hour"
)
@click.argument("approval")
@_REASON
@_REMEMBER
@json_option
def approve(approval: str, reason: str, remember: str | None, as_json: bool) -> None:
    """Say yes. The request goes once enough people have agreed."""
    _vote(approval, {"vote": "approve", "reason": reason, "remember": remember or "none"}, as_json)


@command.command("deny", epilog="\b\nExample:\n  tf approvals deny apr_5f2c --reason 'wrong customer'")
@click.argument("approval")
@_REASON
@json_option
def deny(approval: str, reason: str, as_json: bool) -> None:
    """Say no. One no ends it, and the agent is told the reason."""
    _vote(approval, {"vote": "deny", "reason": reason}, as_json)


@command.command("remembered", epilog="\b\nExample:\n  tf approvals remembered")
@json_option
def remembered(as_json: bool) -> None:
    """List the answers that stand for later requests."""
    from tameflare.cli.client import connect

    with connect() as api:
        found = api.get(f"{_BASE}/remembered")["remembered"]
    rows = [
        [*row[:4], _deeds(one["actions"]), *row[4:], moment(one["expires_at"])]
        for row, one in zip(picked(found, "id", "gateway", "agent", "connector", "run", "by"), found, strict=True)
    ]
    show(found, as_json, _MEMORY_COLUMNS, rows, "no answer is remembered")


@command.command("forget", epilog="\b\nExample:\n  tf approvals forget rem_5f2c")
@click.argument("remembered")
@json_option
def forget(remembered: str, as_json: bool) -> None:
    """Take back a remembered answer: people are asked again."""
    from tameflare.cli.client import connect, segment
    from tameflare.cli.settle import settle

    with connect() as api:
        api.delete(f"{_BASE}/remembered/{segment(remembered)}")
        settle(api)
    if as_json:
        print_json({"forgotten": remembered})
    else:
        note(f"`{remembered}` is forgotten; people are asked again")


def _vote(approval: str, body: dict[str, str], as_json: bool) -> None:
    from tameflare.cli.client import connect, segment

    with connect() as api:
        answered = api.post(f"{_BASE}/{segment(_resolve(api, approval))}/votes", body)
    if as_json:
        print_json(answered)
    else:
        note(f"{answered['status']}: {clean(answered['sentence'])} ({clean(answered['standing_note'])})")


def _resolve(api: Any, given: str) -> str:
    """The whole id of what was named; a beginning is enough where only one pending approval has it."""
    name = given if given.startswith("apr_") else f"apr_{given}"
    fitting = [one["id"] for one in _approvals(api.get(_BASE, limit=200)) if one["id"].startswith(name)]
    if len(fitting) > 1 and name not in fitting:
        raise InvalidValue(f"`{given}` is the beginning of {len(fitting)} approvals", "write more of the id")
    return fitting[0] if len(fitting) == 1 else name


def _approvals(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer["approvals"]
    return found


def _row(approval: dict[str, Any]) -> list[object]:
    cells = picked([approval], "id", "status", "gateway", "agent")[0]
    ends = moment(approval["expires_at"]) if approval["status"] in {"pending", "approved"} else ""
    return [*cells, _deeds(approval["actions"]), approval["still_needed"], approval["waiting"], ends]


def _deeds(actions: list[dict[str, Any]]) -> str:
    return ", ".join(action["type"] for action in actions)


def _tell(approval: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(approval, indent=None)
    else:
        say(
            f"{moment(approval['raised_at'])}  {approval['id']}  {approval['status']}: {clean(approval['sentence'])}"
            f" ({clean(approval['standing_note'])})"
        )


def _describe(approval: dict[str, Any]) -> None:
    requirement = approval["requirement"]
    say(clean(approval["sentence"]))
    say(f"  {approval['id']}: {clean(approval['standing_note'])}")
    lines = {
        "gateway": approval["gateway"],
        "agent": f"{approval['agent']} (run {approval['run'] or 'none'})",
        "connector": approval["connector"],
        "request": f"{approval['method']} {approval['host']}{approval['path']}".strip() or "decision API",
        "body": f"{approval['body_size']} bytes"
        + (f", {approval['content_type']}" if approval["content_type"] else ""),
        "not shown": approval["unshown"] or "nothing",
        "risk": f"{approval['risk']}, effect {approval['effect']}",
        "needs": "; and ".join(_terms(part) for part in (requirement, *requirement["also"])),
        "missing": ", ".join(_need(need) for need in approval["needs"]) or "nobody",
        "raised": moment(approval["raised_at"]),
        "ends": moment(approval["expires_at"]),
    }
    for name, value in lines.items():
        say(f"  {name:<10} {clean(value)}")
    for action in approval["actions"]:
        say(f"  {clean(action['type'])}")
        same = action["resource"].items()
        for name, value in (*same, *(pair for pair in action["parameters"].items() if pair not in same)):
            say(f"    {clean(name)} = {spell_out(json.dumps(value, ensure_ascii=False))}")
    for vote in approval["votes"]:
        said = f": {vote['reason']}" if vote["reason"] else ""
        say(f"  {moment(vote['at'])}  {clean(vote['by'])} {vote['vote']}{clean(said)}")


def _terms(part: dict[str, Any]) -> str:
    """Whom one rule asks."""
    people = "person" if part["quorum"] == 1 else "people"
    groups = ", ".join(part["groups"])
    of_groups = f" in {'each of ' if len(part['groups']) > 1 else ''}{groups}" if groups else ""
    return f"{part['quorum']} {people} of role {part['role']} or above{of_groups}"


def _need(need: dict[str, Any]) -> str:
    return f"{need['missing']} of {need['group'] or 'role ' + need['role'] + ' or above'}"
