"""What must hold for any bytes that are read as HTTP: the declared fault, or an understanding that h11 shares."""

from __future__ import annotations

import h11
from tests.wire import test_agreement as agreement

from tameflare.proxy.response import ResponseFault, ResponseReader
from tameflare.wire.chunked import ChunkedFramer
from tameflare.wire.fields import Fields
from tameflare.wire.framer import FramingFault
from tameflare.wire.heads import (
    HeadFault,
    RequestHead,
    RequestHeads,
    ResponseHead,
    ResponseHeads,
    head_end,
    partial_fault,
)

USUAL = b"GET /usual HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
METHODS = ("GET", "HEAD", "POST", "CONNECT")
REQUEST_ID = "req_fuzz"


def pieces(data: bytes) -> list[bytes]:
    """The bytes in pieces whose sizes they themselves decide."""
    found, at = [], 0
    while at < len(data):
        size = 1 + data[at] % 7 if data[at] % 3 else 1 + data[at] * 16
        found.append(data[at : at + size])
        at += size
    return found


def _one_head(data: bytes) -> bytes:
    """What the caller of the reader gives it: all to the first empty line."""
    data += b"\r\n\r\n"
    return data[: head_end(data)]


def request_head(data: bytes) -> None:
    for size in {len(data) // 2, len(data)}:
        assert isinstance(partial_fault(data[:size]), HeadFault | None)
    data = _one_head(data)
    head = RequestHeads().parse(data)
    warm = RequestHeads()
    warm.parse(USUAL)
    assert warm.parse(data) == head, "what was read before changes what is read now"
    assert warm.parse(data) == head, "read twice, understood differently"
    if isinstance(head, HeadFault):
        assert head.status in (400, 431, 501, 505)
        return
    assert isinstance(head, RequestHead)
    _, theirs = agreement.request_of_h11(data)
    assert (head.method.encode(), head.target.encode()) == (theirs.method, theirs.target)
    _agree(head, theirs, agreement.REQUEST_ONLY)


def response_head(data: bytes) -> None:
    data = _one_head(data)
    head = ResponseHeads().parse(data)
    if isinstance(head, HeadFault):
        return
    assert isinstance(head, ResponseHead)
    _, theirs = agreement.response_of_h11(data, "GET")
    assert (head.status, head.reason) == (theirs.status_code, theirs.reason)
    _agree(head, theirs, {b"alt-svc"})


def _agree(ours: RequestHead | ResponseHead, theirs: h11.Request | h11.Response, also: set[bytes]) -> None:
    assert b"1.%d" % ours.minor == theirs.http_version
    expected = [pair for pair in agreement.expected_fields(theirs.headers, also) if not _resembles(pair[0], also)]
    assert agreement.fields_of(list(ours.headers)) == expected
    assert ([] if ours.content_length is None else [ours.content_length]) == agreement.lengths(theirs.headers)
    assert ours.chunked == agreement.is_chunked(theirs.headers)
    assert isinstance(ours.headers, Fields)
    written = ours.headers.layout.all_lines.write(ours.headers.values)
    assert written.count(b"\r\n") == len(ours.headers), "a field became two"


def _resembles(name: bytes, also: set[bytes]) -> bool:
    """Whether a server of CGI programs would take it for a field that ends here (RFC 3875 section 4.1.18)."""
    plain = name.replace(b"_", b"-")
    return plain != name and (plain in agreement.ENDS_HERE | also or plain.startswith((b"proxy-", b"x-tameflare-")))


def _read(parts: list[bytes]) -> tuple[bytes, bool, bytes] | None:
    framer = ChunkedFramer()
    try:
        payload = b"".join([framer.feed(part) for part in parts])
        framer.finish()
    except FramingFault:
        return None
    assert len(payload) + len(framer.rest) <= sum(map(len, parts))
    return payload, framer.done, framer.rest


def chunked(data: bytes) -> None:
    whole, cut = _read([data]), _read(pieces(data))
    assert whole == cut, "the cut changes what is read"
    if whole is None:
        return
    connection, _ = agreement.request_of_h11(CHUNKED)
    try:
        theirs = agreement.payload_of_h11(connection, [data], closes=False)
    except h11.RemoteProtocolError:
        # h11 reads trailers as fields of the head; here they end, whatever they say (RFC 9110 section 6.5.1)
        assert b"transfer-encoding" in data.lower() or b"content-length" in data.lower()
        return
    assert (whole[0], whole[2]) == theirs


def answer(data: bytes) -> None:
    """The first octet chooses the method and version of the question; the rest is what the upstream says."""
    method, minor = METHODS[data[0] % 4 if data else 0], (data[0] >> 2) % 2 if data else 1
    whole, cut = _relayed(method, minor, [data[1:]]), _relayed(method, minor, pieces(data[1:]))
    assert (whole is None) == (cut is None), "the cut changes what is let through"
    if whole is None or minor == 0 or method == "CONNECT":
        return
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(whole)
    events = []
    while (event := client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        events.append(event)
        if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    assert isinstance(events[0], h11.Response), "what goes to the agent is no answer"
    assert isinstance(events[-1], h11.EndOfMessage), "an answer that has ended does not end"
    assert client.trailing_data[0] == b"", "bytes stand behind the answer"
    assert dict(events[0].headers)[b"x-tameflare-request-id"] == REQUEST_ID.encode()


def _relayed(method: str, minor: int, parts: list[bytes]) -> bytes | None:
    """What goes to the agent; None where it is no whole answer."""
    reader = ResponseReader()
    reader.begin(method, minor, REQUEST_ID)
    out = b""
    try:
        for part in parts:
            if not reader.done:
                out += reader.feed(part, keep=True)
        if reader.head is not None and not reader.done:
            out += reader.finish()
    except (ResponseFault, FramingFault):
        return None
    return out if reader.done else None
