"""`tf agents asked`: what agents asked the decision API, and what they were answered."""

from __future__ import annotations

from typing import Any, Final

import click

from tameflare.cli import completing
from tameflare.cli.options import json_option
from tameflare.cli.output import moment, picked, show
from tameflare.core.action_states import ActionStatus

_COLUMNS: Final = ("time", "gateway", "agent", "type", "status", "reason", "id")
_PICKED: Final = ("gateway", "agent", "type", "status", "reason", "id")


@click.command(
    "asked",
    epilog="""\b
Examples:
  tf agents asked
  tf agents asked deploy-bot --status denied --last 20
  tf agents asked --json | jq .[].parameters

What agents did through the proxy is in `tf logs`.""",
)
@click.argument("agent", required=False, shell_complete=completing.agents)
@click.option("--status", type=click.Choice([status.value for status in ActionStatus]), help="Only with this status.")
@click.option("--gateway", "-g", metavar="NAME", shell_complete=completing.gateways, help="Only of this gateway.")
@click.option("--last", "-n", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many.")
@json_option
def asked(agent: str | None, status: str | None, gateway: str | None, last: int, as_json: bool) -> None:
    """Show what agents asked the decision API, newest first."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get("/api/dashboard/actions", agent=agent, status=status, gateway=gateway, limit=last))
    show(found, as_json, _COLUMNS, [_row(action) for action in found], "nothing was asked")


def _row(action: dict[str, Any]) -> list[object]:
    return [moment(action["created_at"]), *picked([action], *_PICKED)[0]]
