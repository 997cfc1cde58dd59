"""`tf policy packs`: policies to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tameflare.cli.group import Group
from tameflare.cli.options import json_option

_COLUMNS: Final = ("name", "description")


@click.group(
    "packs",
    cls=Group,
    epilog="""\b
Examples:
  tf policy packs list
  tf policy packs show payments
  tf policy packs write payments policies/

A pack is a file to be changed; once written it is yours.""",
)
def packs_command() -> None:
    """Policies that come along, to start from."""


def _names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from tameflare.core.policy import packs

    return [name for name in packs.names() if name.startswith(incomplete)]


@packs_command.command("list", epilog="\b\nExample:\n  tf policy packs list --json")
@json_option
def list_(as_json: bool) -> None:
    """List the packs."""
    from tameflare.cli.output import picked
    from tameflare.cli.output import show as tell
    from tameflare.core.policy import packs
    from tameflare.core.policy.parse import parse_policy

    found = []
    for name in packs.names():
        policy = parse_policy(packs.source(name)).policy
        found.append({"name": name, "description": policy.description if policy else ""})
    tell(found, as_json, _COLUMNS, picked(found, *_COLUMNS), "no packs")


@packs_command.command("show", epilog="\b\nExample:\n  tf policy packs show payments > payments.yaml")
@click.argument("name", shell_complete=_names)
@click.option("--tests", is_flag=True, help="Show its tests instead.")
@json_option
def show(name: str, tests: bool, as_json: bool) -> None:
    """Print a pack."""
    from tameflare.cli.output import print_json
    from tameflare.core.policy import packs

    if as_json:
        print_json({"name": name, "source": packs.source(name), "tests": packs.tests(name)})
    else:
        click.echo(packs.tests(name) if tests else packs.source(name), nl=False)


@packs_command.command(
    "write",
    epilog="""\b
Examples:
  tf policy packs write payments
  tf policy packs write payments policies/ --force""",
)
@click.argument("name", shell_complete=_names)
@click.argument("folder", default=".", type=click.Path(file_okay=False))
@click.option("--force", is_flag=True, help="Write over files that are there.")
@json_option
def write(name: str, folder: str, force: bool, as_json: bool) -> None:
    """Write a pack and its tests into FOLDER, which is made if need be."""
    from tameflare.cli.output import note, print_json
    from tameflare.core.errors import InvalidValue
    from tameflare.core.policy import packs

    wanted = {
        Path(folder) / f"{name}.yaml": packs.source(name),
        Path(folder) / f"{name}.policytest": packs.tests(name),
    }
    for path in wanted:
        if path.exists() and not force:
            raise InvalidValue(f"`{path}` is there already", "write over it by `--force`, or name another folder")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    if as_json:
        print_json({"written": [str(path) for path in wanted]})
    else:
        note(f"written: {', '.join(f'`{path}`' for path in wanted)}")
