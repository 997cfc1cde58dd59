"""`tf groups`: groups of people, which rules and policies ask."""

from __future__ import annotations

import click

from tameflare.cli.group import Group
from tameflare.cli.options import json_option
from tameflare.cli.output import moment, note, picked, print_json, show

_PEOPLE = ("email", "name", "role", "status")


@click.group(
    "groups",
    cls=Group,
    epilog="""\b
Examples:
  tf groups add security-team
  tf groups join security-team grace@example.com
  tf permissions set github 'github.repo.delete' --ask --group security-team

Owners and admins do this; nobody but an owner puts himself into a group.""",
)
def command() -> None:
    """List and make groups of people, and say who is in them."""


def _path(*parts: str) -> str:
    from tameflare.cli.client import segment

    return "/".join(["/api/dashboard/groups", *map(segment, parts)])


@command.command("list", epilog="\b\nExample:\n  tf groups list --json")
@json_option
def list_(as_json: bool) -> None:
    """List the groups."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get(_path()))
    rows = [[*row, moment(group.get("created_at"))] for row, group in
            zip(picked(found, "name", "members"), found, strict=True)]  # fmt: skip
    show(found, as_json, ("name", "members", "since"), rows, "no groups")


@command.command("add", epilog="\b\nExample:\n  tf groups add security-team")
@click.argument("group")
@json_option
def add(group: str, as_json: bool) -> None:
    """Make a group; nobody is in it yet."""
    from tameflare.cli.client import connect

    with connect() as api:
        made = api.post(_path(), {"name": group})
    if as_json:
        print_json(made)
    else:
        note(f"group `{group}` added; `tf groups join {group} EMAIL` puts people into it")


@command.command("remove", epilog="\b\nExample:\n  tf groups remove security-team")
@click.argument("group")
@json_option
def remove(group: str, as_json: bool) -> None:
    """Remove a group.

    One that a rule or a policy names stays.
    """
    from tameflare.cli.client import connect

    with connect() as api:
        api.delete(_path(group))
    if as_json:
        print_json({"removed": group})
    else:
        note(f"group `{group}` removed")


@command.command("members", epilog="\b\nExample:\n  tf groups members security-team")
@click.argument("group")
@json_option
def members(group: str, as_json: bool) -> None:
    """List who is in a group."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get(_path(group, "members")))
    show(found, as_json, _PEOPLE, picked(found, *_PEOPLE), "nobody")


@command.command("join", epilog="\b\nExample:\n  tf groups join security-team grace@example.com")
@click.argument("group")
@click.argument("email")
@json_option
def join(group: str, email: str, as_json: bool) -> None:
    """Put a person into a group."""
    from tameflare.cli.client import connect

    with connect() as api:
        person = api.put(_path(group, "members", email), {})
    if as_json:
        print_json(person)
    else:
        note(f"`{person['email']}` is in `{group}`")


@command.command("leave", epilog="\b\nExample:\n  tf groups leave security-team grace@example.com")
@click.argument("group")
@click.argument("email")
@json_option
def leave(group: str, email: str, as_json: bool) -> None:
    """Take a person out of a group.

    Votes that counted for the group are void until the request is let go.
    """
    from tameflare.cli.client import connect

    with connect() as api:
        api.delete(_path(group, "members", email))
    if as_json:
        print_json({"removed": email, "group": group})
    else:
        note(f"`{email}` is no longer in `{group}`")
