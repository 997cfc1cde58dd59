"""What a plain word of YAML means.

Readers of YAML 1.1 and 1.2 disagree about some: `on`, `0755`, `1_000`. Here each either means the same to both, or is a
fault that says what to write. Only what looks like a time of day or a date is taken for the text that it looks like.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tameflare.core.policy import limits
from tameflare.core.policy.nodes import Value

_WORDS: Final[dict[str, Value]] = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
}
_YES_OR_NO: Final = {"y": True, "yes": True, "on": True, "n": False, "no": False, "off": False}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FRACTION: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_DOUBTFUL: Final = re.compile(
    r"""[-+]?(?:
        0[bBoOxX][0-9A-Fa-f_]+              # 0x1F, 0o17
      | [0-9][0-9_]*+(?:\.[0-9_]*+)?(?:[eE][-+]?[0-9]+)?  # 0755, 1_000, 1., 1e3
      | \.[0-9][0-9_]*+(?:[eE][-+]?[0-9]+)?  # .5
      | \.(?:inf|Inf|INF|nan|NaN|NAN)
    )""",
    re.VERBOSE,
)


class Doubt(NamedTuple):
    """Why a word means nothing here."""

    message: str
    help: str


def meaning(text: str) -> Value | Doubt:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return _doubt_about_yes(text) if len(text) <= 3 and text.lower() in _YES_OR_NO else text
    if not _DOUBTFUL.fullmatch(text):
        return text
    if len(text) > limits.NUMBER:
        return Doubt(f"a number of {len(text)} characters", f"a number has at most {limits.NUMBER}; text has quotes")
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    return Doubt(
        f"readers of YAML disagree about what `{text}` is", f'write a plain decimal number, or `"{text}"` for text'
    )


def _doubt_about_yes(text: str) -> Doubt:
    word = "true" if _YES_OR_NO[text.lower()] else "false"
    return Doubt(f"some readers of YAML take `{text}` for a truth value", f'write `{word}`, or `"{text}"` for the word')
