"""`tf policy test`: whether policies say what was expected of them, without a server."""

from __future__ import annotations

from typing import Any

import click

from tameflare.cli import completing
from tameflare.cli.errors import Exit
from tameflare.cli.options import json_option


@click.command(
    "test",
    epilog="""\b
Examples:
  tf policy test payments.policytest
  tf policy test policies/ --json

A folder stands for all files in it that end in .policytest; `-` for standard
input. Ends with 1 where a trial fails. docs/reference/policies.md says how
trials are written.""",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=completing.files)
@click.option("--verbose", "-v", is_flag=True, help="Tell of every trial what came of it.")
@json_option
def test_command(files: tuple[str, ...], verbose: bool, as_json: bool) -> int:
    """Try policies on actions, and compare what comes of it."""
    from tameflare.cli.output import clean, note, print_json, say
    from tameflare.cli.policy_files import found
    from tameflare.cli.trial_files import SUFFIX

    results = [(place, result) for place in found(files, (SUFFIX,)) for result in _results(place)]
    failed = [(place, result) for place, result in results if result.problem]
    if as_json:
        print_json({"trials": len(results), "failed": len(failed), "results": [_row(*each) for each in results]})
        return Exit.FAILED if failed else Exit.OK
    for place, result in results if verbose else failed:
        say(clean(f"{place}:{result.line}: {result.title or 'a trial'}: {result.problem or 'as expected'}"))
        for line in result.got.split("\n") if result.got else ():
            say(clean(f"    {line}"))
    note(f"{len(results)} trials, {len(failed) or 'none'} failed")
    return Exit.FAILED if failed else Exit.OK


def _results(place: str) -> list[Any]:
    from tameflare.cli.policy_files import text_of
    from tameflare.cli.trial_files import parse_trials
    from tameflare.cli.trial_runs import run_file

    return run_file(parse_trials(text_of(place), place, text_of))


def _row(place: str, result: Any) -> dict[str, Any]:
    return {
        "file": place,
        "line": result.line,
        "title": result.title,
        "passed": not result.problem,
        "problem": result.problem,
        "got": result.got.split("\n") if result.got else [],
    }
