"""`tf policy`: the policies of an installation, and the files that they are written in."""

from __future__ import annotations

import importlib
from typing import Final

import click

from tameflare.cli.group import Group

COMMANDS: Final = {
    "apply": "policy_apply",
    "delete": "policy_stored",
    "diff": "policy_apply",
    "disable": "policy_stored",
    "enable": "policy_stored",
    "lint": "policy_lint",
    "list": "policy_stored",
    "packs": "policy_packs",
    "replay": "policy_replay",
    "restore": "policy_stored",
    "show": "policy_stored",
    "test": "policy_test",
    "versions": "policy_stored",
}
"""Modules by command; each has a function of the command's name with `_command` behind it."""


class PolicyGroup(Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = getattr(importlib.import_module(f"tameflare.cli.{module}"), f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command


@click.group(
    "policy",
    cls=PolicyGroup,
    epilog="""\b
Examples:
  tf policy packs show payments > payments.yaml
  tf policy lint payments.yaml
  tf policy test payments.policytest
  tf policy apply payments.yaml

docs/reference/policies.md says how policies are written.""",
)
def command() -> None:
    """Write, check, try and store policies."""
