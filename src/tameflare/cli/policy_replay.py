"""`tf policy replay`: what is on record, through other policies."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

import click

from tameflare.cli import completing
from tameflare.cli.errors import Exit
from tameflare.cli.options import json_option
from tameflare.core.errors import InvalidValue

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SPAN: Final = re.compile(r"([0-9]{1,6})([smhdw])")
_CANNOT_TELL: Final = "cannot_tell"
_COLUMNS: Final = ("time", "agent", "action", "was", "becomes", "because", "request")


@click.command(
    "replay",
    epilog="""\b
Examples:
  tf policy replay policies/ --since 1d
  tf policy replay payments.yaml --last 1000 --json
  tf policy replay policies/ --alone --exit-code

The files count beside the policies that are stored, in place of any of the same
name; --alone: instead of them. Access rules are the present ones. Nothing is
stored and nothing leaves the server but the verdicts. Where a rule needs what a
record does not hold, it is told that its verdict cannot be told: of parameters
in a body, only those on the connector's `record` list are recorded.""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=completing.files)
@click.option("--since", metavar="SPAN", help="Only records of this last while, as 30m, 12h, 1d, 2w.")
@click.option("--last", type=click.IntRange(1, 50_000), metavar="NUMBER", help="The newest so many [default: 10000].")
@click.option("--gateway", "-g", metavar="NAME", shell_complete=completing.gateways, help="Only this gateway's.")
@click.option("--alone", is_flag=True, help="Leave out the stored policies.")
@click.option("--exit-code", is_flag=True, help="End with 1 where any verdict changes.")
@json_option
def replay_command(
    files: tuple[str, ...],
    since: str | None,
    last: int | None,
    gateway: str | None,
    alone: bool,
    exit_code: bool,
    as_json: bool,
) -> int:
    """Judge what is on record by other policies."""
    from tameflare.cli import policy_sending as sending
    from tameflare.cli.client import connect
    from tameflare.cli.errors import Rejected
    from tameflare.cli.output import print_json

    body: dict[str, Any] = {"files": sending.files(files), "alone": alone}
    body |= {} if since is None else {"since": time.time() - span(since)}
    body |= {} if last is None else {"last": last}
    body |= {} if gateway is None else {"gateway": gateway}
    with connect() as api:
        try:
            found = api.post(sending.path("replay"), body)
        except Rejected as fault:
            sending.show_faults(fault, as_json)
            return Exit.FAILED
    if as_json:
        print_json(found)
    else:
        _show(found)
    return Exit.FAILED if exit_code and found["changed"] else Exit.OK


def span(written: str) -> int:
    """Seconds. Raises InvalidValue."""
    found = _SPAN.fullmatch(written)
    if found is None:
        raise InvalidValue(f"`{written}` is no span of time", "write a number and `s`, `m`, `h`, `d` or `w`, as `1d`")
    return int(found[1]) * _SECONDS[found[2]]


def _show(found: Mapping[str, Any]) -> None:
    from tameflare.cli.output import note, table

    differences = found["differences"]
    if differences:
        table(_COLUMNS, map(_row, differences))
    if len(differences) < found["changed"]:
        note(f"the newest {len(differences)} of {found['changed']}; all are counted below")
    for line in _summary(found):
        note(line)


def _row(difference: Mapping[str, Any]) -> tuple[object, ...]:
    from tameflare.cli.output import moment

    case, because = difference["case"], difference["because"]
    policies = [word.removeprefix("policy:") for word in because if word.startswith("policy:")]
    return (
        moment(case["time"]), case["agent"], case["action"], difference["was"], difference["becomes"],
        (policies or because or [difference["reason"]])[0], case["what"] or case["id"],
    )  # fmt: skip


def _summary(found: Mapping[str, Any]) -> list[str]:
    counts = f"{found['unchanged']} verdicts stay, {found['changed']} change, {found['cannot_tell']} cannot be told"
    lines = [f"{found['records']} records: {counts}"]
    lines += ["older records were not looked at; `--last` takes more"] if found["more"] else []
    moves = [move for move in found["moves"] if move["becomes"] not in (move["was"], _CANNOT_TELL)]
    lines += [f"  {move['count']:>6}  {move['was']} → {move['becomes']}" for move in moves]
    if found["needs"]:
        lines.append("cannot be told, because records do not hold what a rule needs:")
        lines += [
            f"  {need['count']:>6}  {need['rule']} needs `{need['field']}`{_mend(need)}" for need in found["needs"]
        ]
    if found["left_out"]:
        lines.append("left out, because rules and policies did not decide them, or cannot any more:")
        lines += [f"  {left['count']:>6}  {left['reason']}" for left in found["left_out"]]
    return lines


def _mend(need: Mapping[str, Any]) -> str:
    """What has it recorded from now on."""
    root, _, name = str(need["field"]).partition(".")
    if root.startswith("total("):
        return ", and records hold no running totals"
    if root != "parameters":
        return ""
    return f"; `tf connector set NAME --record {name.partition('.')[0]}` has it recorded from now on"
