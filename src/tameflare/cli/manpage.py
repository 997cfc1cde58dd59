"""The manual page tf(1) in the macros of man(7), from the tree of commands, so that it cannot disagree with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import click

from tameflare import __version__
from tameflare.cli.errors import MEANING
from tameflare.cli.main import cli
from tameflare.settings import ALL

_HEADINGS: Final = ("Example:", "Examples:")


def text() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield '.\\" Made from the code by `tf man`. Do not edit.'
    yield f'.TH TF 1 "" "TameFlare {__version__}" "User Commands"'
    yield ".SH NAME"
    yield "tf \\- govern what AI agents do to the outside world"
    yield ".SH SYNOPSIS"
    yield ".B tf"
    yield _roff("[OPTIONS] COMMAND [ARGS]...")
    yield ".SH DESCRIPTION"
    yield _roff(
        "TameFlare stands between the process of an agent and the APIs that it calls. It turns each call into a named "
        "action, decides whether that may happen, puts the real credential in only after it has decided, and keeps a "
        "record."
    )
    yield ".SH COMMANDS"
    for context, command in _tree(cli, click.Context(cli, info_name="tf")):
        yield from _command(context, command)
    yield from _end()


def _end() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, meaning in MEANING.items():
        yield from _item(str(int(code)), meaning)
    yield from _prose("tf run ends with the exit code of its command: 128 + n if signal n ended it.")
    yield ".SH ENVIRONMENT"
    for setting in ALL:
        yield from _item(setting.name, setting.sentence)
    yield from _item("NO_COLOR", "Set to anything: no colours, also on a terminal.")
    yield ".SH FILES"
    yield from _item(".tf/", "Which gateway the commands in this directory use, and its token.")
    yield from _item("~/.config/tameflare/", "Log-in, and which .tf folders are trusted.")
    yield from _item("~/.tameflare/", "Database, keys and records of server and proxy (TF_DATA_DIR).")


def _tree(group: click.Group, context: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    """Every command below the group, each before its own."""
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        inner = click.Context(found, info_name=name, parent=context)
        yield inner, found
        if isinstance(found, click.Group):
            yield from _tree(found, inner)


def _command(context: click.Context, command: click.Command) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_roff(f'{context.command_path} {usage}')}"
    yield from list(_prose(command.help or ""))[1:]  # a heading begins a paragraph by itself
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and record[1] and "--help" not in parameter.opts:
            yield from _item(*record)
    yield from _epilog(command.epilog or "")


def _epilog(epilog: str) -> Iterator[str]:
    """Examples as they stand, the rest as text."""
    for paragraph in filter(None, epilog.replace("\b\n", "").split("\n\n")):
        lines = paragraph.strip("\n").splitlines()
        if lines[0] in _HEADINGS:
            yield ".PP"
            yield _roff(lines[0])
            yield ".PP"
            yield ".nf"
            yield from (_roff(line) for line in lines[1:])
            yield ".fi"
        else:
            yield from _prose(" ".join(lines))


def _prose(words: str) -> Iterable[str]:
    paragraphs = [" ".join(part.split()) for part in words.replace("\b", "").split("\n\n")]
    for paragraph in filter(None, paragraphs):
        yield ".PP"
        yield _roff(paragraph)


def _item(term: str, meaning: str) -> Iterator[str]:
    yield ".TP"
    yield f"\\fB{_escaped(term)}\\fR"
    yield _roff(" ".join(meaning.split())) or "\\&"


def _roff(words: str) -> str:
    """A line of text that begins with no request."""
    escaped = _escaped(words)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(words: str) -> str:
    """Backslashes, dashes, quotes and backticks as themselves; other than ASCII by its code point."""
    plain = words.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    return "".join(character if character.isascii() else f"\\[u{ord(character):04X}]" for character in plain)
