"""The upstream's answer becomes the agent's: its head written anew, its body framed anew, nothing after its end.

Bytes in, bytes out; no socket. One reader serves one conversation, answer after answer.
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from tameflare.core.changes import BodyChange, feed_last
from tameflare.proxy.answer_changes import ENCODED, MASKED, AnswerChanges, is_encoded
from tameflare.wire.framer import LAST_CHUNK, Framer, encode_chunk, response_framer
from tameflare.wire.heads import LARGEST_HEAD, HeadFault, ResponseHead, ResponseHeads, head_end
from tameflare.wire.masking import MaskedBody, Masker

MOST_INTERIM: Final = 16
NO_CONTENT: Final = 204


class ResponseFault(Exception):
    """The upstream broke HTTP; the message says how."""


class ResponseEncoded(ResponseFault):
    """The answer came encoded, so that what must be found in it cannot be found."""


class ResponseReader:
    """`head` is there once the answer has begun, `done` once it has ended.

    `ends_connection` says that the agent's connection cannot be used after this answer; it is only known with the head.
    `untouched`: not one byte of an answer came, be it of an interim one.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_changes",
        "_chunked",
        "_flags",
        "_framer",
        "_heads",
        "_interim",
        "_mark",
        "_method",
        "_minor",
        "_surplus",
        "done",
        "ends_connection",
        "head",
        "untouched",
    )

    def __init__(self) -> None:
        self._heads = ResponseHeads()
        self.head: ResponseHead | None = None
        self.begin("GET", 1, "")

    def begin(self, method: str, minor: int, request_id: str, changes: AnswerChanges | None = None) -> None:
        """Get ready for the answer to a request of this method and HTTP/1.`minor`."""
        self._method = method
        self._minor = minor
        self._mark = request_id
        self._changes = changes
        self._body: tuple[BodyChange, ...] = ()
        self._flags: tuple[str, ...] = ()
        self._buffer = b""
        self._framer: Framer | None = None
        self._chunked = False
        self._surplus = False
        self._interim = 0
        self.head = None
        self.done = False
        self.ends_connection = False
        self.untouched = True

    @property
    def reusable(self) -> bool:
        """Whether the upstream connection may carry another request."""
        return self.done and self.head is not None and not self.head.close and not self._surplus

    def feed(self, data: bytes, *, keep: bool) -> bytes:
        """What goes to the agent. `keep`: its connection is to live on. Raises ResponseFault and FramingFault."""
        self.untouched = False
        if self.head is not None:
            return self._frame(data)
        if self._buffer:
            data = self._buffer + data
        found = self._read_head(data)
        if found is None:
            return b""
        head, rest = found
        self.head = head
        self._framer = response_framer(head, self._method)
        if self._changes is None:
            return self._write_head(head, keep) + self._frame(rest)
        return self._begin_changed(self._changes, head, data, rest, keep)

    def finish(self) -> bytes:
        """The upstream closed. Raises FramingFault where the answer is cut short."""
        assert self._framer is not None
        self._framer.finish()
        self.done = self._surplus = True
        return self._encode(self._change(b""))

    @property
    def flags(self) -> tuple[str, ...]:
        """What the record is to say about the answer."""
        if not self._body:
            return self._flags
        masked = any(type(change) is MaskedBody and change.masked for change in self._body)
        return (*self._flags, MASKED) if masked and MASKED not in self._flags else self._flags

    def _read_head(self, data: bytes) -> tuple[ResponseHead, bytes] | None:
        """The final head and what follows it; interim answers are dropped (RFC 9110 section 15.2)."""
        while True:
            end = head_end(data)
            if end < 0:
                if len(data) > LARGEST_HEAD:
                    raise ResponseFault("the head of the answer is over 64 KiB")
                self._buffer = data
                return None
            head = self._heads.parse(data if end == len(data) else data[:end])
            if isinstance(head, HeadFault):
                raise ResponseFault(head.message)
            data = data[end:]
            if head.status >= 200:
                self._buffer = b""
                return head, data
            if head.status == 101:
                raise ResponseFault("the upstream switched protocols unasked")
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise ResponseFault(f"more than {MOST_INTERIM} interim answers came")

    def _write_head(self, head: ResponseHead, keep: bool, masker: Masker | None = None) -> bytes:
        """An answer without a length is chunked, so that a cut is seen; HTTP/1.0 knows no chunks."""
        if head.status == NO_CONTENT:
            framing = b""
        elif head.content_length is not None and (self._framer is not None or not head.chunked):
            framing = b"Content-Length: %d\r\n" % head.content_length
        elif self._framer is None:
            framing = b""
        elif self._minor:
            self._chunked = True
            framing = b"Transfer-Encoding: chunked\r\n"
        else:
            framing, keep = b"", False
        if not keep:
            self.ends_connection = True
            framing += b"Connection: close\r\n"
        elif not self._minor:
            framing += b"Connection: keep-alive\r\n"
        fields = head.headers
        reason, lines = head.reason, fields.layout.all_lines.write(fields.values)
        if masker is not None:
            reason, lines = self._mask_head(masker, reason, lines)
        start = b"HTTP/1.1 %d %b\r\n" % (head.status, reason)
        return b"".join((start, lines, framing, b"X-TameFlare-Request-Id: %b\r\n\r\n" % self._mark.encode()))

    # --- an answer that is changed on its way

    def _begin_changed(self, changes: AnswerChanges, head: ResponseHead, data: bytes, rest: bytes, keep: bool) -> bytes:
        """The beginning of an answer that may not pass as it comes: `data` is its head and `rest`.

        Raises ResponseFault where it must not pass.
        """
        masker = changes.masker
        if masker is not None and changes.is_plain(head) and masker.is_clean(data):
            return self._begin_clean(masker, head, rest, keep)
        encoded, filtered = self._look_into(changes, head) if self._framer is not None else (False, None)
        if filtered is not None and not filtered.keeps_length:
            head = structs.replace(head, content_length=None)
        dirty = masker is not None and not masker.is_clean(data)
        start = self._write_head(head, keep, masker if dirty else None)
        payload = self._take(rest)
        if filtered is not None:
            self._body = (filtered,)
        if masker is not None and not encoded and not self._is_known(masker, payload, dirty):
            self._body += (masker.stream(),)
        if self._body:
            payload = self._change(payload)
        return start + (self._encode(payload) if self._chunked else payload)

    def _begin_clean(self, masker: Masker, head: ResponseHead, rest: bytes, keep: bool) -> bytes:
        """Nothing was found in what came with the head; if that was all, nothing can be."""
        start = self._write_head(head, keep)
        payload = self._take(rest)
        if self.done and not self._chunked:
            return start + payload
        self._body = (masker.stream(),)
        return start + self._encode(self._change(payload))

    def _is_known(self, masker: Masker, payload: bytes, dirty: bool) -> bool:
        """Whether the whole body is here and has been searched; only chunks can hide something from that."""
        return self.done and not dirty and not self._body and (not self._chunked or masker.is_clean(payload))

    def _look_into(self, changes: AnswerChanges, head: ResponseHead) -> tuple[bool, BodyChange | None]:
        """Whether the body is encoded, and the filter for it. Raises ResponseFault where it has to be readable."""
        filtered = changes.filter(head)
        encoded = is_encoded(head)
        if encoded:
            self._flags = (ENCODED,)
            if changes.strict or filtered is not None:
                raise ResponseEncoded(
                    "the answer is encoded, although it was asked for plainly, and cannot be searched"
                )
        return encoded, filtered

    def _mask_head(self, masker: Masker, reason: bytes, lines: bytes) -> tuple[bytes, bytes]:
        masked = masker.mask(reason), masker.mask_fields(lines)
        if masked != (reason, lines):
            self._flags += (MASKED,)
        return masked

    def _change(self, payload: bytes) -> bytes:
        for change in self._body:
            payload = feed_last(change, payload) if self.done else change.feed(payload)
        return payload

    # --- framing

    def _frame(self, data: bytes) -> bytes:
        payload = self._take(data)
        if self._body:
            payload = self._change(payload)
        return self._encode(payload) if self._chunked else payload

    def _take(self, data: bytes) -> bytes:
        """The payload in `data`; from its end on `done`."""
        framer = self._framer
        if framer is None:
            self.done = True
            self._surplus = bool(data)
            return b""
        payload = framer.feed(data) if data else b""
        if framer.done:
            self.done = True
            self._surplus = bool(framer.rest)
        return payload

    def _encode(self, payload: bytes) -> bytes:
        if not self._chunked:
            return payload
        return (encode_chunk(payload) if payload else b"") + (LAST_CHUNK if self.done else b"")
