"""A push as git sends it to a server (https://git-scm.com/docs/gitprotocol-pack): read, and refused in git's own words.

The body of a push begins with the refs that it moves, each a line with its length before it; the objects follow. A
client reads no text of an answer other than 200, so a refusal is the report that a server sends after a push, in which
each ref says why it did not move: git prints `! [remote rejected] main -> main (…)`.
"""

from __future__ import annotations

import re
from itertools import dropwhile
from typing import Any, Final

import msgspec

from tameflare.connectors.denials import Denial, Rendered, lines, retry

NOTHING: Final = b"0000"
"""A body that moves no ref: git sends it before a large push, to see whether it may."""
RESULT: Final = "application/x-git-receive-pack-result"
_LENGTH: Final = 4
_LARGEST_LINE: Final = 65520
_MOST_REFS: Final = 1000
_SAID, _REPORT = b"\x02", b"\x01"
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{4}")
_SHALLOW: Final = re.compile(rb"shallow (?:[0-9a-f]{40}|[0-9a-f]{64})\n?")
_NO_OBJECT: Final = frozenset("0")
_OBJECT_SIZES: Final = (40, 64)
_ANSWERED: Final = 200


class Update(msgspec.Struct, frozen=True):
    """A ref, with the object that it points to and the one that it shall; an object of zeros: none."""

    ref: str
    old: str
    new: str


class Push(msgspec.Struct, frozen=True):
    """What a push asks for. `rest`: how many bytes follow, of which nothing is read."""

    updates: tuple[Update, ...]
    capabilities: frozenset[str]
    rest: int

    def moves(self) -> list[dict[str, Any]]:
        """The parameters of each ref's move: `ref`, and what is made of it."""
        return [_shown(update) for update in self.updates]


def read(body: bytes) -> Push | None:
    """The push that a body begins with, which may be cut behind its refs; None where it cannot be read."""
    at = 0
    found: list[bytes] = []
    while len(found) <= _MOST_REFS:
        size = _size(body[at : at + _LENGTH])
        if size is None or (size and at + size > len(body)):
            return None
        if size == 0:
            return _push(found, len(body) - at - _LENGTH)
        found.append(body[at + _LENGTH : at + size])
        at += size
    return None


def _size(length: bytes) -> int | None:
    """The size of a line with its length, 0 for the end of a list."""
    if not _SIZE.fullmatch(length):
        return None
    size = int(length, 16)
    return size if size == 0 or _LENGTH < size <= _LARGEST_LINE else None


def _push(lines: list[bytes], rest: int) -> Push | None:
    """A shallow clone says first where it ends, which moves nothing."""
    found = list(dropwhile(_SHALLOW.fullmatch, lines))
    if not found:
        return None
    first, _, said = found[0].partition(b"\0")
    try:
        updates = tuple(_update(line.decode().removesuffix("\n")) for line in (first, *found[1:]))
        return Push(updates, frozenset(said.decode().split()), rest)
    except ValueError:  # neither a push nor text
        return None


def _update(line: str) -> Update:
    """git takes what stands before a NUL for the ref, in every line: a line with one is none of an honest client's."""
    old, new, ref = line.split(" ", 2)
    if not ref.startswith("refs/") or not ref.isprintable() or not all(map(_is_object, (old, new))):
        raise ValueError("no update of a ref")
    return Update(ref, old, new)


def _is_object(name: str) -> bool:
    return len(name) in _OBJECT_SIZES and all(letter in "0123456789abcdef" for letter in name)


def _shown(update: Update) -> dict[str, str]:
    if set(update.new) == _NO_OBJECT:
        return {"ref": update.ref, "delete": update.old}
    if set(update.old) == _NO_OBJECT:
        return {"ref": update.ref, "create": update.new}
    return {"ref": update.ref, "from": update.old, "to": update.new}


# --- refusing ---------------------------------------------------------------------------------------------------------


def deny(denial: Denial, push: Push) -> Rendered | None:
    """The report of a push of which nothing was taken; None for a client that reads none."""
    if not {"report-status", "report-status-v2"} & push.capabilities:
        return None
    reason = f"TameFlare: {denial.message}".encode()
    report = b"".join(map(_line, (b"unpack ok\n", *(_rejected(update.ref, reason) for update in push.updates))))
    body = report + NOTHING
    if "side-band-64k" in push.capabilities:
        said = "".join(f"{line}\n" for line in lines(denial)).encode()
        body = _line(_SAID + said) + b"".join(_line(_REPORT + piece) for piece in _pieces(body)) + NOTHING
    return Rendered(_ANSWERED, (*retry(denial), ("Cache-Control", "no-cache")), RESULT, body)


def _rejected(ref: str, reason: bytes) -> bytes:
    return b"ng %b %b\n" % (ref.encode(), reason.replace(b"\n", b" "))


def _line(content: bytes) -> bytes:
    return b"%04x%b" % (len(content) + _LENGTH, content)


def _pieces(report: bytes) -> list[bytes]:
    most = _LARGEST_LINE - _LENGTH - 1
    return [report[at : at + most] for at in range(0, len(report), most)]
