"""Options that several commands share, and how secrets are read: never from the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from tameflare.cli import completing, project
from tameflare.core.errors import InvalidValue, SettingError
from tameflare.core.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])
PRESETS = ("allow-all", "read-only", "require-approval")


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def gateway_option(function: F) -> F:
    return click.option(
        "--gateway",
        "-g",
        metavar="NAME",
        shell_complete=completing.gateways,
        help="Gateway [default: the one in .tf].",
    )(function)


def yes_option(function: F) -> F:
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(function)


def confirm(question: str, yes: bool) -> None:
    """Ask on the terminal before what may do harm. Raises InvalidValue where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidValue("nobody can be asked here whether to do this", "say so by `--yes`")
    click.confirm(question, abort=True, err=True)


def secret_options(function: F) -> F:
    stdin = click.option("--secret-stdin", is_flag=True, help="Read the secret from the first line of stdin.")
    variable = click.option("--secret-env", metavar="VARIABLE", help="Read the secret from this variable.")
    return stdin(variable(function))


def gateway_name(given: str | None) -> str:
    """The gateway that was named, else the project's. Raises SettingError where there is neither."""
    if given:
        return given
    folder = project.find_folder()
    stored = project.read_config(folder) if folder else None
    if not stored:
        raise SettingError("no gateway is set up here", "run `tf init`, or name one with `--gateway`")
    return stored["gateway"]


def read_secret(prompt: str, from_stdin: bool, variable: str | None) -> Secret:
    """A secret from stdin, from the variable, or asked for on the terminal. Raises InvalidValue where none came."""
    if from_stdin and variable:
        raise InvalidValue("both `--secret-stdin` and `--secret-env` were given", "choose one")
    if from_stdin:
        value = sys.stdin.readline().rstrip("\r\n")
    elif variable:
        value = os.environ.get(variable, "")
        if not value:
            raise InvalidValue(f"the variable `{variable}` is not set", "set it, or use `--secret-stdin`")
    else:
        need_terminal(prompt, "`--secret-stdin` or `--secret-env`")
        value = click.prompt(prompt, hide_input=True, err=True)
    if not value.strip():
        raise InvalidValue("the secret is empty", "try again")
    return Secret(value)


def need_terminal(what: str, instead: str) -> None:
    """Raises InvalidValue where nobody can be asked."""
    if not sys.stdin.isatty():
        raise InvalidValue(f"cannot ask for `{what}` without a terminal", f"use {instead}")
