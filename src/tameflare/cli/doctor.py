"""`tf doctor`: every setting with its source, and what is wrong with this installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tameflare.cli.errors import Exit
from tameflare.cli.options import json_option
from tameflare.cli.output import print_json, say, table
from tameflare.settings import Settings

if TYPE_CHECKING:
    from tameflare.cli.checks import Finding
    from tameflare.cli.effective import Row


@click.command(
    "doctor",
    epilog="""\b
Examples:
  tf doctor
  tf doctor --production
  tf doctor --json | jq '.findings[] | select(.level=="red")'

Exit code 1 if anything is red; warnings alone are exit code 0. On a machine of
your own it is only a warning that agents run as the user that TameFlare runs as,
or that server or proxy are degraded; `--production` makes these red.""",
)
@click.option("--production", is_flag=True, help="Judge as an installation that others rely on.")
@json_option
def command(production: bool, as_json: bool) -> int:
    """Print settings and checks."""
    from tameflare.cli.checks import Level, every_check
    from tameflare.cli.effective import rows

    settings = Settings()
    shown, findings = rows(settings), every_check(settings, production=production)
    if as_json:
        shown_json = [row.as_dict() for row in shown]
        print_json({"settings": shown_json, "findings": [finding.as_dict() for finding in findings]})
    else:
        _print(shown, findings)
    return Exit.FAILED if any(finding.level is Level.RED for finding in findings) else Exit.OK


def _print(rows: list[Row], findings: list[Finding]) -> None:
    table(("setting", "value", "source"), [(row.name, row.value, row.source) for row in rows])
    say("")
    table(("", "check", "finding"), [(finding.level.value, finding.check, finding.sentence) for finding in findings])
