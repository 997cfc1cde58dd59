"""Lists of tools in a server's answers, without the tools that the agent may not call.

A list is known by its shape, a result with an array `tools`, since a stream that is taken up again does not say what it
answers. What is no such list goes on byte for byte. A list that cannot be read, or is too large to be held, is replaced
by an error: it must not be shown unfiltered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

Keep = Callable[[str], bool]
"""Whether the agent may call the tool of this name."""

LARGEST_ANSWER: Final = 4 << 20
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_EVENT_END: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_BOM: Final = b"\xef\xbb\xbf"


class _Tool(msgspec.Struct):
    name: str


def filtered(message: bytes, keep: Keep) -> bytes:
    """A JSON-RPC message or batch without the tools that are not kept. Raises msgspec.DecodeError."""
    if not _may_list(message):
        return message
    if message.lstrip()[:1] != b"[":
        return _one(message, keep)
    entries = _ARRAY.decode(message)
    kept = [_one(bytes(entry), keep) for entry in entries]
    if all(new == bytes(old) for new, old in zip(kept, entries, strict=True)):
        return message
    return msgspec.json.encode([msgspec.Raw(entry) for entry in kept])


def _may_list(data: bytes) -> bool:
    """Whether the word `tools` stands in it, perhaps with escapes."""
    return b"tools" in data or b"\\u" in data


def _one(message: bytes, keep: Keep) -> bytes:
    outer = _OBJECT.decode(message)
    result = bytes(outer.get("result", b""))
    if result[:1] != b"{":
        return message
    inner = _OBJECT.decode(result)
    tools = bytes(inner.get("tools", b""))
    if tools[:1] != b"[":
        return message
    entries = _ARRAY.decode(tools)
    kept = [entry for entry in entries if _is_kept(entry, keep)]
    if len(kept) == len(entries):
        return message
    inner["tools"] = msgspec.Raw(msgspec.json.encode(kept))
    outer["result"] = msgspec.Raw(msgspec.json.encode(inner))
    return msgspec.json.encode(outer)


def _is_kept(entry: msgspec.Raw, keep: Keep) -> bool:
    """What has no name cannot be called, so nothing is lost with it."""
    try:
        return keep(msgspec.json.decode(entry, type=_Tool).name)
    except msgspec.ValidationError:
        return False


class JsonAnswer:
    """An answer in one piece, held until it is whole. `strict`: it must be JSON. `fault` makes an error of a reason."""

    __slots__ = ("_fault", "_held", "_keep", "_size", "_strict")

    keeps_length: Final = False

    def __init__(self, keep: Keep, fault: Callable[[str], bytes], *, strict: bool) -> None:
        self._keep = keep
        self._fault = fault
        self._strict = strict
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, payload: bytes) -> bytes:
        self._size += len(payload)
        if self._size > LARGEST_ANSWER:
            self._held.clear()
        else:
            self._held.append(payload)
        return b""

    def finish(self) -> bytes:
        if self._size > LARGEST_ANSWER:
            return self._fault(f"the list of tools is over {LARGEST_ANSWER} bytes and cannot be filtered")
        answer = b"".join(self._held)
        try:
            return filtered(answer, self._keep)
        except msgspec.DecodeError:
            return self._fault("the list of tools cannot be read") if self._strict else answer


class EventStream:
    """A stream of server-sent events, each of which goes on as soon as it is whole."""

    __slots__ = ("_fault", "_held", "_keep", "_scanned", "_skipping", "_started")

    keeps_length: Final = False

    def __init__(self, keep: Keep, fault: Callable[[str], bytes]) -> None:
        self._keep = keep
        self._fault = fault
        self._held = bytearray()
        self._scanned = 0
        self._skipping = False
        self._started = False

    def feed(self, payload: bytes) -> bytes:
        self._held += payload
        out = []
        while piece := self._next():
            out.append(piece)
        if len(self._held) > LARGEST_ANSWER:
            out.append(self._skip())
        return b"".join(out)

    def finish(self) -> bytes:
        held = self._take(len(self._held))
        return b"" if self._skipping else self._changed(held)

    def _next(self) -> bytes:
        """What comes first and can go: line ends between events, a comment, a whole event. Empty: nothing yet."""
        if not self._skipping:
            return self._take_start() or self._take_lines() or self._take_event()
        end = _EVENT_END.search(self._held, self._scanned)
        if end is None:
            del self._held[:-3]
            return b""
        self._skipping = False
        self._take(end.end())
        return self._next()

    def _take_start(self) -> bytes:
        """A byte order mark, which readers of event streams drop."""
        if self._started or len(self._held) < len(_BOM):
            return b""
        self._started = True
        return self._take(len(_BOM)) if self._held.startswith(_BOM) else b""

    def _take_lines(self) -> bytes:
        """Line ends and comments before an event: servers keep a stream alive by them."""
        end = 0
        while end < len(self._held) and self._held[end] in b"\r\n":
            end += 1
        if not end and self._held.startswith(b":") and (found := _LINE_END.search(self._held)):
            end = found.end()
        return self._take(end)

    def _take_event(self) -> bytes:
        end = _EVENT_END.search(self._held, self._scanned)
        if end is None:
            self._scanned = max(0, len(self._held) - 3)
            return b""
        return self._changed(self._take(end.end()))

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        if size:
            del self._held[:size]
            self._scanned = 0
        return taken

    def _skip(self) -> bytes:
        """An error in place of an event that is too large; what is left of it is dropped."""
        self._skipping, self._scanned = True, 0
        del self._held[:-3]
        return self._event(f"an event is over {LARGEST_ANSWER} bytes and cannot be searched for tools")

    def _event(self, reason: str) -> bytes:
        return b"event: message\ndata: " + self._fault(reason) + b"\n\n"

    def _changed(self, event: bytes) -> bytes:
        if not _may_list(event):
            return event
        lines = _LINE_END.split(event)
        data = b"\n".join(_value(line) for line in lines if _field(line) == b"data")
        if data.lstrip()[:1] not in {b"{", b"["}:
            return event
        try:
            shown = filtered(data, self._keep)
        except msgspec.DecodeError:
            return self._event("a message of the stream cannot be read")
        return event if shown == data else _rewritten(lines, shown)


def _field(line: bytes) -> bytes:
    return line.partition(b":")[0]


def _value(line: bytes) -> bytes:
    return line.partition(b":")[2].removeprefix(b" ")


def _rewritten(lines: list[bytes], data: bytes) -> bytes:
    """The event with other data, its other fields as they came."""
    kept = [line for line in lines if line and _field(line) != b"data"]
    return b"".join(line + b"\n" for line in (*kept, *(b"data: " + line for line in data.split(b"\n")), b""))
