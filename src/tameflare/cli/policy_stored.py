"""`tf policy list`, `show`, `versions`, `restore`, `enable`, `disable`, `delete`: what the server has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from tameflare.cli.options import confirm, json_option, yes_option

_COLUMNS: Final = ("name", "version", "state", "priority", "rules", "description", "changed")
_VERSIONS: Final = ("version", "stored", "by", "origin", "description")
_name = click.argument("name")


@click.command("list", epilog="\b\nExample:\n  tf policy list --json")
@json_option
def list_command(as_json: bool) -> None:
    """List the stored policies."""
    from tameflare.cli.client import connect, items
    from tameflare.cli.output import moment, show
    from tameflare.cli.policy_sending import PATH

    with connect() as api:
        found = items(api.get(PATH))
    rows = [
        (each["name"], each["version"], _state(each), each["priority"], each["rules"], each["description"],
         moment(each["changed_at"]))
        for each in found
    ]  # fmt: skip
    show(found, as_json, _COLUMNS, rows, "no policies; `tf policy packs list` has some to start from")


def _state(policy: Mapping[str, Any]) -> str:
    if policy.get("problem"):
        return "broken: denies its scope"
    if not policy["enabled"]:
        return "switched off"
    return "on" if policy["active"] else "off in its source"


@click.command(
    "show",
    epilog="""\b
Examples:
  tf policy show payments
  tf policy show payments --version 3 > payments.yaml""",
)
@_name
@click.option("--version", "number", type=click.IntRange(1), metavar="NUMBER", help="An older version.")
@json_option
def show_command(name: str, number: int | None, as_json: bool) -> None:
    """Print a stored policy."""
    from tameflare.cli.client import connect
    from tameflare.cli.output import note, print_json
    from tameflare.cli.policy_sending import path

    with connect() as api:
        found = api.get(path(name) if number is None else path(name, "versions", str(number)))
    if as_json:
        print_json(found)
        return
    click.echo(found["source"], nl=False)
    if found.get("problem"):
        note(f"broken, so that its whole scope is denied: {found['problem']}")


@click.command(
    "versions",
    epilog="""\b
Examples:
  tf policy versions payments
  tf policy versions payments --diff 2 3""",
)
@_name
@click.option("--diff", nargs=2, type=click.IntRange(1), metavar="OLD NEW", help="How two of them differ.")
@json_option
def versions_command(name: str, diff: tuple[int, int] | None, as_json: bool) -> None:
    """List every version of a policy, newest first.

    Those of a deleted policy too.
    """
    from tameflare.cli.client import connect, items
    from tameflare.cli.output import moment, print_json, show
    from tameflare.cli.policy_sending import path, show_diff

    with connect() as api:
        if diff is not None:
            found = api.get(path(name, "diff"), old=diff[0], new=diff[1])
            print_json(found) if as_json else show_diff(found["diff"])
            return
        versions = items(api.get(path(name, "versions")))
    rows = [
        [each["version"], moment(each["created_at"]), each["author"], each["origin"], each["description"]]
        for each in versions
    ]
    show(versions, as_json, _VERSIONS, rows, "no versions")


@click.command(
    "restore",
    epilog="""\b
Example:
  tf policy restore payments 3

Its text becomes the newest version. A deleted policy comes back so.""",
)
@_name
@click.argument("number", type=click.IntRange(1))
@json_option
def restore_command(name: str, number: int, as_json: bool) -> int:
    """Make an older version the newest."""
    from tameflare.cli.client import connect
    from tameflare.cli.errors import Exit, Rejected
    from tameflare.cli.output import note, print_json
    from tameflare.cli.policy_sending import path, show_faults
    from tameflare.cli.settle import settle

    with connect() as api:
        try:
            stored = api.post(path(name, "restore"), {"restore": number})
        except Rejected as fault:
            show_faults(fault, as_json)
            return Exit.FAILED
        settle(api)
    if as_json:
        print_json(stored)
    else:
        note(f"policy `{name}` is at version {stored['version']}, with the text of version {number}")
    return Exit.OK


@click.command("enable", epilog="\b\nExample:\n  tf policy enable payments")
@_name
@json_option
def enable_command(name: str, as_json: bool) -> None:
    """Switch a policy on again."""
    _switch(name, True, as_json)


@click.command("disable", epilog="\b\nExample:\n  tf policy disable payments\n\nNew versions of it stay switched off.")
@_name
@yes_option
@json_option
def disable_command(name: str, yes: bool, as_json: bool) -> None:
    """Switch a policy off: it neither denies nor asks any more."""
    confirm(f"Nothing that policy `{name}` denies or asks for is held back then. Switch it off?", yes)
    _switch(name, False, as_json)


def _switch(name: str, enabled: bool, as_json: bool) -> None:
    from tameflare.cli.client import connect
    from tameflare.cli.output import note, print_json
    from tameflare.cli.policy_sending import path
    from tameflare.cli.settle import settle

    with connect() as api:
        changed = api.patch(path(name), {"enabled": enabled})
        settle(api)
    if as_json:
        print_json(changed)
    else:
        note(f"policy `{name}` is {_state(changed)}")


@click.command("delete", epilog="\b\nExample:\n  tf policy delete payments\n\n`tf policy restore` brings it back.")
@_name
@yes_option
@json_option
def delete_command(name: str, yes: bool, as_json: bool) -> None:
    """Delete a policy; its versions are kept."""
    from tameflare.cli.client import connect
    from tameflare.cli.output import note, print_json
    from tameflare.cli.policy_sending import path
    from tameflare.cli.settle import settle

    with connect() as api:
        found = api.get(path(name))
        confirm(f"Delete policy `{name}`, which is {_state(found)}?", yes)
        api.delete(f"{path(name)}?version={found['version']}")
        settle(api)
    if as_json:
        print_json({"deleted": name, "version": found["version"]})
    else:
        note(f"policy `{name}` deleted; `tf policy restore {name} {found['version']}` brings it back")
