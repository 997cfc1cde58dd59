"""Regular expressions of policies: RE2, whose time grows with the text and never explodes."""

from __future__ import annotations

from typing import Any, Final

import re2  # type: ignore[import-untyped]

from tameflare.core.errors import InvalidValue
from tameflare.core.policy import limits

_NO_RE2: Final = {
    "(?=": "RE2 has no look-ahead; write two conditions, the second with `not`",
    "(?!": "RE2 has no look-ahead; write two conditions, the second with `not`",
    "(?<": "RE2 has no look-behind; name groups as `(?P<name>…)`",
    "too large": "repeat fewer times",
    "repetition size": "repeat at most 1000 times",
}


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # three times as fast
    options.max_mem = limits.PATTERN_MEMORY
    return options


OPTIONS: Final = _options()


def compile_regex(pattern: str) -> Any:
    """A compiled expression, whose `search(text)` finds it anywhere. Raises InvalidValue with what is wrong."""
    try:
        return re2.compile(pattern, OPTIONS)
    except re2.error as fault:
        said = fault.args[0] if fault.args else ""
        problem = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        help_ = next((better for words, better in _NO_RE2.items() if words in problem), "write it as RE2 reads it")
        raise InvalidValue(f"the expression cannot be read: {problem}", help_) from None
