"""`tf`: finds the command, imports only that one, and turns faults into one line and an exit code."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from typing import Final, NoReturn

import click

from tameflare import __version__
from tameflare.cli.errors import Exit, exit_code
from tameflare.core.errors import TameFlareError

COMMANDS: Final = {
    "agents": "agents",
    "approvals": "approvals",
    "connector": "connector",
    "demo": "demo",
    "doctor": "doctor",
    "gateway": "proxy",
    "init": "init",
    "kill-switch": "killswitch",
    "login": "login",
    "logs": "logs",
    "permissions": "permissions",
    "proxy": "proxy",
    "run": "run",
    "server": "server",
    "status": "status",
    "trust": "trusting",
    "up": "up",
    "users": "users",
}
_ALIASES: Final = frozenset({"gateway"})


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used: `tf run` must start at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name in COMMANDS if name not in _ALIASES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(f"tameflare.cli.{module}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in COMMANDS:
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            advice = f"did you mean `tf {near[0]}`?" if near else "`tf --help` lists all"
            raise click.UsageError(f"no command `{name}`; {advice}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example:
  tf up                         # in one terminal
  tf login && tf init           # in another
  tf connector add github
  tf run -- python agent.py

\b
Exit codes: 0 done, 1 refused or failed, 2 wrong usage or setting,
3 server or proxy out of reach, 4 not logged in.""",
)
@click.version_option(__version__, prog_name="tf")
def cli() -> None:
    """Govern what AI agents do to the outside world."""


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every fault becomes one line on stderr."""
    try:
        result = cli.main(arguments, prog_name="tf", standalone_mode=False)
        return result if isinstance(result, int) else Exit.OK
    except click.ClickException as fault:
        return _usage(fault)
    except TameFlareError as fault:
        _complain(str(fault))
        return exit_code(fault)
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as fault:  # noqa: BLE001 - the outermost edge: people get a line, not a traceback
        return _unexpected(fault)


def _usage(fault: click.ClickException) -> int:
    if isinstance(fault, click.exceptions.NoArgsIsHelpError):
        fault.show()
        return fault.exit_code
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    sentence = fault.format_message().rstrip(".")
    if isinstance(fault, click.UsageError) and "`" not in sentence:
        sentence = f"{sentence[:1].lower()}{sentence[1:]}; see `{context.command_path if context else 'tf'} --help`"
    _complain(sentence)
    return fault.exit_code


def _unexpected(fault: Exception) -> int:
    if os.environ.get("TF_LOG_LEVEL") == "debug":
        import traceback

        traceback.print_exception(fault)
    _complain(f"unexpected fault: {type(fault).__name__}: {fault}; run again with TF_LOG_LEVEL=debug for details")
    return Exit.FAILED


def _complain(sentence: str) -> None:
    from tameflare.cli.output import clean

    click.echo(f"tf: {clean(sentence)}", err=True)


def main() -> NoReturn:
    sys.exit(run(sys.argv[1:]))
