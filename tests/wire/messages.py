"""Strategies for messages: well-formed ones, and those with a few octets changed."""

from __future__ import annotations

from hypothesis import strategies as st

OCTETS = st.sampled_from([bytes([octet]) for octet in b"\r\n\t \0:;,/0159aAfFxX+-%#\\\x7f\x80\xff"])
PASSING = ["Accept", "cookie", "X-One", "CONTENT-TYPE", "Authorization", "Via"]
ENDING = ["X-TameFlare-Agent", "Proxy-Foo", "TE", "Keep-Alive"]
LENGTHS = ["Content-Length: 5", "content-length: 0", "Content-Length: 007", "Transfer-Encoding: chunked"]
CONNECTIONS = ["Connection: close", "Connection: keep-alive, X-One", "Expect: 100-continue", "Upgrade: h2c", "A: b"]
TARGETS = ["/", "/a/b?c=d", "http://a.example/x", "/a%2Fb;c", "/\\", "/#f", '/{"|"}']

VALUES = st.text("abc XYZ\t0129-_=;,\"'()\xe9\xff", max_size=12)
FIELDS = st.builds("{}:{}".format, st.sampled_from(PASSING + ENDING), VALUES)
HOSTS = st.sampled_from(["Host: a.example", "host: a.example:443", "Host: [::1]"])
REQUEST_LINES = st.builds(
    "{} {} {}".format,
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "DELETE", "QUERY"]),
    st.sampled_from(TARGETS),
    st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]),
)
STATUS_LINES = st.builds(
    "{} {}".format,
    st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]),
    st.sampled_from(["200 OK", "204 No Content", "304 ", "404", "500 Caf\xe9", "200 a  b "]),
)


def join(lines: list[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@st.composite
def changed(draw: st.DrawFn, heads: st.SearchStrategy[bytes]) -> bytes:
    """A head with up to three octets put in, taken out or replaced before its final empty line."""
    data = draw(heads)[:-4]
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        position = draw(st.integers(0, len(data)))
        data = data[:position] + draw(OCTETS | st.just(b"")) + data[position + draw(st.integers(0, 1)) :]
    return data + b"\r\n\r\n"


@st.composite
def framing(draw: st.DrawFn) -> list[str]:
    """At most one length and one more field about the connection, most of the time."""
    return [
        *draw(st.lists(FIELDS, max_size=4)),
        *draw(st.lists(st.sampled_from(LENGTHS), max_size=1)),
        *draw(st.lists(st.sampled_from(CONNECTIONS), max_size=2)),
    ]


@st.composite
def plain_requests(draw: st.DrawFn) -> bytes:
    return join([draw(REQUEST_LINES), *draw(st.permutations([draw(HOSTS), *draw(framing())]))])


@st.composite
def plain_responses(draw: st.DrawFn) -> bytes:
    return join([draw(STATUS_LINES), *draw(st.permutations(draw(framing())))])


request_heads = changed(plain_requests())
response_heads = changed(plain_responses())


@st.composite
def split(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` cut at arbitrary places."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@st.composite
def chunked(draw: st.DrawFn, payload: bytes) -> bytes:
    """`payload` in chunks of arbitrary sizes, with extensions and trailers, as a sender may write it."""
    extensions = st.sampled_from([b"", b"", b";a", b";a=b", b'; x="\xff y"'])
    sizes = st.sampled_from([b"%x", b"%X", b"00%x"])
    parts = [
        (draw(sizes) % len(piece)) + draw(extensions) + b"\r\n" + piece + b"\r\n"
        for piece in draw(split(payload))
        if piece
    ]
    trailers = draw(st.sampled_from([b"", b"", b"Expires: never\r\n", b"a:\r\nb: \xe9 c\r\n"]))
    return b"".join(parts) + draw(st.sampled_from([b"0", b"000", b"0;last"])) + b"\r\n" + trailers + b"\r\n"
