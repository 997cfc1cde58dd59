"""`tf doctor`: every setting with its source, and what is wrong with this installation."""

from __future__ import annotations

from typing import Any

import click

from tameflare.cli.checks import Finding, Level, every_check
from tameflare.cli.errors import Exit
from tameflare.cli.options import json_option
from tameflare.cli.output import print_json, say, table
from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret
from tameflare.settings import ALL, Setting, Settings


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
    settings = Settings()
    rows = [_row(settings, setting) for setting in ALL]
    findings = every_check(settings, production=production)
    if as_json:
        print_json({"settings": rows, "findings": [finding.as_dict() for finding in findings]})
    else:
        _print(rows, findings)
    return Exit.FAILED if any(finding.level is Level.RED for finding in findings) else Exit.OK


def _print(rows: list[dict[str, Any]], findings: list[Finding]) -> None:
    table(("setting", "value", "source"), [(row["name"], row["value"], row["source"]) for row in rows])
    say("")
    table(("", "check", "finding"), [(finding.level.value, finding.check, finding.sentence) for finding in findings])


def _row(settings: Settings, setting: Setting[Any]) -> dict[str, Any]:
    source = "environment" if settings.is_set(setting) else "default"
    return {"name": setting.name, "value": _value(settings, setting), "source": source, "help": setting.sentence}


def _value(settings: Settings, setting: Setting[Any]) -> str:
    try:
        value = settings.get(setting)
    except SettingError as fault:
        return f"wrong: {fault}"
    if isinstance(value, Secret):
        return "***"
    return "" if value is None or value == {} else str(value)
