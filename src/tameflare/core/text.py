"""Text that came from somebody else, made fit to be shown."""

from __future__ import annotations

import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def spell_out(text: str) -> str:
    r"""`text` with control and direction-changing characters as `\u001b`, so that it cannot drive a terminal.

    Tabs and line feeds stay. Inside JSON strings the result still means the same.
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
