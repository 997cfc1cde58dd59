"""Bodies: the same payload for any cut, limits, and every way in which chunks can be broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire import messages

from tameflare.wire.framer import (
    LAST_CHUNK,
    ChunkedFramer,
    Framer,
    FramingFault,
    LengthFramer,
    UntilCloseFramer,
    encode_chunk,
    request_framer,
    response_framer,
)
from tameflare.wire.heads import RequestHead, RequestHeads, ResponseHead, ResponseHeads


def drain(framer: Framer, pieces: list[bytes]) -> tuple[bytes, bool, bytes]:
    return b"".join([framer.feed(piece) for piece in pieces]), framer.done, framer.rest


def response(head: str) -> ResponseHead:
    parsed = ResponseHeads().parse(head.encode() + b"\r\n\r\n")
    assert isinstance(parsed, ResponseHead)
    return parsed


@given(st.data(), st.binary(max_size=200), st.binary(max_size=20))
def test_any_cut_gives_the_same_payload(data: st.DataObject, payload: bytes, after: bytes) -> None:
    whole = data.draw(messages.chunked(payload)) + after
    assert drain(ChunkedFramer(), data.draw(messages.split(whole))) == (payload, True, after)
    assert drain(ChunkedFramer(), [bytes([octet]) for octet in whole]) == (payload, True, after)
    assert drain(LengthFramer(len(payload)), data.draw(messages.split(payload + after))) == (payload, True, after)


@given(st.data(), st.binary(max_size=100))
def test_what_we_encode_is_what_was_meant(data: st.DataObject, payload: bytes) -> None:
    pieces = data.draw(messages.split(payload))
    assert drain(ChunkedFramer(), [*map(encode_chunk, pieces), LAST_CHUNK]) == (payload, True, b"")


def test_an_empty_payload_does_not_end_the_body() -> None:
    assert encode_chunk(b"") == b""


def test_whole_reads_are_passed_on_uncopied() -> None:
    data = b"x" * 1000
    assert LengthFramer(5000).feed(data) is data
    assert LengthFramer(1000).feed(data) is data
    assert UntilCloseFramer().feed(data) is data


@pytest.mark.parametrize(
    "body",
    [
        b"5\nhello\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhelloo\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\r\n\r\n",
        b"+5\r\nhello\r\n",
        b"-5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"5 ;a\r\nhello\r\n",
        b"5\r\r\nhello\r\n",
        b"5;a\x00b\r\nhello\r\n",
        b"5;a\nb\r\nhello\r\n",
        b"\r\nhello\r\n",
        b"g\r\n",
        b"1_0\r\n",
        b"\xd9\xa5\r\n",
        b"1000000000000000\r\n",
        b"0\r\nA b: c\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nA: b\r\n folded\r\n\r\n",
        b"0\r\nA: b\x00\r\n\r\n",
        b"0\r\nA: b\n\r\n",
        b"0\r\nA : b\r\n\r\n",
    ],
)
def test_broken_chunks_are_refused(body: bytes) -> None:
    with pytest.raises(FramingFault):
        ChunkedFramer().feed(body)
    with pytest.raises(FramingFault):
        drain(ChunkedFramer(), [bytes([octet]) for octet in body])


@pytest.mark.parametrize(
    "body",
    [
        b"1;" + b"a" * 5000 + b"\r\n",
        b"1" * 5000,
        (b"1;" + b"a" * 1000 + b"\r\nx\r\n") * 20,
        b"0\r\n" + b"A: b\r\n" * 5000,
        b"0\r\nA: " + b"b" * 5000,
    ],
)
def test_what_is_dropped_is_bounded(body: bytes) -> None:
    with pytest.raises(FramingFault):
        ChunkedFramer().feed(body)


def test_extensions_of_a_long_stream_are_excused_by_its_payload() -> None:
    framer = ChunkedFramer()
    chunk = b"400;signature=%b\r\n%b\r\n" % (b"0" * 64, b"x" * 1024)
    assert sum(len(framer.feed(chunk)) for _ in range(2000)) == 2000 * 1024


@pytest.mark.parametrize("framer", [LengthFramer(3), ChunkedFramer()])
def test_an_early_end_is_a_fault(framer: Framer) -> None:
    framer.feed(b"1")
    with pytest.raises(FramingFault):
        framer.finish()


def test_an_end_after_the_end_is_none() -> None:
    for framer, body in ((LengthFramer(3), b"abc"), (ChunkedFramer(), b"3\r\nabc\r\n0\r\n\r\n")):
        assert drain(framer, [body, b"more", b"!"]) == (b"abc", True, b"more!")
        framer.finish()


def test_until_close() -> None:
    framer = UntilCloseFramer()
    assert drain(framer, [b"a", b"b"]) == (b"ab", False, b"")
    framer.finish()
    assert drain(framer, [b"late"]) == (b"", True, b"late")


@pytest.mark.parametrize(
    ("head", "method", "kind"),
    [
        ("HTTP/1.1 200 OK", "GET", UntilCloseFramer),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5", "GET", LengthFramer),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "POST", ChunkedFramer),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0", "GET", None),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5", "HEAD", None),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "HEAD", None),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5", "GET", None),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5", "GET", None),
        ("HTTP/1.1 103 Early Hints\r\nContent-Length: 5", "GET", None),
        ("HTTP/1.1 200 Connection established", "CONNECT", None),
        ("HTTP/1.1 407 Who\r\nContent-Length: 5", "CONNECT", LengthFramer),
    ],
)
def test_which_responses_have_a_body(head: str, method: str, kind: type | None) -> None:
    framer = response_framer(response(head), method)
    assert (None if framer is None else type(framer)) is kind


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("A: b", None),
        ("Content-Length: 0", None),
        ("Content-Length: 1", LengthFramer),
        ("Transfer-Encoding: chunked", ChunkedFramer),
    ],
)
def test_which_requests_have_a_body(field: str, kind: type | None) -> None:
    head = RequestHeads().parse(f"POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n".encode())
    assert isinstance(head, RequestHead)
    framer = request_framer(head)
    assert (None if framer is None else type(framer)) is kind
