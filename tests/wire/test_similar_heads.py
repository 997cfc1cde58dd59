"""A head that is read from the one before it is read as it would be alone."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from tameflare.wire.heads import ResponseHead, ResponseHeads

FIELDS = (
    b"Date: Sat, 21 Nov 2026 22:28:04 GMT",
    b"Content-Length: 10",
    b"X-Request-Id: 1",
    b"Set-Cookie: a=1",
    b"Set-Cookie: b=2",
    b"Connection: keep-alive",
    b"Empty: ",
    b"Tight:value",
)
ODD = (
    b"Date: later",
    b"date: later",
    b"Date:later",
    b"Date:  later",
    b"Date: later ",
    b"Date: la\tter",
    b"Date: la\x00ter",
    b"Date: la\rter",
    b"Date: la\nter",
    b"Date : later",
    b" folded",
    b"Content-Length: 11",
    b"Content-Length: 10, 10",
    b"Transfer-Encoding: chunked",
    b"Connection: close",
    b"Connection: X-Request-Id",
    b"X-Request-Id: 2",
    b"X-Request-Id: \xe9",
    b"Set-Cookie: c=3",
    b"Empty: full",
    b"Tight: value",
    b"",
    b"no colon",
)
lines = st.sampled_from(FIELDS + ODD)
changes = st.dictionaries(st.integers(0, len(FIELDS) - 1), lines, max_size=3)
status_lines = st.sampled_from((b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.0 200 OK", b"HTTP/1.1 200"))


def head(first: bytes, changed: dict[int, bytes]) -> bytes:
    fields = [changed.get(at, line) for at, line in enumerate(FIELDS)]
    return b"\r\n".join((first, *fields, b"", b""))


def seen(heads: ResponseHeads, data: bytes) -> Any:
    found = heads.parse(data)
    if not isinstance(found, ResponseHead):
        return found
    return msgspec.structs.asdict(found) | {"headers": list(found.headers)}


@given(st.lists(st.tuples(status_lines, changes), min_size=2, max_size=6))
@example([(b"HTTP/1.1 200 OK", {}), (b"HTTP/1.1 200 OK", {1: b"Content-Length: 11"})])
@example([(b"HTTP/1.1 200 OK", {}), (b"HTTP/1.1 200 OK", {0: b"Date: la\rter"})])
@example([(b"HTTP/1.1 200 OK", {}), (b"HTTP/1.1 200 OK", {2: b"X-Request-Id: 2"})])
def test_a_head_after_others_is_read_as_if_it_came_first(heads: list[tuple[bytes, dict[int, bytes]]]) -> None:
    reader = ResponseHeads()
    for first, changed in heads:
        data = head(first, changed)
        assert seen(reader, data) == seen(ResponseHeads(), data)


def test_a_changed_value_is_the_new_one() -> None:
    reader = ResponseHeads()
    for number in range(3):
        found = reader.parse(head(b"HTTP/1.1 200 OK", {2: b"X-Request-Id: %d" % number}))
        assert isinstance(found, ResponseHead)
        assert found.headers.first(b"x-request-id") == b"%d" % number
        assert found.content_length == 10
