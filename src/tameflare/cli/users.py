"""`tf users`: people with an account, and their roles."""

from __future__ import annotations

from typing import Any

import click

from tameflare.cli.group import Group
from tameflare.cli.options import json_option
from tameflare.cli.output import moment, note, picked, print_json, show
from tameflare.core.roles import Role

_COLUMNS = ("email", "name", "role", "status", "id")
_ROLES = click.Choice([role.value for role in Role])


@click.group(
    "users",
    cls=Group,
    epilog="""\b
Examples:
  tf users list
  tf users add grace@example.com --name Grace --role member
  tf users role grace@example.com admin
  tf users suspend grace@example.com

Owners and admins do this. Where two people or more may answer approvals,
nobody answers for an agent that he made himself.""",
)
def command() -> None:
    """List and add people, and give them roles."""


def _path(user: str = "") -> str:
    from tameflare.cli.client import segment

    return f"/api/dashboard/users/{segment(user)}" if user else "/api/dashboard/users"


@command.command("list", epilog="\b\nExample:\n  tf users list --json")
@json_option
def list_(as_json: bool) -> None:
    """List everybody with an account."""
    from tameflare.cli.client import connect, items

    with connect() as api:
        found = items(api.get(_path()))
    rows = [[*row, moment(user.get("created_at"))] for row, user in zip(picked(found, *_COLUMNS), found, strict=True)]
    show(found, as_json, (*_COLUMNS, "since"), rows, "nobody")


@command.command(
    "add",
    epilog="""\b
Examples:
  tf users add grace@example.com --name Grace --role member
  printf '%s' "$PASSWORD" | tf users add grace@example.com --name Grace --password-stdin""",
)
@click.argument("email")
@click.option("--name", required=True, help="How records and other people see the person.")
@click.option("--role", type=_ROLES, default=Role.MEMBER.value, show_default=True, help="Not above your own.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")
@json_option
def add(email: str, name: str, role: str, password_stdin: bool, as_json: bool) -> None:
    """Make an account. Tell the person the password by a safe way."""
    from tameflare.cli.client import connect
    from tameflare.cli.login import read_password

    body = {"email": email, "name": name, "role": role}
    with connect() as api:
        made = api.post(_path(), body | {"password": read_password(password_stdin, confirm=True)})
    _say(made, as_json, f"`{made['email']}` added as {made['role']}; they log in with `tf login`")


@command.command("role", epilog="\b\nExample:\n  tf users role grace@example.com admin")
@click.argument("email")
@click.argument("role", type=_ROLES)
@json_option
def role(email: str, role: str, as_json: bool) -> None:
    """Give a person another role.

    Votes that it no longer allows are void.
    """
    _change(email, {"role": role}, as_json)


@command.command("suspend", epilog="\b\nExample:\n  tf users suspend grace@example.com")
@click.argument("email")
@json_option
def suspend(email: str, as_json: bool) -> None:
    """Let a person in no more.

    Votes on what is not let go yet are void.
    """
    _change(email, {"status": "suspended"}, as_json)


@command.command("activate", epilog="\b\nExample:\n  tf users activate grace@example.com")
@click.argument("email")
@json_option
def activate(email: str, as_json: bool) -> None:
    """Let a suspended person in again."""
    _change(email, {"status": "active"}, as_json)


def _change(email: str, change: dict[str, str], as_json: bool) -> None:
    from tameflare.cli.client import connect

    with connect() as api:
        changed = api.patch(_path(email), change)
    _say(changed, as_json, f"`{changed['email']}` is {changed['role']}, {changed['status']}")


def _say(user: dict[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(user)
    else:
        note(sentence)
