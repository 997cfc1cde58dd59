"""`tf db`: the schema of the control plane's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tameflare.cli.errors import Exit
from tameflare.cli.group import Group
from tameflare.cli.options import json_option
from tameflare.cli.output import clean, note, print_json, say
from tameflare.settings import Settings

if TYPE_CHECKING:
    from tameflare.control.store.inspection import Schema

_SAID = {
    "new": "nothing is in it yet; a start makes it ready",
    "current": "it has the schema of this version",
    "behind": "it has an older schema; run `tf db upgrade`",
    "ahead": "it is newer, and this version still works on it",
    "later": "it is newer, and this version does not work on it; upgrade TameFlare",
}
_FIT = ("new", "current", "ahead")


@click.group(
    "db",
    cls=Group,
    epilog="""\b
Examples:
  tf db status
  tf db upgrade
  DATABASE_URL=postgresql://… tf db upgrade --phase pre

It is run where the server runs, with the server's settings.""",
)
def command() -> None:
    """Look after the control plane's database."""


@command.command(
    "upgrade",
    epilog="""\b
Examples:
  tf db upgrade
  tf db upgrade --phase pre     # then replace every server by the new version
  tf db upgrade --phase post    # when no server of the old version runs

A SQLite file is upgraded by each start of the server, after a backup beside it.
On PostgreSQL make a backup first (`pg_dump`).""",
)
@click.option(
    "--phase",
    type=click.Choice(["pre", "post"]),
    help="Only the steps that go before the new code, or those after the old code is gone [default: both].",
)
@json_option
def upgrade(phase: str | None, as_json: bool) -> None:
    """Bring the database to the schema of this version."""
    from tameflare.control.schema import upgrade as run
    from tameflare.control.store.revisions import Phase

    done = run(Settings(), [Phase(phase)] if phase else list(Phase))
    if as_json:
        print_json({"database": done.title, "steps": [step._asdict() for step in done.steps]})
        return
    for step in done.steps:
        say(clean(f"{done.title}: phase {step.phase}, from {step.before or 'nothing'} to {step.after}"))
    if not done.steps:
        note(clean(f"{done.title}: there is nothing to do"))


@command.command(
    "status",
    epilog="""\b
Example:
  tf db status --json

Exit code 3 if a server of this version would not start on it.""",
)
@json_option
def status(as_json: bool) -> int:
    """Print the schema of the database, and that of this version."""
    from tameflare.control.schema import status as look

    found = look(Settings())
    if as_json:
        print_json(_as_dict(found))
    else:
        say(clean(f"{found.title}: {_SAID[found.standing]}"))
        for phase, has, wants in zip(("pre", "post"), found.present, found.wanted, strict=True):
            say(
                f"  phase {phase:<5} {has or 'none'}"
                + ("" if has == wants else f", this version has {wants or 'none'}")
            )
    return Exit.OK if found.standing in _FIT else Exit.UNREACHABLE


def _as_dict(found: Schema) -> dict[str, Any]:
    return {
        "database": found.title,
        "standing": found.standing.value,
        "present": found.present._asdict(),
        "wanted": found.wanted._asdict(),
    }
