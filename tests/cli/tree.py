"""The tree of commands, for tests that hold for every one of them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tameflare.cli import main

Path = tuple[str, ...]


def walk(command: click.Command, path: Path = ()) -> Iterator[tuple[Path, click.Command]]:
    """`command` and all below it, with their names."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, (*path, name))


EVERY = dict(walk(main.cli))
LEAVES = {path: command for path, command in EVERY.items() if not isinstance(command, click.Group)}
WITHOUT_JSON = {("up",), ("server",), ("proxy",), ("run",), ("demo",), ("completion",), ("man",)}
"""Commands that become another program, or whose output is a text for another one."""


def options(command: click.Command) -> set[str]:
    found = (parameter for parameter in command.params if isinstance(parameter, click.Option))
    return {option for parameter in found for option in (*parameter.opts, *parameter.secondary_opts)}
