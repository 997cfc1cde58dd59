"""`tf policy lint`: every fault of policy files, without a server."""

from __future__ import annotations

from typing import Any

import click

from tameflare.cli import completing
from tameflare.cli.errors import Exit
from tameflare.cli.options import json_option
from tameflare.core.policy.diagnostics import Diagnostic


@click.command(
    "lint",
    epilog="""\b
Examples:
  tf policy lint policies/
  tf policy lint payments.yaml --json
  tf policy packs show payments | tf policy lint -

A folder stands for all files in it that end in .yaml or .yml; `-` for standard
input. Ends with 1 where there is a fault. A warning is none: an action type that
no connector is known to have, say, may be one of the decision API's.""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=completing.files)
@json_option
def lint_command(files: tuple[str, ...], as_json: bool) -> int:
    """Check policy files, and tell every fault in them."""
    from tameflare.cli.output import clean, note, print_json, say
    from tameflare.cli.policy_files import checked, found
    from tameflare.cli.policy_names import doubts

    policies = checked(found(files))
    faults = [_row(place, fault) for place, parsed in policies for fault in parsed.diagnostics]
    warnings = [_row(place, doubt) for place, parsed in policies for doubt in doubts(parsed)]
    names = [parsed.policy.name for _, parsed in policies if parsed.policy]
    if as_json:
        print_json({"policies": names, "faults": faults, "warnings": warnings})
    for row in [] if as_json else faults:
        say(clean(_line(row)))
    for row in [] if as_json else warnings:
        note(clean(f"warning: {_line(row)}"))
    if not as_json:
        note(_summary(len(policies), len(faults)))
    return Exit.FAILED if faults else Exit.OK


def _row(place: str, fault: Diagnostic) -> dict[str, Any]:
    return {
        "file": place,
        "line": fault.line,
        "column": fault.column,
        "message": fault.message,
        "help": fault.help,
    }


def _line(row: dict[str, Any]) -> str:
    advice = f"; {row['help']}" if row["help"] else ""
    return f"{row['file']}:{row['line']}:{row['column']}: {row['message']}{advice}"


def _summary(policies: int, faults: int) -> str:
    many = "1 policy" if policies == 1 else f"{policies} policies"
    return f"{many}, {'no fault' if not faults else '1 fault' if faults == 1 else f'{faults} faults'}"
