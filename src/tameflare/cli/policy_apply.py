"""`tf policy apply` and `diff`: files against what the server has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from tameflare.cli import completing
from tameflare.cli.errors import Exit
from tameflare.cli.options import confirm, json_option, yes_option

F = TypeVar("F", bound=Callable[..., Any])


def _files(function: F) -> F:
    return click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=completing.files)(
        function
    )


def _prune(function: F) -> F:
    return click.option("--prune", is_flag=True, help="Delete every stored policy that is not in the files.")(function)


@click.command(
    "apply",
    epilog="""\b
Examples:
  tf policy apply policies/
  tf policy apply policies/ --dry-run
  tf policy apply policies/ --prune --yes

A folder stands for all files in it that end in .yaml or .yml; `-` for standard
input. All of them are stored, or nothing where one has a fault. Ends with 1 where
there is a fault. A policy whose text is unchanged stays at its version.""",
)
@_files
@click.option("--dry-run", is_flag=True, help="Store nothing; show what would change.")
@_prune
@yes_option
@json_option
def apply_command(files: tuple[str, ...], dry_run: bool, prune: bool, yes: bool, as_json: bool) -> int:
    """Store the policies of files."""
    from tameflare.cli import policy_sending as sending
    from tameflare.cli.client import connect
    from tameflare.cli.errors import Rejected
    from tameflare.cli.output import print_json
    from tameflare.cli.settle import settle

    sent = sending.files(files)
    with connect() as api:
        try:
            changes = sending.preview(api, sent, prune=prune)
            if not dry_run:
                _ask_before_deleting(changes, yes)
                seen = {change["name"]: change["before"] for change in changes}
                changes = sending.send(api, sent, prune=prune, versions=seen)["changes"]
                settle(api)
        except Rejected as fault:
            sending.show_faults(fault, as_json)
            return Exit.FAILED
    if as_json:
        print_json({"stored": not dry_run, "changes": changes, "faults": []})
    else:
        sending.show_changes(changes, diff=dry_run)
        _sum_up(changes, dry_run)
    return Exit.OK


def _ask_before_deleting(changes: Sequence[Mapping[str, Any]], yes: bool) -> None:
    gone = [f"`{change['name']}`" for change in changes if change["kind"] == "deleted"]
    if gone:
        confirm(f"This deletes {', '.join(gone)}. Go on?", yes)


def _sum_up(changes: Sequence[Mapping[str, Any]], dry_run: bool) -> None:
    from tameflare.cli.output import note
    from tameflare.cli.policy_sending import changing

    many = len(changing(changes))
    what = "nothing" if not many else "1 policy" if many == 1 else f"{many} policies"
    note(f"{what} would change; nothing is stored" if dry_run else f"{what} changed")


@click.command(
    "diff",
    epilog="""\b
Examples:
  tf policy diff policies/
  tf policy diff policies/ --prune --exit-code

`tf policy versions NAME --diff 1 2` compares two versions.""",
)
@_files
@_prune
@click.option("--exit-code", is_flag=True, help="End with 1 where anything differs.")
@json_option
def diff_command(files: tuple[str, ...], prune: bool, exit_code: bool, as_json: bool) -> int:
    """Show how files differ from what is stored."""
    from tameflare.cli import policy_sending as sending
    from tameflare.cli.client import connect
    from tameflare.cli.errors import Rejected
    from tameflare.cli.output import note, print_json

    sent = sending.files(files)
    with connect() as api:
        try:
            changes = sending.preview(api, sent, prune=prune)
        except Rejected as fault:
            sending.show_faults(fault, as_json)
            return Exit.FAILED
    differing = sending.changing(changes)
    if as_json:
        print_json({"changes": changes})
    else:
        sending.show_changes(changes, diff=True)
        if not differing:
            note("no difference")
    return Exit.FAILED if differing and exit_code else Exit.OK
