"""h11 and we understand every message alike that we accept: heads and bodies, both directions, however it is cut."""

from __future__ import annotations

import h11
from hypothesis import assume, event, example, given
from hypothesis import strategies as st
from tests.wire import messages

from tameflare.wire.framer import Framer, FramingFault, request_framer, response_framer
from tameflare.wire.heads import Header, HeadFault, RequestHead, RequestHeads, ResponseHead, ResponseHeads

ENDS_HERE = {b"connection", b"content-length", b"transfer-encoding", b"keep-alive", b"te", b"trailer", b"upgrade"}
REQUEST_ONLY = {b"host", b"expect"}
PAYLOADS = st.binary(max_size=60) | st.integers(1, 5).map(lambda size: b"0\r\n\r\n" * size)


def request_of_h11(data: bytes) -> tuple[h11.Connection, h11.Request]:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    head = connection.next_event()
    assert isinstance(head, h11.Request)
    return connection, head


def response_of_h11(data: bytes, method: str) -> tuple[h11.Connection, h11.Response | h11.InformationalResponse]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a.example")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    head = connection.next_event()
    assert isinstance(head, h11.Response | h11.InformationalResponse)
    return connection, head


def expected_fields(fields: h11._headers.Headers, also: set[bytes]) -> list[tuple[bytes, bytes]]:
    """What of h11's fields may go on."""
    options = b",".join(value for name, value in fields if name == b"connection").lower().split(b",")
    ends = ENDS_HERE | also | {option.strip() for option in options}
    prefixes = (b"proxy-", b"x-tameflare-")
    return [(name, value) for name, value in fields if name not in ends and not name.startswith(prefixes)]


def fields_of(headers: list[Header]) -> list[tuple[bytes, bytes]]:
    return [(lower, value) for lower, _name, value in headers]


def lengths(fields: h11._headers.Headers) -> list[int]:
    return [int(value) for name, value in fields if name == b"content-length"]


def is_chunked(fields: h11._headers.Headers) -> bool:
    return any(name == b"transfer-encoding" for name, _value in fields)


def accepted_request(data: bytes) -> RequestHead:
    head = RequestHeads().parse(data)
    event(head.code if isinstance(head, HeadFault) else "accepted")
    assume(isinstance(head, RequestHead))
    assert isinstance(head, RequestHead)
    return head


def accepted_response(data: bytes) -> ResponseHead:
    head = ResponseHeads().parse(data)
    event(head.code if isinstance(head, HeadFault) else "accepted")
    assume(isinstance(head, ResponseHead))
    assert isinstance(head, ResponseHead)
    return head


@given(messages.request_heads)
@example(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: \xff \t\r\n\r\n")
def test_request_heads(data: bytes) -> None:
    ours = accepted_request(data)
    _connection, theirs = request_of_h11(data)
    assert (ours.method.encode(), ours.target.encode()) == (theirs.method, theirs.target)
    assert b"1.%d" % ours.minor == theirs.http_version
    assert fields_of(ours.headers) == expected_fields(theirs.headers, REQUEST_ONLY)
    assert [host.encode() for host in [ours.host] if host] == [v for n, v in theirs.headers if n == b"host"]
    assert [length for length in [ours.content_length] if length is not None] == lengths(theirs.headers)
    assert ours.chunked == is_chunked(theirs.headers)


@given(messages.response_heads)
def test_response_heads(data: bytes) -> None:
    ours = accepted_response(data)
    _connection, theirs = response_of_h11(data, "GET")
    assert (ours.status, ours.reason) == (theirs.status_code, theirs.reason)
    assert b"1.%d" % ours.minor == theirs.http_version
    assert fields_of(ours.headers) == expected_fields(theirs.headers, {b"alt-svc"})
    assert [length for length in [ours.content_length] if length is not None] == lengths(theirs.headers)
    assert ours.chunked == is_chunked(theirs.headers)


def payload_of_ours(framer: Framer | None, pieces: list[bytes], *, closes: bool) -> tuple[bytes, bytes]:
    """Payload and what follows the message; FramingFault."""
    if framer is None:
        return b"", b"".join(pieces)
    payload = b"".join([framer.feed(piece) for piece in pieces])
    if closes:
        framer.finish()
    assert framer.done
    return payload, framer.rest


def payload_of_h11(connection: h11.Connection, pieces: list[bytes], *, closes: bool) -> tuple[bytes, bytes]:
    payload = bytearray()
    feeds = [*filter(None, pieces), *([b""] if closes else [])]
    while True:
        part = connection.next_event()
        if isinstance(part, h11.Data):
            payload += part.data
        elif isinstance(part, h11.EndOfMessage):
            rest, _closed = connection.trailing_data
            return bytes(payload), rest + b"".join(feeds)
        else:
            assert part is h11.NEED_DATA
            connection.receive_data(feeds.pop(0))


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """A framing field and the pieces of a body under it, with something after its end."""
    payload = draw(PAYLOADS)
    after = draw(st.sampled_from([b"", b"GET / HTTP/1.1\r\n"]))
    if draw(st.booleans()):
        return "Transfer-Encoding: chunked", draw(messages.split(draw(messages.chunked(payload)) + after))
    return f"Content-Length: {len(payload)}", draw(messages.split(payload + after))


@given(bodies())
def test_request_bodies(body: tuple[str, list[bytes]]) -> None:
    head = messages.join(["POST / HTTP/1.1", "Host: a", body[0]])
    connection, _request = request_of_h11(head)
    ours = payload_of_ours(request_framer(accepted_request(head)), body[1], closes=False)
    assert ours == payload_of_h11(connection, body[1], closes=False)


@given(
    bodies(), st.sampled_from(["GET", "HEAD"]), st.sampled_from(["200 OK", "204 No", "304 No", "500 No"]), st.booleans()
)
def test_response_bodies(body: tuple[str, list[bytes]], method: str, status: str, until_close: bool) -> None:
    head = messages.join([f"HTTP/1.1 {status} So", *([] if until_close else [body[0]])])
    connection, _response = response_of_h11(head, method)
    ours = payload_of_ours(response_framer(accepted_response(head), method), body[1], closes=until_close)
    assert ours == payload_of_h11(connection, body[1], closes=until_close)


@given(st.data())
def test_broken_chunks(data: st.DataObject) -> None:
    """Chunked bodies with changed octets: refused by us, or understood alike."""
    body = data.draw(messages.changed(messages.chunked(b"hello, world").map(lambda whole: whole + b"\r\n\r\n")))
    pieces = data.draw(messages.split(body))
    head = messages.join(["POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"])
    framer = request_framer(accepted_request(head))
    assert framer is not None
    try:
        payload = b"".join([framer.feed(piece) for piece in pieces])
        framer.finish()
    except FramingFault:
        event("refused")
        return
    connection, _request = request_of_h11(head)
    assert (payload, framer.rest) == payload_of_h11(connection, pieces, closes=False)
