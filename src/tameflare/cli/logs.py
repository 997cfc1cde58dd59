"""`tf logs`: the record of requests, newest last, and as they happen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from tameflare.cli import completing
from tameflare.cli.errors import Unreachable
from tameflare.cli.gateway_paths import gateway_path
from tameflare.cli.options import json_option
from tameflare.cli.output import clean, note, paint, print_json
from tameflare.core.decision import Verdict
from tameflare.core.errors import InvalidValue

if TYPE_CHECKING:
    from tameflare.cli.client import Api

_PATH: Final = "/api/dashboard/traffic"
_WAIT_SECONDS: Final = 20
_PAUSE_SECONDS: Final = 1.0
_PAGE: Final = 200


@click.command(
    "logs",
    epilog="""\b
Examples:
  tf logs --last 50
  tf logs -f --decision deny
  tf logs --json | jq .reason""",
)
@click.option("-f", "--follow", is_flag=True, help="Go on as requests happen; Ctrl-C ends it.")
@click.option("--last", "-n", default=20, show_default=True, type=click.IntRange(0), help="How many to begin with.")
@click.option("--agent", metavar="NAME", shell_complete=completing.agents, help="Only this agent's.")
@click.option("--gateway", "-g", metavar="NAME", shell_complete=completing.gateways, help="Only this gateway's.")
@click.option("--decision", type=click.Choice([verdict.value for verdict in Verdict]), help="Only with this decision.")
@click.option("--action", metavar="TYPE", help="Only this action, e.g. github.pr.merge.")
@json_option
def command(follow: bool, last: int, as_json: bool, **filters: str | None) -> int:
    """Show what agents did. With --json: one JSON object a line."""
    from tameflare.cli.client import connect

    wanted = {name: value for name, value in filters.items() if value}
    with connect() as api:
        rows = _latest(api, last, wanted)
        if not rows and {"gateway", "agent"} & wanted.keys():
            _check_names(api, wanted)  # only now: records outlive what they are of
        for row in rows:
            _print(row, as_json)
        if not rows and last and not as_json:
            note("no requests yet" + (" that fit" if wanted else ""))
        if follow:
            start = rows[-1]["id"] if rows else _newest(api)
            for row in _tail(api, start, wanted):
                _print(row, as_json)
    return 0


def _check_names(api: Api, wanted: dict[str, str]) -> None:
    """Raises InvalidValue where a gateway or an agent is asked for, by name or id, that there is none of."""
    gateways = _rows(api.get("/api/dashboard/gateways"))
    if "gateway" in wanted:
        gateways = [gateway for gateway in gateways if wanted["gateway"] in (gateway["name"], gateway["id"])]
        if not gateways:
            raise InvalidValue(f"there is no gateway `{wanted['gateway']}`", "see `tf gateways list`")
    if "agent" in wanted:
        agents = [agent for each in gateways for agent in _rows(api.get(gateway_path(each["name"], "agents")))]
        if not any(wanted["agent"] in (agent["name"], agent["id"]) for agent in agents):
            raise InvalidValue(f"there is no agent `{wanted['agent']}`", "see `tf agents list`")


def _latest(api: Api, last: int, wanted: dict[str, str]) -> list[dict[str, Any]]:
    """The last rows, oldest first."""
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < last:
        answer = api.get(_PATH, limit=min(last - len(found), _PAGE), cursor=cursor, **wanted)
        page = _rows(answer)
        found += page
        cursor = answer.get("next_cursor")
        if not page or not cursor:
            break
    return found[::-1]


def _rows(answer: Any) -> list[dict[str, Any]]:
    from tameflare.cli.client import items

    return items(answer)


def _newest(api: Api) -> object:
    rows = _rows(api.get(_PATH, limit=1))
    return rows[0]["id"] if rows else 0


def _tail(api: Api, start: object, wanted: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Rows after `start`, for ever; a server that is away is asked again."""
    after, away = start, False
    while True:
        try:
            rows = _rows(api.get(f"{_PATH}/tail", after=after, wait=_WAIT_SECONDS, **wanted))
            away = False
        except Unreachable as fault:
            if not away:
                note(f"tf: {fault}; trying again")
            away = True
            time.sleep(_PAUSE_SECONDS)
            continue
        for row in rows:
            after = row["id"]
            yield row


def _print(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(row, indent=None)
    else:
        click.echo(line(row))


def line(row: dict[str, Any]) -> str:
    """One record as a line: time, decision, agent, action, request, status, reason."""
    decision = str(row.get("decision", ""))
    verdict = paint(f"{clean(decision):<7}", decision)
    where = f"{row.get('method', '')} {row.get('host', '')}{row.get('path', '')}"
    status = row.get("status") or "-"
    rest = f"{clean(row.get('agent', '')):<10} {clean(row.get('action') or '-'):<26} {clean(where)} {status}"
    reason = clean(row.get("reason") or "")
    return f"{_clock(row['time'])} {verdict} {rest} {reason}".rstrip()


def _clock(seconds: float) -> str:
    """Local time of day of Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
