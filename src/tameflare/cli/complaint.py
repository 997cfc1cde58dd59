"""How a fault reaches people and programs: one line on stderr, or one JSON object there where `--json` was given."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

import click

from tameflare.cli.errors import Exit, exit_code
from tameflare.core.errors import TameFlareError

_QUOTED: Final = re.compile(r"'([^']*)'")
_CHOICE: Final = re.compile("`([^`]*)` is not one of (.*)")
_PLAIN: Final = {"a valid integer range": "a whole number", "a valid integer": "a whole number"}


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether `--json` stands among our own arguments: what follows `tf run` or `--` is another program's."""
    ours = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    return "--json" in ours and ours[0] != "run"


def of_fault(fault: TameFlareError, as_json: bool) -> int:
    """Tell an expected fault; its exit code."""
    status = exit_code(fault)
    _tell(fault.message, fault.help, fault.code, status, as_json)
    return status


def of_usage(fault: click.ClickException, as_json: bool) -> int:
    """Tell a wrong command line; its exit code. A group by itself shows its help."""
    if isinstance(fault, click.exceptions.NoArgsIsHelpError):
        fault.show()
        return fault.exit_code
    message, advice = _words(fault)
    _tell(message, advice, "usage", fault.exit_code, as_json)
    return fault.exit_code


def of_surprise(fault: Exception, as_json: bool) -> int:
    """Tell a fault that nobody expected."""
    sentence = f"unexpected fault: {type(fault).__name__}: {fault}"
    _tell(sentence, "run again with TF_LOG_LEVEL=debug for details", "unexpected", Exit.FAILED, as_json)
    return Exit.FAILED


def _words(fault: click.ClickException) -> tuple[str, str]:
    """What is wrong and what to do, in our own manner; a sentence with backticks is ours already."""
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    manual = f"see `{context.command_path if context else 'tf'} --help`"
    if isinstance(fault, click.NoSuchOption):
        near = fault.possibilities
        return f"no option `{fault.option_name}`", f"did you mean `{near[0]}`?" if near else manual
    sentence = fault.format_message().rstrip(".")
    if not isinstance(fault, click.UsageError):
        return sentence, ""
    if "`" in sentence:
        message, _, advice = sentence.partition("; ")
        return message, advice
    return _in_our_manner(fault, sentence, manual)


def _in_our_manner(fault: click.ClickException, sentence: str, manual: str) -> tuple[str, str]:
    """click's sentence with backticks, plain words, and a guess at what was meant."""
    if isinstance(fault, click.MissingParameter) and isinstance(fault.param, click.Argument):
        return f"missing argument `{fault.param.human_readable_name}`", manual
    if isinstance(fault, click.BadParameter) and isinstance(fault.param, click.Argument):
        sentence = f"Invalid value for '{fault.param.human_readable_name}': {fault.message.rstrip('.')}"
    words = _QUOTED.sub(r"`\1`", sentence[:1].lower() + sentence[1:])
    for theirs, ours in _PLAIN.items():
        words = words.replace(theirs, ours)
    return words, _meant(words) or manual


def _meant(words: str) -> str:
    """The choice that is nearest to what was written; nothing where none is near, or nothing was to be chosen."""
    chosen = _CHOICE.search(words)
    near = difflib.get_close_matches(chosen[1], re.findall("`([^`]*)`", chosen[2]), n=1) if chosen else []
    return f"did you mean `{near[0]}`?" if near else ""


def _tell(message: str, advice: str, code: str, status: int, as_json: bool) -> None:
    from tameflare.cli.masked import masked
    from tameflare.cli.output import clean, complain_json

    message, advice = masked(message), masked(advice)
    if as_json:
        complain_json({"error": message, "code": code, "help": advice, "exit_code": int(status)})
    else:
        click.echo(f"tf: {clean(f'{message}; {advice}' if advice else message)}", err=True)
