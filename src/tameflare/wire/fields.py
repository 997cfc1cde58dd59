"""Header fields of one head, as llhttp calls them out, and the checks that both directions share.

llhttp is one of two readers: what it lets pass is checked again here, because its strictness has changed between
versions and a proxy that reads a message differently from the next hop is a hole.
"""

from __future__ import annotations

from typing import Final

from tameflare.wire.diagnosis import LARGEST_HEAD, MOST_FIELDS, octet_fault, too_large, too_many
from tameflare.wire.faults import HeadFault
from tameflare.wire.framing import Framing
from tameflare.wire.names import Names

Header = tuple[bytes, bytes, bytes]
"""(lower-case name, name as sent, value)"""

_FORBIDDEN: Final = bytes(octet for octet in range(32)) + b"\x7f"


class FieldReader:
    """llhttp's callback and what it collected.

    It stands apart from the parser's owner, so that parser and owner don't hold each other in a cycle, and is a closure
    over its lists because it runs for every field of every message.
    """

    __slots__ = ("headers", "on_header", "special")

    def __init__(self, names: Names) -> None:
        self.headers: list[Header] = []
        self.special: list[tuple[int, bytes]] = []
        add, add_special, remembered = self.headers.append, self.special.append, names.get

        def on_header(name: bytes, value: bytes) -> None:
            known = remembered(name)
            if known is None:
                known = names.learn(name)
            if known.__class__ is bytes:
                add((known, name, value))
            else:
                add_special((known, value.strip(b" \t")))  # type: ignore[arg-type]

        self.on_header = on_header

    def reset(self) -> None:
        self.headers.clear()
        self.special.clear()

    def count(self) -> int:
        return len(self.headers) + len(self.special)

    def passing(self, framing: Framing, *, trim: bool) -> list[Header]:
        """Without the fields that `Connection` names; `trim` takes off white space that llhttp leaves after values."""
        names = framing.options.names
        if names or trim:
            return [(low, name, value.rstrip(b" \t")) for low, name, value in self.headers if low not in names]
        return self.headers.copy()


def count_tabs(data: bytes, lines: int) -> int | HeadFault:
    """Number of tabs, if size and octets of `data` are those of one whole head of `lines` lines, each ended by CRLF.

    Deleting all control characters must remove the CR and LF of every line end, tabs, and nothing else.
    """
    size = len(data)
    if size > LARGEST_HEAD:
        return too_large()
    if lines - 2 > MOST_FIELDS:
        return too_many()
    tabs = size - len(data.translate(None, _FORBIDDEN)) - 2 * lines
    return octet_fault(data) if tabs and tabs != data.count(b"\t") else tabs
