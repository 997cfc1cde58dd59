"""`tf doctor`: every setting with its source, and what is wrong with this installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tameflare.cli.errors import Exit
from tameflare.cli.options import json_option
from tameflare.cli.output import clean, paint, print_json, say, table
from tameflare.settings import Settings

_ORDER = ("ok", "warning", "red")

if TYPE_CHECKING:
    from tameflare.cli.checks.findings import Finding
    from tameflare.cli.effective import Row


@click.command(
    "doctor",
    epilog="""\b
Examples:
  tf doctor
  tf doctor --production
  tf doctor --test
  tf doctor --json | jq '.findings[] | select(.level=="red")'
  tf doctor --escape
  tf doctor --escape --isolate --json | jq '.probes[] | select(.verdict=="open")'

Exit code 1 if anything is red; warnings alone are exit code 0. On a machine of
your own it is only a warning that agents run as the user that TameFlare runs as,
or that server or proxy are degraded; `--production` makes these red.
With `--escape`: exit code 1 if anything is open that the run should close.""",
)
@click.option("--production", is_flag=True, help="Judge as an installation that others rely on.")
@click.option("--test", is_flag=True, help="Also send one harmless request through each connector.")
@click.option("--escape", is_flag=True, help="Try from inside a run every known way out of it.")
@click.option(
    "--isolate/--no-isolate",
    default=None,
    help="With --escape: the run is isolated, or not [default: isolated where that can be had].",
)
@click.option(
    "--offline", is_flag=True, help="With --escape: send nothing beyond this machine; a route counts as open."
)
@json_option
def command(production: bool, test: bool, escape: bool, isolate: bool | None, offline: bool, as_json: bool) -> int:
    """Print settings and checks, or try the ways out of `tf run`."""
    if escape:
        from tameflare.cli.escape import escape as try_ways_out

        return try_ways_out(isolate, offline, as_json)
    from tameflare.cli.checks import every_check
    from tameflare.cli.checks.findings import Level
    from tameflare.cli.effective import rows

    settings = Settings()
    shown, findings = rows(settings), every_check(settings, production=production, test=test)
    if as_json:
        shown_json = [row.as_dict() for row in shown]
        print_json({"settings": shown_json, "findings": [finding.as_dict() for finding in findings]})
    else:
        _print(shown, findings)
    return Exit.FAILED if any(finding.level is Level.RED for finding in findings) else Exit.OK


def _print(rows: list[Row], findings: list[Finding]) -> None:
    table(("setting", "value", "source"), [(row.name, row.value, row.source) for row in rows])
    say("")
    for finding in sorted(findings, key=lambda each: _ORDER.index(each.level.value)):
        level = finding.level.value
        say(f"{paint(f'{level:<8}', level)} {finding.check}: {clean(finding.finding)}")
        if finding.help:
            say(f"{'':<8} {'':>{len(finding.check)}}  {clean(finding.help)}")
