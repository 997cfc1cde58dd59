"""Limits, parser reuse, and writing heads anew."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire import messages

from tameflare.wire.fields import Fields
from tameflare.wire.heads import (
    LARGEST_HEAD,
    MOST_FIELDS,
    HeadFault,
    RequestHead,
    RequestHeads,
    ResponseHead,
    ResponseHeads,
    head_end,
    partial_fault,
)

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"


def code(data: bytes) -> tuple[int, str]:
    fault = RequestHeads().parse(data)
    assert isinstance(fault, HeadFault)
    return fault.status, fault.code


def test_head_end_finds_the_first_empty_line() -> None:
    assert head_end(GET) == -1
    assert head_end(GET + b"\r\nbody\r\n\r\n") == len(GET) + 2
    assert head_end(bytearray(GET + b"\r\n"), len(GET) - 2) == len(GET) + 2


def test_most_fields() -> None:
    most = GET + b"A: b\r\n" * (MOST_FIELDS - 1)
    assert isinstance(RequestHeads().parse(most + b"\r\n"), RequestHead)
    assert code(most + b"A: b\r\n\r\n") == (431, "too_many_headers")


def test_largest_head() -> None:
    room = LARGEST_HEAD - len(GET) - len(b"A: \r\n\r\n")
    head = RequestHeads().parse(GET + b"A: " + b"x" * room + b"\r\n\r\n")
    assert isinstance(head, RequestHead)
    assert head.size == LARGEST_HEAD
    assert code(GET + b"A: x" + b"x" * room + b"\r\n\r\n") == (431, "head_too_large")


def test_responses_have_the_same_limits() -> None:
    fault = ResponseHeads().parse(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (MOST_FIELDS + 1) + b"\r\n")
    assert isinstance(fault, HeadFault)
    assert fault.code == "too_many_headers"


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", GET, GET + b"\r", b"GET / HTTP/1.1\r\n", GET + b"\r\nrest"])
def test_what_is_not_exactly_one_head(data: bytes) -> None:
    assert isinstance(RequestHeads().parse(data), HeadFault)
    assert isinstance(ResponseHeads().parse(data), HeadFault)


def test_partial_heads_are_refused_as_soon_as_they_can_be() -> None:
    assert partial_fault(GET) is None
    assert partial_fault(GET + b"Acc\r") is None
    bare = partial_fault(b"GET / HTTP/1.1\nHost: a\n\n")
    large = partial_fault(bytearray(LARGEST_HEAD + 1))
    assert bare is not None
    assert large is not None
    assert (bare.code, large.status) == ("bare_line_end", 431)


@given(st.lists(messages.request_heads, max_size=4))
def test_a_reader_forgets_the_head_before(heads: list[bytes]) -> None:
    """Whatever llhttp kept of one message, the next is read as by a new reader."""
    reader = RequestHeads()
    assert [reader.parse(data) for data in heads] == [RequestHeads().parse(data) for data in heads]


@pytest.mark.parametrize(
    "field",
    [
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: x\r\n",
    ],
)
def test_a_reader_goes_on_after_any_message(field: bytes) -> None:
    reader = RequestHeads()
    for head in (GET + field + b"\r\n", GET + b"\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", GET + b"\r\n"):
        assert isinstance(reader.parse(head), RequestHead)


def test_a_fault_leaves_nothing_behind() -> None:
    reader = RequestHeads()
    assert isinstance(reader.parse(GET + b"A : b\r\n\r\n"), HeadFault)
    head = reader.parse(GET + b"\r\n")
    assert isinstance(head, RequestHead)
    assert head.headers == []


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", GET + b"Connection: close;\r\n\r\n"])
def test_a_fault_that_llhttp_did_not_see_leaves_nothing_behind(first: bytes) -> None:
    reader = RequestHeads()
    assert isinstance(reader.parse(first), HeadFault)
    assert isinstance(reader.parse(GET + b"\r\n"), RequestHead)


def test_heads_do_not_share_their_lists() -> None:
    reader = RequestHeads()
    first, second = reader.parse(GET + b"A: b\r\n\r\n"), reader.parse(GET + b"C: d\r\n\r\n")
    assert isinstance(first, RequestHead)
    assert isinstance(second, RequestHead)
    assert (first.headers, second.headers) == ([(b"a", b"A", b"b")], [(b"c", b"C", b"d")])


def written(line: bytes, fields: Fields, extra: bytes = b"") -> bytes:
    """A head as the proxy writes it from what was read."""
    lines, _ = fields.without(frozenset())
    return line + b"\r\n" + lines + extra + b"\r\n"


@given(messages.response_heads)
def test_what_is_written_anew_is_read_alike(data: bytes) -> None:
    head = ResponseHeads().parse(data)
    if isinstance(head, ResponseHead):
        line = b"HTTP/1.1 %d %b" % (head.status, head.reason)
        again = ResponseHeads().parse(written(line, head.headers))
        assert isinstance(again, ResponseHead)
        assert (again.status, again.headers) == (head.status, head.headers)


@given(messages.request_heads)
def test_h11_reads_what_is_written_anew(data: bytes) -> None:
    head = RequestHeads().parse(data)
    if isinstance(head, RequestHead):
        server = h11.Connection(h11.SERVER)
        server.receive_data(written(b"GET / HTTP/1.1", head.headers, b"Host: a\r\n"))
        request = server.next_event()
        assert isinstance(request, h11.Request)
        assert len(request.headers) == len(head.headers) + 1
