"""Answers that two readers could understand differently. `HEAD` marks those to a HEAD request."""

from __future__ import annotations

from typing import Final

from tests.resistance.smuggling.ambiguous import ENCODINGS, ENDS, LENGTHS, SIZES, TRAILERS

OK: Final = b"HTTP/1.1 200 OK\r\n"
SECOND: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
LAST: Final = b"0\r\n\r\n"
LINES: Final = [
    *(b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"),
    *(
        b"HTTP/1.1 205 Reset",
        b"HTTP/1.1 299 Odd",
        b"HTTP/1.1 599 Odd",
        b"HTTP/1.1 600 Odd",
        b"HTTP/1.1 099 Odd",
        b"HTTP/2 200",
    ),
    *(
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"http/1.1 200 OK",
        b"HTTP/1.1\t200 OK",
        b"HTTP/1.1 200\tOK",
        b"HTTP/1.1  200 OK",
    ),
    *(
        b" HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\x00",
        b"ICY 200 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/0.9 200 OK",
        b"HTTP/1.1 200 Caf\xe9",
    ),
]
BOTH: Final = [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Content-Length: 5\r\nContent-Length: 5\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: 5\r\nConnection: close\r\n",
    b"Content-Length: 5\r\nConnection: Content-Length\r\n",
    b"Content-Length: 5\r\nX-Pad: \xff\xfe\r\n",
    b"Content-Length: 5\r\nX-Fold: a\r\n b\r\n",
    b"Content-Length: 5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n",
    b"Content_Length: 3\r\nContent-Length: 5\r\n",
    b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
    b"X: y\nContent-Length: 5\r\n",
    b"X: y\rContent-Length: 5\r\n",
    b"",
    b"Connection: keep-alive\r\n",
]


def chunked(body: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + body


ANSWERS: Final[tuple[bytes, ...]] = (
    *(OK + b"Content-Length: " + value + b"\r\n\r\nabcde" + SECOND for value in LENGTHS),
    *(OK + b"Transfer-Encoding: " + value + b"\r\n\r\n5\r\nabcde\r\n" + LAST + SECOND for value in ENCODINGS),
    *(line + b"\r\nContent-Length: 5\r\n\r\nabcde" + SECOND for line in LINES),
    *(line + b"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n" + LAST + SECOND for line in LINES),
    *(OK + fields + b"\r\nabcde" + SECOND for fields in BOTH),
    *(chunked(size + b"\r\nabcde\r\n" + LAST + SECOND) for size in SIZES),
    *(chunked(b"5\r\nabcde" + end + LAST + SECOND) for end in ENDS),
    *(chunked(b"0\r\n" + trailer + b"\r\n" + SECOND) for trailer in TRAILERS),
    *(
        chunked(body)
        for body in (b"", b"5", b"5\r\nabc", b"5\r\nabcde", b"5\r\nabcde\r\n", b"5\r\nabcde\r\n0", b"0\r\n")
    ),
    OK + b"Content-Length: 10\r\n\r\nabcde",
    OK + b"\r\n" + SECOND,
    b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nabcde" + SECOND,
    b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nabcde",
    b"HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nabcde",
    b"\r\n" + OK + b"Content-Length: 5\r\n\r\nabcde",
    b"junk\r\n" + OK + b"Content-Length: 5\r\n\r\nabcde",
    OK.replace(b"\r", b"") + b"Content-Length: 5\n\nabcde",
)
