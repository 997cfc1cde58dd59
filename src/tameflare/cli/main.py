"""`tf`: finds the command, imports only that one, and turns faults into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Final, NoReturn

import click

from tameflare import __version__
from tameflare.cli import complaint
from tameflare.cli.errors import MEANING, Exit
from tameflare.cli.group import Group
from tameflare.core.errors import TameFlareError

COMMANDS: Final = {
    "actions": "actions",
    "agents": "agents",
    "approvals": "approvals",
    "completion": "completion",
    "config": "config",
    "connector": "connector",
    "db": "db",
    "demo": "demo",
    "doctor": "doctor",
    "gateway": "proxy",
    "gateways": "gateways",
    "groups": "groups",
    "init": "init",
    "keys": "keys",
    "kill-switch": "killswitch",
    "login": "login",
    "logs": "logs",
    "man": "man",
    "permissions": "permissions",
    "policy": "policy",
    "proxy": "proxy",
    "run": "run",
    "server": "server",
    "status": "status",
    "trust": "trusting",
    "up": "up",
    "users": "users",
}
_ALIASES: Final = frozenset({"gateway"})


class LazyGroup(Group):
    """A group whose commands are imported when they are used: `tf run` must start at once."""

    def known(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as the class above has it
        return list(COMMANDS)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name in COMMANDS if name not in _ALIASES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(f"tameflare.cli.{module}").command
        assert isinstance(command, click.Command)
        return command


_EXITS: Final = ", ".join(f"{int(code)} {meaning}" for code, meaning in MEANING.items())


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"""\b
Example:
  tf up                         # in one terminal
  tf login && tf init           # in another
  tf connector add github
  tf run -- python agent.py

Exit codes: {_EXITS}. `tf run` ends with its command's own. With `--json` stdout
is JSON and nothing else, and a fault is one JSON object on stderr.""",
)
@click.version_option(__version__, prog_name="tf")
def cli() -> None:
    """Govern what AI agents do to the outside world."""


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every fault becomes one line on stderr."""
    as_json = complaint.wants_json(arguments)
    try:
        result = cli.main(arguments, prog_name="tf", standalone_mode=False)
        return result if isinstance(result, int) else Exit.OK
    except click.ClickException as fault:
        return complaint.of_usage(fault, as_json)
    except TameFlareError as fault:
        return complaint.of_fault(fault, as_json)
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as fault:  # noqa: BLE001 - the outermost edge: people get a line, not a traceback
        if os.environ.get("TF_LOG_LEVEL") == "debug":
            import traceback

            traceback.print_exception(fault)
        return complaint.of_surprise(fault, as_json)


def main() -> NoReturn:
    sys.exit(run(sys.argv[1:]))
