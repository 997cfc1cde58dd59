"""Every file of `tests/golden/heads`: a head, dashes, and what is understood of it or the exact fault.

Line breaks of the file are no part of the head; `\\r`, `\\n`, `\\t`, `\\\\` and `\\xNN` stand for octets. Lines that
begin with `#` say why the case is there.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tameflare.wire.framer import ChunkedFramer, Framer, LengthFramer, request_framer, response_framer
from tameflare.wire.heads import Header, HeadFault, RequestHead, RequestHeads, ResponseHead, ResponseHeads, head_end

CASES = sorted((Path(__file__).parent.parent / "golden" / "heads").glob("*.httptest"))
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}


def octets(text: str) -> bytes:
    """The head that the upper part of a case describes."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    parts = re.split(r"\\(x[0-9a-f]{2}|.)", "".join(lines))
    plain, escapes = parts[::2], [*parts[1::2], ""]
    return b"".join(p.encode("ascii") + unescape(e) for p, e in zip(plain, escapes, strict=True))


def unescape(escape: str) -> bytes:
    return bytes.fromhex(escape[1:]) if escape.startswith("x") else ESCAPES[escape] if escape else b""


def readable(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")


def body(framer: Framer | None) -> str:
    if framer is None:
        return "none"
    if isinstance(framer, LengthFramer):
        return f"{framer.left} bytes"
    return "chunked" if isinstance(framer, ChunkedFramer) else "until close"


def passes(headers: list[Header]) -> list[str]:
    return [f"passes: {readable(name)}: {readable(value)}".rstrip() for _lower, name, value in headers]


def describe_request(head: RequestHead) -> list[str]:
    asks = [word for word, asked in (("continue", head.expect_continue), ("upgrade", head.upgrade)) if asked]
    token = head.proxy_authorization
    return [
        f"{head.method} {head.target} HTTP/1.{head.minor}",
        f"host: {head.host or 'none'}",
        f"body: {body(request_framer(head))}",
        f"then: {'close' if head.close else 'keep'}",
        *([f"asks: {', '.join(asks)}"] if asks else []),
        *([f"proxy-authorization: {readable(token)}"] if token else []),
        *passes(head.headers),
    ]


def describe_response(head: ResponseHead) -> list[str]:
    return [
        f"{head.status} {readable(head.reason)} HTTP/1.{head.minor}",
        f"body: {body(response_framer(head, 'GET'))}",
        f"then: {'close' if head.close else 'keep'}",
        *passes(head.headers),
    ]


def describe(head: RequestHead | ResponseHead | HeadFault) -> str:
    if isinstance(head, HeadFault):
        return f"fault {head.status} {head.code}: {head.message}"
    return "\n".join(describe_request(head) if isinstance(head, RequestHead) else describe_response(head))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_head(case: Path) -> None:
    head, dashes, expected = case.read_text("ascii").partition("----------\n")
    assert dashes
    reader = RequestHeads() if case.stem.startswith("request-") else ResponseHeads()
    data = octets(head)
    assert head_end(data, max(0, len(data) - 4)) == len(data)
    assert describe(reader.parse(data)) == expected.strip()


def test_there_are_cases() -> None:
    assert len(CASES) > 100
